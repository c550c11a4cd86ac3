//! Many at once: nothing but the conditions on the writes keeps the order.

use arthouse_core::{ChargeKind, SessionStatus};
use arthouse_tests::{Event, World, course, student};
use futures::future::join_all;

/// How many racers were applied, and how many rejected with a code.
async fn race(world: &World, racers: impl Iterator<Item = Event>, code: &str) -> (usize, usize) {
    let racers: Vec<_> = (0..)
        .zip(racers)
        .map(|(n, event)| event.in_group(&format!("racer-{n}")))
        .collect();
    join_all(racers.iter().map(|event| world.post(event))).await;
    let outcomes = racers
        .iter()
        .map(|event| world.outcomes.outcomes(event.id(), 1));
    let outcomes = join_all(outcomes).await.concat();
    let count = |expected: Option<&str>| {
        let same = outcomes.iter().filter(|code| code.as_deref() == expected);
        same.count()
    };
    (count(None), count(Some(code)))
}

#[tokio::test(flavor = "multi_thread")]
async fn attend_and_skip_racing_charge_a_session_once() {
    let mut world = World::start().await;
    world.add_worker();
    let ada = student("ada", "w1");
    world.offer("w1", 90, 3).await;
    world.enrol(&ada).await;
    let racers = (0..32).map(|n| {
        if n % 2 == 0 {
            ada.attends(1)
        } else {
            ada.skips(1)
        }
    });
    let ended = race(&world, racers, "SESSION_NOT_SCHEDULED").await;
    assert_eq!(ended, (1, 31));
    assert_eq!(world.settled().await, []);
    let records = world.records("ada", "w1").await;
    let enrollment = records.enrollment.expect("paid");
    let kind = match records.sessions[0].status {
        SessionStatus::Attended => ChargeKind::Attended,
        SessionStatus::Skipped | SessionStatus::Scheduled => ChargeKind::Skipped,
    };
    assert_eq!((enrollment.charges.len(), enrollment.count(kind)), (1, 1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_racing_for_one_application_enrol_once() {
    let mut world = World::start().await;
    world.add_worker();
    let ada = student("ada", "w1");
    world.offer("w1", 90, 3).await;
    world.apply(&ada.applies()).await;
    let racers = (0..16).map(|n| ada.pays(&format!("ref-{n}")));
    assert_eq!(race(&world, racers, "ALREADY_PAID").await, (1, 15));
    assert_eq!(world.settled().await, []);
    let records = world.records("ada", "w1").await;
    assert_eq!((records.application, records.sessions.len()), (None, 3));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_courses_with_one_id_are_created_once() {
    let world = World::start().await;
    let racers = (0..16).map(|n| Event::new("course.create", course("w1", 90 + n, 3)));
    assert_eq!(race(&world, racers, "COURSE_EXISTS").await, (1, 15));
    world.stop().await;
}
