//! The upkeep by schedule.

use std::sync::Arc;

use arthouse_tests::{Event, World, course, student};
use serde_json::{Value, json};

use crate::TIMEOUT;
use crate::function::Function;
use crate::mapping::QueueMapping;

async fn audit(function: &Function) -> Value {
    function.invoke(json!({"arthouse": "audit"})).await.unwrap()
}

async fn reconcile(function: &Function) -> (Value, Value, Value) {
    let invoked = function.invoke(json!({"arthouse": "reconcile"})).await;
    let mut report = invoked.unwrap();
    assert_eq!(
        (&report["finished"], &report["failed"]),
        (&json!(true), &json!(0))
    );
    let mut take = |name: &str| report[name].take();
    (take("students"), take("initialised"), take("charged"))
}

/// No stream is read here, as in an outage that outlasts the streams' 24 hours.
#[tokio::test(flavor = "multi_thread")]
async fn what_no_stream_told_is_found_by_the_audit_and_made_by_the_reconciliation() {
    let world = World::idle().await;
    let function = Arc::new(Function::start(&world, TIMEOUT).await);
    let _commands = QueueMapping::new(&world, &function).run();
    let ada = student("ada", "w1");
    world
        .apply(&Event::new("course.create", course("w1", 100, 3)))
        .await;
    for event in [ada.applies(), ada.pays("ref-1")] {
        world.apply(&event).await;
    }
    let pending = json!({"violations": 0, "pending": 1, "undecided": 0});
    assert_eq!(audit(&function).await, pending);
    assert_eq!(
        reconcile(&function).await,
        (json!(1), json!(1), json!(0)),
        "sessions"
    );
    world.apply(&ada.attends(1)).await;
    assert_eq!(audit(&function).await, pending);
    assert_eq!(
        reconcile(&function).await,
        (json!(1), json!(0), json!(1)),
        "a charge"
    );
    let settled = json!({"violations": 0, "pending": 0, "undecided": 0});
    assert_eq!(audit(&function).await, settled);
    assert_eq!(
        reconcile(&function).await,
        (json!(1), json!(0), json!(0)),
        "nothing twice"
    );
    // CloudWatch makes metrics of these numbers.
    let log = function.log();
    let lines: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    for (message, fields) in [
        (
            "the audit has ended",
            &["violations", "pending_seconds"][..],
        ),
        ("the reconciliation has ended", &["failed"]),
    ] {
        let line = lines.iter().find(|line| line["message"] == message);
        let line = line.unwrap_or_else(|| panic!("{log}"));
        for field in fields {
            assert!(line[field].is_u64(), "{line}");
        }
    }
}
