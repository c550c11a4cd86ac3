//! Retries, deletes and the drain.

use super::*;

#[test]
fn a_retry_after_the_token_fired_is_not_an_attempt_and_comes_back_at_once() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    rig.step(Event::Shutdown);
    rig.live(SECOND * 21);
    let again = Disposition::Retry {
        after: None,
        reason: "told to stop".to_owned(),
    };
    let commands = rig.handled(0, again);
    assert_eq!(releases(&commands), [(0, 0)]);
    let snapshot = rig.table.snapshot();
    assert_eq!(
        (snapshot.counters.retried, snapshot.counters.deferred),
        (0, 1)
    );
    assert_eq!(rig.table.attempts.next("a"), 1);
}

#[test]
fn a_deferred_message_comes_back_later_with_each_receive_so_that_hours_of_outage_dead_letter_none()
{
    let policy = RetryPolicy::default();
    let mut shortest = Duration::ZERO;
    for receives in 1..=policy.max_unexplained_receives {
        let mut rig = Rig::new(false, Settings::default());
        let mut delivery = received("a", "");
        delivery.message = delivery.message.with_receive_count(receives);
        rig.step(Event::Received {
            reserved: 10,
            result: Ok(vec![delivery]),
        });
        let defer = Disposition::Defer {
            after: None,
            reason: "throttled".to_owned(),
        };
        let changed = rig
            .handled(0, defer)
            .into_iter()
            .chain(rig.live(SECOND))
            .collect::<Vec<_>>();
        let [(0, seconds)] = releases(&changed)[..] else {
            panic!("{changed:?}")
        };
        let full = policy
            .first_delay
            .saturating_mul(1 << (receives - 1).min(20))
            .min(policy.max_delay);
        assert!(
            (full.as_secs() / 2..=full.as_secs()).contains(&seconds),
            "receive {receives}: {seconds} s"
        );
        shortest += Duration::from_secs(seconds);
    }
    assert!(shortest > Duration::from_secs(10 * 60 * 60), "{shortest:?}");
}

#[test]
fn the_drain_cancels_then_aborts_then_ends() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    rig.step(Event::Shutdown);
    let told = Command::Cancel {
        key: 0,
        reason: CancelReason::ShuttingDown,
    };
    let not_heartbeat = |command: &Command| !matches!(command, Command::Renew(_));
    let mut after = |seconds| -> Vec<Command> {
        rig.live(SECOND * seconds)
            .into_iter()
            .filter(not_heartbeat)
            .collect()
    };
    assert_eq!(after(20), []);
    assert_eq!(after(1), [told]);
    assert_eq!(after(2), [Command::Abort { key: 0 }]);
    assert_eq!(after(1), []);
    assert_eq!(after(1), [Command::Stop]);
    assert_eq!(after(60), []);
}

#[test]
fn a_failed_deletion_is_tried_again_and_the_lease_extended_meanwhile() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let mut entries = deletes(&rig.handled(0, Disposition::Done));
    let (mut tries, mut heartbeats) = (1, 0);
    let began = rig.now;
    while rig.now < began + SECOND * 90 {
        rig.step(Event::Deleted(Answer {
            entries,
            result: Err(ErrorKind::Throttled),
        }));
        let mut commands = Vec::new();
        while deletes(&commands).is_empty() {
            commands = rig.pass(SECOND / 10);
            for batch in renewals(&commands) {
                heartbeats += 1;
                rig.step(Event::Renewed(ok(batch)));
            }
        }
        tries += 1;
        entries = deletes(&commands);
    }
    assert!(
        tries > 8 && heartbeats >= 5,
        "{tries} tries, {heartbeats} heartbeats"
    );
    rig.step(Event::Deleted(ok(entries)));
    let snapshot = rig.table.snapshot();
    assert_eq!(
        (
            snapshot.counters.deleted,
            snapshot.counters.lost_leases,
            snapshot.in_flight
        ),
        (1, 0, 0)
    );
}

#[test]
fn a_stale_receipt_ends_the_deletion() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let entries = deletes(&rig.handled(0, Disposition::Done));
    rig.step(Event::Deleted(failed(entries, false)));
    let snapshot = rig.table.snapshot();
    assert_eq!(
        (
            snapshot.counters.deleted,
            snapshot.counters.lost_leases,
            snapshot.in_flight
        ),
        (0, 1, 0)
    );
}
