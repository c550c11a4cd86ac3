//! The read side over the tables as they are.

use arthouse_core::{Stage, Timestamp, project};
use arthouse_tests::{World, eventually, student};
use chrono::Utc;

#[tokio::test(flavor = "multi_thread")]
async fn applications_that_wait_for_payment_are_listed_oldest_first_until_they_are_paid() {
    let world = World::start().await;
    world.offer("w1", 90, 3).await;
    for user in ["u1", "u10", "u2"] {
        world.apply(&student(user, "w1").applies()).await;
    }
    world.apply(&student("u10", "w1").pays("ref")).await;
    let waiting = eventually("the index", || async {
        let page = world.stack.store.pending(10, None).await.expect("readable");
        (page.items.len() == 2).then_some(page.items)
    })
    .await;
    let users: Vec<_> = waiting
        .iter()
        .map(|application| application.user_id.as_str())
        .collect();
    assert!(users == ["u1", "u2"], "{users:?}");
    assert!(waiting.is_sorted_by_key(|application| application.applied_date));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_students_progress_shows_nothing_of_another_whose_id_begins_alike() {
    let world = World::start().await;
    world.offer("w1", 90, 3).await;
    for user in ["u1", "u10"] {
        world.apply(&student(user, "w1").applies()).await;
        world.apply(&student(user, "w1").pays("ref")).await;
        world.sessions(user, "w1").await;
    }
    world.apply(&student("u10", "w1").attends(1)).await;
    assert_eq!(world.settled().await, []);
    let now: Timestamp = Utc::now().into();
    let progress = async |user: &str| {
        let records = world.records(user, "w1").await;
        project(None, records.enrollment.as_ref(), &records.sessions, now).expect("enrolled")
    };
    let (first, tenth) = (progress("u1").await, progress("u10").await);
    assert_eq!(
        (first.attended, first.scheduled, first.status),
        (0, 3, Stage::Paid)
    );
    assert_eq!(
        (tenth.attended, tenth.scheduled, tenth.percent_complete),
        (1, 2, 33)
    );
    let session = "0001".parse().expect("a session id");
    let roster = world
        .stack
        .store
        .roster(&"w1".parse().expect("a course id"), &session, None)
        .await
        .expect("readable");
    let mut users: Vec<_> = roster
        .items
        .iter()
        .map(|session| session.user_id.as_str())
        .collect();
    users.sort_unstable();
    assert_eq!(users, ["u1", "u10"]);
    world.stop().await;
}
