//! Many at once: nothing but the conditions on the writes keeps the order.

use arthouse_core::{ChargeKind, SessionStatus};
use arthouse_tests::{Event, World, course, student};
use futures::future::join_all;

#[tokio::test(flavor = "multi_thread")]
async fn attend_and_skip_racing_charge_a_session_once() {
    let mut world = World::start().await;
    world.add_worker();
    let ada = student("ada", "w1");
    world
        .apply(&Event::new("course.create", course("w1", 90, 3)))
        .await;
    world.apply(&ada.applies()).await;
    world.apply(&ada.pays("ref-1")).await;
    world.sessions("ada", "w1").await;
    let racers: Vec<_> = (0..32)
        .map(|n| {
            if n % 2 == 0 {
                ada.attends(1)
            } else {
                ada.skips(1)
            }
            .in_group(&format!("racer-{n}"))
        })
        .collect();
    join_all(racers.iter().map(|event| world.post(event))).await;
    let outcomes = join_all(
        racers
            .iter()
            .map(|event| world.outcomes.outcomes(event.id(), 1)),
    )
    .await;
    let applied = outcomes.iter().filter(|codes| codes[0].is_none()).count();
    let rejected = outcomes
        .iter()
        .filter(|codes| codes[0].as_deref() == Some("SESSION_NOT_SCHEDULED"))
        .count();
    assert_eq!((applied, rejected), (1, 31));
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
    world
        .apply(&Event::new("course.create", course("w1", 90, 3)))
        .await;
    world.apply(&ada.applies()).await;
    let racers: Vec<_> = (0..16)
        .map(|n| {
            ada.pays(&format!("ref-{n}"))
                .in_group(&format!("racer-{n}"))
        })
        .collect();
    join_all(racers.iter().map(|event| world.post(event))).await;
    let outcomes = join_all(
        racers
            .iter()
            .map(|event| world.outcomes.outcomes(event.id(), 1)),
    )
    .await;
    assert_eq!(
        outcomes.iter().filter(|codes| codes[0].is_none()).count(),
        1
    );
    assert_eq!(
        outcomes
            .iter()
            .filter(|codes| codes[0].as_deref() == Some("ALREADY_PAID"))
            .count(),
        15
    );
    assert_eq!(world.settled().await, []);
    let records = world.records("ada", "w1").await;
    assert_eq!((records.application, records.sessions.len()), (None, 3));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_courses_with_one_id_are_created_once() {
    let world = World::start().await;
    let racers: Vec<_> = (0..16)
        .map(|n| {
            Event::new("course.create", course("w1", 90 + n, 3)).in_group(&format!("racer-{n}"))
        })
        .collect();
    join_all(racers.iter().map(|event| world.post(event))).await;
    let outcomes = join_all(
        racers
            .iter()
            .map(|event| world.outcomes.outcomes(event.id(), 1)),
    )
    .await;
    assert_eq!(
        outcomes.iter().filter(|codes| codes[0].is_none()).count(),
        1
    );
    assert_eq!(
        outcomes
            .iter()
            .filter(|codes| codes[0].as_deref() == Some("COURSE_EXISTS"))
            .count(),
        15
    );
    world.stop().await;
}
