//! Batches of the commands queue.

use std::sync::Arc;

use arthouse_store::Table;
use arthouse_tests::{Event, Letter, World, course, student};
use serde_json::json;

use crate::TIMEOUT;
use crate::function::Function;
use crate::mapping::{QueueMapping, StreamMapping};

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_the_rest_of_its_group_is_given_back_and_other_groups_go_on() {
    let world = World::idle().await;
    let function = Arc::new(Function::start(&world, TIMEOUT).await);
    let commands = QueueMapping::new(&world, &function);
    let (ada, eve) = (student("ada", "w1"), student("eve", "w1"));
    let created = Event::new("course.create", course("w1", 100, 3));
    world.post(&created).await;
    assert_eq!(commands.batch().await.failed, Vec::<String>::new());

    // Nobody writes ada's sessions yet, so the first attendance must wait, and the second behind it.
    let events = [
        ada.applies(),
        ada.pays("ref-1"),
        ada.attends(1),
        ada.attends(2),
        eve.applies(),
    ];
    for event in &events {
        world.post(event).await;
    }
    let mut sent = 0;
    while sent < events.len() {
        let batch = commands.batch().await;
        let waiting = [events[2].id(), events[3].id()];
        let expected = batch
            .sent
            .iter()
            .filter(|id| waiting.contains(&id.as_str()));
        assert_eq!(batch.failed, expected.cloned().collect::<Vec<_>>());
        sent += batch.sent.len();
    }
    for event in [&events[0], &events[1], &events[4]] {
        assert_eq!(world.outcomes.outcomes(event.id(), 1).await, [None]);
    }
    assert_eq!(
        told(&world, &events[3]),
        0,
        "it must not overtake the one before it"
    );

    let reactions = Arc::new(Function::start(&world, TIMEOUT).await);
    let _streams = [Table::UsersCourses, Table::Sessions]
        .map(|table| StreamMapping::new(&world, &reactions, table).run());
    let _commands = commands.run();
    for event in [&events[2], &events[3]] {
        // Long before the mapping's visibility of 180 s has passed.
        assert_eq!(world.outcomes.outcomes(event.id(), 1).await, [None]);
    }
    assert_eq!(world.settled().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_command_is_dead_lettered_as_by_the_daemon_and_with_that_done() {
    let mut daemons = World::idle().await;
    daemons.add_worker();
    let functions = World::idle().await;
    let function = Arc::new(Function::start(&functions, TIMEOUT).await);
    let commands = QueueMapping::new(&functions, &function);
    let body = r#"{"specversion":"1.0","id":"x","data":{"contact":"zoe@contact.example"}}"#;
    let created = Event::new("course.create", course("w1", 100, 3));
    for world in [&daemons, &functions] {
        world.post_body("w1", None, body.to_owned()).await;
        world.post(&created).await;
    }
    let mut failed = Vec::new();
    let mut sent = 0;
    while sent < 2 {
        let batch = commands.batch().await;
        sent += batch.sent.len();
        failed.extend(batch.failed);
    }
    assert_eq!(failed, Vec::<String>::new());
    assert_eq!(functions.outcomes.outcomes(created.id(), 1).await, [None]);
    let mut letters = Vec::new();
    for world in [&daemons, &functions] {
        let first = |letters: &[Letter]| letters.first().cloned();
        letters.push(world.dead_letters.wait("a dead letter", first).await);
    }
    for letter in &mut letters {
        assert_eq!(letter.body, body);
        for of_this_message in ["source_message_id", "sent_at"] {
            let own = letter.attributes.remove(of_this_message).unwrap();
            assert!(!own.is_empty());
        }
    }
    assert_eq!(letters[0].attributes, letters[1].attributes);
    assert_eq!(letters[1].attributes["reason"], "INVALID_ENVELOPE");
    assert!(
        !function.log().contains("contact.example"),
        "{}",
        function.log()
    );
    daemons.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_another_queue_is_refused() {
    let world = World::idle().await;
    let function = Function::start(&world, TIMEOUT).await;
    let record = json!({
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:other.fifo",
        "messageId": "m", "receiptHandle": "r", "body": "zoe@contact.example", "attributes": {},
    });
    let failed = function
        .invoke(json!({"Records": [record]}))
        .await
        .unwrap_err();
    assert_eq!(failed.error_type, "UnknownEvent");
    assert!(
        !function.log().contains("contact.example"),
        "{}",
        function.log()
    );
}

fn told(world: &World, event: &Event) -> usize {
    let letters = world.outcomes.letters();
    let of_it = |letter: &&Letter| letter.event["data"]["command_id"] == event.id();
    letters.iter().filter(of_it).count()
}
