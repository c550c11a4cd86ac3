//! Heartbeats and releases.

use super::*;

#[test]
fn a_visibility_change_waits_for_the_heartbeat_under_way_lest_that_undo_it() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let heartbeat = renewals(&rig.pass(SECOND * 15)).remove(0);

    let commands = rig.handled(0, retry());
    assert_eq!(releases(&commands), []);
    assert_eq!(releases(&rig.pass(SECOND)), []);

    let commands = rig.step(Event::Renewed(ok(heartbeat)));
    assert_eq!(
        releases(&commands),
        [(0, 6)],
        "seven seconds, of which one has passed"
    );
}

#[test]
fn one_heartbeat_takes_along_those_that_are_due_soon() {
    let mut rig = Rig::new(false, Settings::default());
    for i in 0..4 {
        rig.receive(&[&format!("m{i}")]);
        rig.now += SECOND;
    }
    let sizes: Vec<_> = renewals(&rig.pass(SECOND * 13))
        .iter()
        .map(Vec::len)
        .collect();
    assert_eq!(
        sizes,
        [4],
        "one request for four messages received a second apart"
    );
}
