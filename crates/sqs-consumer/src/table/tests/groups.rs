//! The order of a FIFO group.

use super::*;

#[test]
fn when_the_running_message_of_a_fifo_group_loses_its_lease_those_behind_it_go_back() {
    let mut rig = Rig::new(true, Settings::default());
    rig.receive(&["g/1", "g/2", "g/3"]);
    let heartbeat = renewals(&rig.pass(SECOND * 15)).remove(0);
    assert_eq!(heartbeat.len(), 3, "the waiting ones are extended too");

    let (lost, kept): (Vec<_>, Vec<_>) = heartbeat.into_iter().partition(|entry| entry.key == 0);
    let mut commands = rig.step(Event::Renewed(failed(lost, false)));
    assert!(commands.iter().any(is_cancel));
    commands.extend(rig.step(Event::Renewed(ok(kept))));
    commands.extend(rig.pass(SECOND));
    assert_eq!(releases(&commands), [(1, 0), (2, 0)]);

    let commands = rig.handled(0, Disposition::Done);
    assert_eq!(
        starts(&commands),
        NONE,
        "2 must not overtake 1, which others may have by now"
    );
}

#[test]
fn when_a_waiting_message_of_a_fifo_group_loses_its_lease_those_behind_it_go_back() {
    let mut rig = Rig::new(true, Settings::default());
    rig.receive(&["g/1", "g/2", "g/3"]);
    let heartbeat = renewals(&rig.pass(SECOND * 15)).remove(0);
    let (lost, kept): (Vec<_>, Vec<_>) = heartbeat.into_iter().partition(|entry| entry.key == 1);
    let mut commands = rig.step(Event::Renewed(failed(lost, false)));
    commands.extend(rig.step(Event::Renewed(ok(kept))));
    commands.extend(rig.pass(SECOND));
    assert_eq!(releases(&commands), [(2, 0)]);
    assert_eq!(starts(&rig.handled(0, Disposition::Done)), NONE);
    assert_eq!(rig.table.snapshot().counters.lost_leases, 1);
}

#[test]
fn a_fifo_group_waits_until_its_dead_letter_is_accepted() {
    let mut rig = Rig::new(true, Settings::default());
    rig.receive(&["g/1", "g/2"]);
    let dead_letter = Disposition::DeadLetter {
        reason: "bad".to_owned(),
        detail: String::new(),
    };
    let commands = rig.handled(0, dead_letter);
    assert!(commands.iter().any(|command| matches!(
        command,
        Command::DeadLetter {
            key: 0,
            attempt: 1,
            ..
        }
    )));
    assert_eq!((starts(&commands), deletes(&commands)), (vec![], vec![]));

    let commands = rig.step(Event::DeadLettered {
        key: 0,
        accepted: true,
    });
    assert_eq!(starts(&commands), [1]);
    let deleted = deletes(&[commands, rig.pass(SECOND)].concat());
    assert_eq!(
        deleted.iter().map(|entry| entry.key).collect::<Vec<_>>(),
        [0]
    );
}

#[test]
fn a_dead_letter_that_is_not_accepted_is_released_and_its_group_with_it() {
    let mut rig = Rig::new(true, Settings::default());
    rig.receive(&["g/1", "g/2"]);
    rig.handled(
        0,
        Disposition::DeadLetter {
            reason: "bad".to_owned(),
            detail: String::new(),
        },
    );
    let commands = [
        rig.step(Event::DeadLettered {
            key: 0,
            accepted: false,
        }),
        rig.pass(SECOND),
    ]
    .concat();
    assert_eq!(releases(&commands), [(0, 900), (1, 0)]);
    assert_eq!((starts(&commands), deletes(&commands)), (vec![], vec![]));
}
