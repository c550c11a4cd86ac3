//! What is no command becomes a dead letter with its reason, and nothing else stops.

use arthouse_tests::{Event, World, check_command, course, student};
use serde_json::{Value, json};

fn spoiled(change: impl Fn(&mut Value)) -> String {
    let mut event = student("ada", "w1").applies();
    change(&mut event.body);
    event.body.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_messages_become_dead_letters_and_commands_behind_them_are_carried_out() {
    let world = World::start().await;
    let cases = [
        ("please enrol me".to_owned(), "INVALID_JSON"),
        ("[]".to_owned(), "INVALID_ENVELOPE"),
        (json!({"action": "enrol"}).to_string(), "INVALID_ENVELOPE"),
        (
            spoiled(|body| body["specversion"] = json!("0.3")),
            "INVALID_ENVELOPE",
        ),
        (
            spoiled(|body| body["type"] = json!("com.digitalarthouse.course.burn.v1")),
            "UNKNOWN_TYPE",
        ),
        (
            spoiled(|body| body["type"] = json!("com.digitalarthouse.course.apply.v2")),
            "UNKNOWN_TYPE",
        ),
        (
            spoiled(|body| body["data"]["user_id"] = json!("ada#1")),
            "INVALID_DATA",
        ),
        (
            spoiled(|body| body["data"]["actor"] = Value::Null),
            "INVALID_DATA",
        ),
        ("x".repeat(300 * 1024), "TOO_LARGE"),
    ];
    for (at, (body, reason)) in cases.iter().enumerate() {
        assert!(check_command(body).is_err(), "the contract takes {reason}");
        world
            .post_body("ada", Some(&format!("spoiled-{at}")), body.clone())
            .await;
    }
    world.post(&student("ada", "w1").applies()).await;
    let create = Event::new("course.create", course("w1", 100, 3));
    world.apply(&create).await;
    let letters = world
        .dead_letters
        .wait("all dead letters", |letters| {
            (letters.len() >= cases.len()).then(|| letters.to_vec())
        })
        .await;
    for (body, reason) in &cases {
        let letter = letters
            .iter()
            .find(|letter| letter.body == *body)
            .unwrap_or_else(|| panic!("{reason} is missing"));
        assert_eq!(
            letter.attributes["reason"], *reason,
            "{}",
            letter.attributes["detail"]
        );
        assert!(!letter.attributes["detail"].contains("contact.example"));
    }
    assert_eq!(letters.len(), cases.len());
    world.stop().await;
}
