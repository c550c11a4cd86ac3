//! Crashes and restarts: nothing is lost, nothing is done twice.

use arthouse::local_settings;
use arthouse_tests::{Event, World, course, student};
use chrono::{TimeDelta, Utc};
use serde_json::json;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_workers_commands_and_reactions_are_taken_over() {
    let mut world = World::start().await;
    let users: Vec<_> = (0..20).map(|n| format!("u{n}")).collect();
    world.offer("w1", 100, 2).await;
    let mut last = Vec::new();
    for user in &users {
        let student = student(user, "w1");
        let attends = student.attends(1);
        for event in [student.applies(), student.pays("ref"), attends.clone()] {
            world.post(&event).await;
        }
        last.push(attends);
    }
    world.outcomes.outcomes(last[0].id(), 1).await;
    world.crash_worker().await;
    world.add_worker();
    for event in &last {
        assert_eq!(world.outcomes.outcomes(event.id(), 1).await[0], None);
    }
    assert_eq!(world.settled().await, []);
    for user in &users {
        let enrollment = world.records(user, "w1").await.enrollment.expect("paid");
        assert_eq!(
            (enrollment.charges.len(), i64::from(enrollment.balance)),
            (1, 50),
            "{user}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_stack_finds_its_data_again_and_goes_on() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut world = World::at(data.path()).await;
    world.add_worker();
    let ada = student("ada", "w1");
    world.offer("w1", 100, 2).await;
    world.apply(&ada.applies()).await;
    let pays = ada.pays("ref");
    world.apply(&pays).await;
    world.stop().await;

    let mut world = World::at(data.path()).await;
    world.post(&pays.again()).await;
    world.add_worker();
    assert_eq!(world.outcomes.outcomes(pays.id(), 1).await, [None]);
    world.sessions("ada", "w1").await;
    world.apply(&ada.attends(1)).await;
    assert_eq!(world.settled().await, []);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redriven_move_keeps_the_clock_of_its_first_sending_which_no_sender_can_set() {
    let mut world = World::start().await;
    // The dead letters are left to the redrive.
    world.dead_letters = world.outcomes.clone();
    let queues = world.stack.queues.clone();
    let ada = student("ada", "w1");
    let mut soon = course("w1", 100, 1);
    let first = Utc::now() + TimeDelta::hours(23);
    soon["schedule"] = json!(format!("DTSTART:{}", first.format("%Y%m%dT%H%M%SZ")));
    world.apply(&Event::new("course.create", soon)).await;
    world.enrol(&ada).await;

    let moves = || ada.reschedules(1, "2099-01-05T19:00:00Z");
    let two_hours_ago = (Utc::now() - TimeDelta::hours(2)).timestamp_millis();
    let two_hours_ago = two_hours_ago.to_string();
    let letter = [
        ("sent_at", two_hours_ago.as_str()),
        ("source_message_id", "m"),
    ];
    let forged = moves();
    let body = forged.body.to_string();
    world.put(&queues.commands, "ada", &body, &letter).await;
    let code = world.outcomes.outcomes(forged.id(), 1).await.remove(0);
    assert_eq!(code.as_deref(), Some("TOO_LATE"));

    let (dead, unread) = (moves(), "no command");
    let body = dead.body.to_string();
    world.put(&queues.commands_dlq, "ada", &body, &letter).await;
    world.put(&queues.commands_dlq, "x", unread, &letter).await;
    world.put(&queues.commands_dlq, "x", &body, &letter).await;
    let redrive = world.stack.command_redrive(&local_settings());
    // What stays is there for the next time at once.
    for carried_out in [1, 0] {
        let report = redrive.run(&CancellationToken::new()).await;
        let report = report.expect("an answer");
        let reasons: Vec<_> = report.remaining.iter().map(|left| &left.reason).collect();
        assert_eq!((report.carried_out, reasons.len()), (carried_out, 2));
        assert!(reasons[0].starts_with("INVALID_JSON: "), "{reasons:?}");
        assert_eq!(reasons[1], "behind another one of its group");
    }
    assert_eq!(world.outcomes.outcomes(dead.id(), 1).await, [None]);
    world.stop().await;
}
