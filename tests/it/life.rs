//! A whole course's life, told in commands, read back as any client would.

use arthouse_store::Table;
use arthouse_tests::{Event, World, course, student};
use serde_json::{Value, json};

/// Takes out what differs from run to run, having checked that it is there.
fn without(mut item: Value, names: &[&str]) -> Value {
    for name in names {
        assert!(
            item.as_object_mut()
                .expect("an item")
                .remove(*name)
                .is_some(),
            "{name} is missing in {item}"
        );
    }
    item
}

#[tokio::test(flavor = "multi_thread")]
async fn a_course_is_offered_applied_for_paid_and_taken() {
    let world = World::start().await;
    let ada = student("ada", "w1");
    world.offer("w1", 100, 3).await;
    world.apply(&ada.applies()).await;
    check_application(&world).await;
    world
        .apply(&Event::new(
            "course.update",
            json!({"course_id": "w1", "cost": 999}),
        ))
        .await;
    world.apply(&ada.pays("ref-1")).await;
    world.sessions("ada", "w1").await;
    world.apply(&ada.attends(1)).await;
    world.apply(&ada.skips(2)).await;
    let date = world.records("ada", "w1").await.sessions[2]
        .session_date
        .to_string();
    let moved = format!("{}T09:00:00Z", &date[..10]);
    world.apply(&ada.reschedules(3, &moved)).await;
    world.apply(&ada.attends(3)).await;
    assert_eq!(world.settled().await, []);
    check_enrollment(&world).await;
    check_sessions(&world, &date, &moved).await;
    check_notifications(&world).await;
    world.stop().await;
}

async fn check_application(world: &World) {
    let item = world
        .item(Table::UsersCourses, "USER#ada", "COURSE#w1#APPLIED")
        .await;
    let expected = json!({
        "PK": "USER#ada", "SK": "COURSE#w1#APPLIED", "UserId": "ada", "CourseId": "w1", "Title": "Watercolour",
        "Cost": 100, "Currency": "GBP", "Duration": 3, "PaymentMethod": "bank transfer",
        "PaymentLink": "https://pay.example.com/w", "PendingPayment": "PENDING", "Version": 1,
        "ContactInfo": {"name": "Name-ada", "email": "ada@contact.example", "phone": "+44 20 7946 0999"},
    });
    assert_eq!(without(item, &["AppliedDate"]), expected);
}

async fn check_enrollment(world: &World) {
    let item = world
        .item(Table::UsersCourses, "USER#ada", "COURSE#w1#PAID")
        .await;
    let charges = &item["Charges"];
    let charge = |id: &str| (charges[id]["Amount"].clone(), charges[id]["Kind"].clone());
    assert_eq!(charge("0001#1"), (json!(34), json!("Attended")));
    assert_eq!(charge("0002#1"), (json!(33), json!("Skipped")));
    assert_eq!(charge("0003#1"), (json!(33), json!("Attended")));
    let varying = [
        "Charges",
        "PaidDate",
        "AppliedDate",
        "Schedule",
        "SessionsInitializedAt",
    ];
    let expected = json!({
        "PK": "USER#ada", "SK": "COURSE#w1#PAID", "UserId": "ada", "CourseId": "w1", "Title": "Watercolour",
        "Cost": 100, "Currency": "GBP", "Duration": 3, "Balance": 0, "SessionsRemaining": 1, "SessionMinutes": 60,
        "PaymentReference": "ref-1", "Version": 5,
        "ContactInfo": {"name": "Name-ada", "email": "ada@contact.example", "phone": "+44 20 7946 0999"},
    });
    assert_eq!(without(item, &varying), expected);
}

async fn check_sessions(world: &World, date: &str, moved: &str) {
    let second = world
        .item(Table::Sessions, "COURSE#w1", "SESSION#0002#USER#ada")
        .await;
    let expected = json!({
        "PK": "COURSE#w1", "SK": "SESSION#0002#USER#ada", "UserId": "ada", "CourseId": "w1", "SessionId": "0002",
        "Status": "Skipped", "PaymentStatus": "Paid", "Reschedulable": true, "SessionCost": 33, "Currency": "GBP",
        "Sequence": 0, "Version": 2,
    });
    let local = |item: &Value| item["OriginalLocalStart"].as_str().map(str::to_owned);
    assert!(local(&second).is_some_and(|start| start.contains("T18:30:00+0")));
    let varying = ["SessionDate", "OriginalLocalStart", "StatusChangedAt"];
    assert_eq!(without(second, &varying), expected);
    let third = world
        .item(Table::Sessions, "COURSE#w1", "SESSION#0003#USER#ada")
        .await;
    let expected = json!({
        "PK": "COURSE#w1", "SK": "SESSION#0003#USER#ada", "UserId": "ada", "CourseId": "w1", "SessionId": "0003",
        "Status": "Attended", "PaymentStatus": "Paid", "Reschedulable": false, "SessionCost": 33, "Currency": "GBP",
        "SessionDate": moved, "RescheduleDate": moved, "OriginalSessionDate": date, "Sequence": 1, "Version": 3,
    });
    assert!(local(&third).is_some_and(|start| start.contains("T18:30:00+0")));
    let varying = ["OriginalLocalStart", "RescheduledAt", "StatusChangedAt"];
    assert_eq!(without(third, &varying), expected);
}

/// Notifications of one student come in the order of that student's changes where one follows from another.
async fn check_notifications(world: &World) {
    let expected = [
        "application.received",
        "course.completed",
        "payment.confirmed",
        "session.attended",
        "session.attended",
        "session.rescheduled",
        "session.skipped",
        "sessions.scheduled",
    ];
    let events = world
        .notifications
        .wait("all notifications", |letters| {
            (letters.len() >= expected.len())
                .then(|| letters.iter().map(|l| l.event.clone()).collect::<Vec<_>>())
        })
        .await;
    let mut names: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap_or_default())
        .map(|name| {
            name.trim_start_matches("com.digitalarthouse.")
                .trim_end_matches(".v1")
        })
        .collect();
    names.sort_unstable();
    assert_eq!(names, expected);
    let completed = events
        .iter()
        .find(|event| event["type"] == "com.digitalarthouse.course.completed.v1");
    let completed = completed.expect("it is among them");
    assert_eq!(completed["subject"], "ada/w1");
    assert_eq!(completed["data"]["attended"], 2);
    assert_eq!(completed["data"]["skipped"], 1);
    assert_eq!(completed["data"]["balance"], 0);
    assert!(
        events
            .iter()
            .all(|event| !event.to_string().contains("contact.example"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_command_that_comes_before_the_sessions_waits_for_them() {
    let world = World::start().await;
    let ada = student("ada", "w1");
    world.offer("w1", 100, 3).await;
    let (applies, pays, attends) = (ada.applies(), ada.pays("ref-1"), ada.attends(1));
    for event in [&applies, &pays, &attends] {
        world.post(event).await;
    }
    assert_eq!(world.outcomes.outcomes(attends.id(), 1).await, [None]);
    assert_eq!(world.settled().await, []);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejections_are_stored_and_told_with_their_code() {
    let world = World::start().await;
    let (ada, eve) = (student("ada", "w1"), student("eve", "w1"));
    world.offer("w1", 100, 3).await;
    for (event, code) in [
        (
            Event::new("course.create", course("w1", 100, 3)),
            "COURSE_EXISTS",
        ),
        (
            Event::new("course.create", course("w2", -1, 3)),
            "INVALID_COST",
        ),
        (
            Event::new("course.create", course("w3", 100, 0)),
            "INVALID_DURATION",
        ),
        (
            Event::new(
                "course.update",
                json!({"course_id": "w1", "expected_version": 7}),
            ),
            "VERSION_CONFLICT",
        ),
        (ada.pays("ref"), "APPLICATION_NOT_FOUND"),
        (ada.applies().by("student", "eve"), "FORBIDDEN"),
        (eve.attends(1), "ENROLLMENT_NOT_FOUND"),
    ] {
        assert_eq!(
            world.outcome(&event).await.as_deref(),
            Some(code),
            "{}",
            event.body
        );
        let (source, id) = (
            arthouse_tests::SOURCE.parse().expect("a source"),
            event.id().parse().expect("an id"),
        );
        let receipt = world
            .stack
            .store
            .receipt(&source, &id)
            .await
            .expect("readable")
            .expect("a receipt");
        let stored = matches!(&receipt.outcome, arthouse_core::Outcome::Rejected { code: stored, .. } if stored == code);
        assert!(stored, "{receipt:?}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_student_has_one_session_of_a_course_at_a_time() {
    let world = World::start().await;
    let ada = student("ada", "w1");
    world.offer("w1", 100, 3).await;
    let records = world.enrol(&ada).await;
    let third = records.sessions[2].session_date.to_string();
    let moves = ada.reschedules(1, &third);
    assert_eq!(
        world.outcome(&moves).await.as_deref(),
        Some("SESSION_CONFLICT")
    );
    world.apply(&ada.attends(3)).await;
    world.apply(&ada.reschedules(1, &third)).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_applies_for_a_timetable_that_is_over() {
    let world = World::start().await;
    let mut over = course("w1", 100, 2);
    over["schedule"] =
        json!("DTSTART;TZID=Europe/London:20240101T183000\nRRULE:FREQ=WEEKLY;COUNT=9");
    world.apply(&Event::new("course.create", over)).await;
    assert_eq!(
        world
            .outcome(&student("ada", "w1").applies())
            .await
            .as_deref(),
        Some("SCHEDULE_EXHAUSTED")
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_in_binary_mode_are_carried_out() {
    let world = World::start().await;
    let ada = student("ada", "w1");
    for event in [
        Event::new("course.create", course("w1", 100, 3)),
        ada.applies(),
        ada.pays("ref-1"),
    ] {
        let name = |attribute: &str| format!("ce-{attribute}");
        let context = ["specversion", "id", "source", "type", "time"].map(|attribute| {
            let text = event.body[attribute].as_str().expect("text");
            (name(attribute), text)
        });
        let context = context
            .each_ref()
            .map(|(name, text)| (name.as_str(), *text));
        let (queue, data) = (&world.stack.queues.commands, event.body["data"].to_string());
        world.put(queue, &event.group, &data, &context).await;
        assert_eq!(world.outcomes.outcomes(event.id(), 1).await, [None]);
    }
    world.sessions("ada", "w1").await;
    world.stop().await;
}
