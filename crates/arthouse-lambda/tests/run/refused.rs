//! Invocations that are no batch of ours, and schedules.

use std::time::Duration;

use arthouse_tests::{Event, World, course};
use serde_json::json;

use crate::TIMEOUT;
use crate::function::Function;

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_event_fails_its_invocation_and_the_next_is_served() {
    let world = World::idle().await;
    let function = Function::start(&world, TIMEOUT).await;
    for event in [
        json!({}),
        json!({"arthouse": "drop"}),
        json!({"detail-type": "Scheduled Event"}),
    ] {
        let failed = function.invoke(event).await.unwrap_err();
        assert_eq!(failed.error_type, "UnknownEvent");
    }
    let audit = function.invoke(json!({"arthouse": "audit"})).await.unwrap();
    assert_eq!(
        (&audit["violations"], &audit["pending"]),
        (&json!(0), &json!(0))
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_out_that_leaves_no_time_to_work_in_is_refused_at_once() {
    let world = World::idle().await;
    let function = Function::start(&world, Duration::from_secs(3)).await;
    world
        .post(&Event::new("course.create", course("w1", 100, 3)))
        .await;
    let failed = function
        .invoke(json!({"arthouse": "audit"}))
        .await
        .unwrap_err();
    assert_eq!(failed.error_type, "TooShort");
    world.stop().await;
}
