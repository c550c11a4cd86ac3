//! What a deployment has told: the events of a queue.

use std::collections::BTreeMap;

use arthouse::{Clients, Names};
use arthouse_worker::{Queue, find_queues};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::deployment::{Deployment, PREFIX};

/// Takes all events from a queue, until there are as many as there must be and no more come. Returns each once; one that was told
/// again must have said the same.
pub(crate) fn heard(rig: &Deployment, queue: Queue, expected: usize) -> BTreeMap<String, Value> {
    Runtime::new()
        .unwrap()
        .block_on(take_all(rig, queue, expected))
}

async fn take_all(rig: &Deployment, queue: Queue, expected: usize) -> BTreeMap<String, Value> {
    let sqs = Clients::for_endpoint(rig.endpoint()).sqs;
    let names = Names::with_prefix(PREFIX[1]).queues;
    let urls = find_queues(&sqs, &names).await.unwrap();
    let url = urls.url(queue);
    let mut events = BTreeMap::new();
    loop {
        // Those that have not come yet are waited for; those that must not come are looked for once.
        let wait = if events.len() < expected { 20 } else { 1 };
        let request = sqs.receive_message().queue_url(url);
        let request = request.max_number_of_messages(10).wait_time_seconds(wait);
        let messages = request.send().await.unwrap().messages.unwrap_or_default();
        if messages.is_empty() {
            return events;
        }
        let delete = sqs.delete_message_batch().queue_url(url);
        let entries = messages.iter().enumerate().map(entry).collect();
        delete.set_entries(Some(entries)).send().await.unwrap();
        for message in messages {
            let event: Value = serde_json::from_str(message.body().unwrap()).unwrap();
            let id = event["id"].as_str().unwrap().to_owned();
            let first = events.entry(id).or_insert_with(|| event.clone());
            assert_eq!(*first, event, "told twice, and not the same");
        }
    }
}

fn entry((number, message): (usize, &Message)) -> DeleteMessageBatchRequestEntry {
    let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
    let entry = entry.receipt_handle(message.receipt_handle().unwrap());
    entry.build().unwrap()
}

/// Counts events by the middle of their type, such as `session.attended`.
pub(crate) fn by_type(events: &BTreeMap<String, Value>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in events.values() {
        let name = event["type"].as_str().unwrap();
        let name = name.strip_prefix("com.digitalarthouse.").unwrap();
        let name = name.strip_suffix(".v1").unwrap();
        *counts.entry(name.to_owned()).or_default() += 1;
    }
    counts
}

/// Checks that exactly the notifications of so many students' whole lives were told.
#[track_caller]
pub(crate) fn check_lives_told(rig: &Deployment, students: usize) {
    let lives = crate::load::NOTIFICATIONS;
    let expected: BTreeMap<String, usize> = lives
        .iter()
        .map(|(kind, times)| ((*kind).to_owned(), times * students))
        .collect();
    let told = heard(rig, Queue::Notifications, expected.values().sum());
    assert_eq!(by_type(&told), expected);
}
