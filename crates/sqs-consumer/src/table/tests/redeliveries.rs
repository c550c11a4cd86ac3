//! Redeliveries of a message in flight or finished.

use super::*;

#[test]
fn a_message_delivered_again_while_its_deletion_is_under_way_is_deleted_by_its_new_receipt_too() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let first = deletes(&rig.handled(0, Disposition::Done));
    assert_eq!(&*first[0].receipt, "a");

    let commands = rig.step(Event::Received {
        reserved: 10,
        result: Ok(vec![received("a", "-again")]),
    });
    assert_eq!(
        (starts(&commands), rig.table.snapshot().counters.duplicates),
        (vec![], 1)
    );

    let second = deletes(&rig.step(Event::Deleted(ok(first))));
    assert_eq!(&*second[0].receipt, "a-again");
    rig.step(Event::Deleted(ok(second)));
    assert_eq!(
        (
            rig.table.snapshot().in_flight,
            rig.table.snapshot().counters.deleted
        ),
        (0, 1)
    );
}

#[test]
fn a_finished_message_that_comes_again_is_deleted_and_not_handled() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let entries = deletes(&rig.handled(0, Disposition::Done));
    rig.step(Event::Deleted(ok(entries)));

    let commands = rig.step(Event::Received {
        reserved: 10,
        result: Ok(vec![received("a", "-late")]),
    });
    let again = deletes(&[commands, rig.pass(SECOND)].concat());
    assert_eq!(
        (&*again[0].receipt, rig.table.snapshot().counters.started),
        ("a-late", 1)
    );
}

#[test]
fn a_message_delivered_again_while_it_runs_is_settled_by_its_latest_receipt() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let commands = rig.step(Event::Received {
        reserved: 10,
        result: Ok(vec![received("a", "-again")]),
    });
    assert_eq!(starts(&commands), NONE, "it runs already");
    let entries = deletes(&rig.handled(0, Disposition::Done));
    assert_eq!(&*entries[0].receipt, "a-again");
}

#[test]
fn a_redelivery_at_the_very_end_of_the_lease_does_not_hide_its_loss() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    rig.pass(SECOND * 15); // a heartbeat that is never answered
    rig.now += SECOND * 15;
    let again = Event::Received {
        reserved: 10,
        result: Ok(vec![received("a", "-again")]),
    };
    let commands = rig.table.step(again, rig.now);
    assert!(commands.iter().any(is_cancel));
    assert_eq!(
        (rig.table.snapshot().counters.lost_leases, starts(&commands)),
        (1, vec![])
    );
}

#[test]
fn the_answer_of_a_heartbeat_for_an_old_receipt_says_nothing_of_the_new_lease() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let heartbeat = renewals(&rig.pass(SECOND * 15)).remove(0);
    rig.step(Event::Received {
        reserved: 10,
        result: Ok(vec![received("a", "-again")]),
    });
    let commands = rig.step(Event::Renewed(failed(heartbeat, false)));
    assert!(!commands.iter().any(is_cancel));
    assert_eq!(rig.table.snapshot().counters.lost_leases, 0);
}
