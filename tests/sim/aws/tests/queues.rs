use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::*;

/// One queue and what can be done with it.
struct Queue {
    bench: Bench,
    url: String,
}

impl Queue {
    fn new(name: &str, attributes: Value) -> Self {
        Self::on(Bench::new(Adversity::none()), name, attributes)
    }

    fn on(bench: Bench, name: &str, attributes: Value) -> Self {
        let request = json!({ "QueueName": name, "Attributes": attributes });
        let url = bench.sqs("CreateQueue", request)["QueueUrl"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        Self { bench, url }
    }

    fn standard(adversity: Adversity) -> Self {
        let queue = Self::new("q", json!({ "VisibilityTimeout": "30" }));
        queue.bench.aws.set_adversity(adversity);
        queue
    }

    fn fifo(adversity: Adversity) -> Self {
        let queue = Self::new("q.fifo", json!({ "FifoQueue": "true" }));
        queue.bench.aws.set_adversity(adversity);
        queue
    }

    fn request(&self, mut request: Value) -> Value {
        request["QueueUrl"] = self.url.as_str().into();
        request
    }

    fn send(&self, body: &str) {
        self.bench
            .sqs("SendMessage", self.request(json!({ "MessageBody": body })));
    }

    fn send_in(&self, group: &str, id: &str) -> Value {
        let request =
            json!({ "MessageBody": id, "MessageGroupId": group, "MessageDeduplicationId": id });
        self.bench.sqs("SendMessage", self.request(request))
    }

    /// Bodies and receipt handles of up to ten messages.
    fn receive(&self) -> Vec<(String, String)> {
        let request =
            json!({ "MaxNumberOfMessages": 10, "WaitTimeSeconds": 20, "VisibilityTimeout": 30 });
        let answer = self.bench.sqs("ReceiveMessage", self.request(request));
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        messages
            .iter()
            .map(|message| (text(&message["Body"]), text(&message["ReceiptHandle"])))
            .collect()
    }

    fn bodies(&self) -> Vec<String> {
        self.receive().into_iter().map(|(body, _)| body).collect()
    }

    fn delete(&self, handle: &str) {
        self.bench.sqs(
            "DeleteMessage",
            self.request(json!({ "ReceiptHandle": handle })),
        );
    }
}

#[test]
fn a_received_message_is_hidden_until_its_time_is_up_and_says_when() {
    let queue = Queue::standard(Adversity::none());
    queue.send("x");
    assert_eq!(queue.bodies(), ["x"]);
    assert!(queue.bodies().is_empty());
    let due = queue.bench.aws.next_arrival(&queue.url);
    assert_eq!(due, Some(Duration::from_secs(30)));
    queue.bench.pass(30);
    assert_eq!(queue.bodies(), ["x"]);
}

#[test]
fn a_standard_queue_may_hand_out_a_message_to_two_at_once() {
    let queue = Queue::standard(only(Behaviour::DeliveredTwice));
    queue.send("x");
    let (first, second) = (queue.receive(), queue.receive());
    assert_eq!((first[0].0.as_str(), second[0].0.as_str()), ("x", "x"));
    assert_ne!(first[0].1, second[0].1);
    queue.bench.aws.heal();
    queue.delete(&second[0].1);
    queue.bench.pass(60);
    assert!(queue.bodies().is_empty());
}

#[test]
fn a_fifo_queue_hands_out_no_message_twice_and_forgets_no_delete() {
    let both = only(Behaviour::DeliveredTwice).with(Behaviour::DeleteForgotten, 1.0);
    let queue = Queue::fifo(both);
    queue.send_in("g", "1");
    let received = queue.receive();
    assert!(queue.bodies().is_empty());
    queue.delete(&received[0].1);
    queue.bench.pass(100);
    assert!(queue.bodies().is_empty());
}

#[test]
fn a_deleted_message_may_come_back_once() {
    let queue = Queue::standard(only(Behaviour::DeleteForgotten));
    queue.send("x");
    queue.delete(&queue.receive()[0].1);
    queue.bench.pass(60);
    let again = queue.receive();
    assert_eq!(again[0].0, "x");
    let entry = json!({ "Id": "0", "ReceiptHandle": again[0].1 });
    let answer = queue.bench.sqs(
        "DeleteMessageBatch",
        queue.request(json!({ "Entries": [entry] })),
    );
    assert_eq!(answer["Successful"][0]["Id"], "0");
    queue.bench.pass(100);
    assert!(queue.bodies().is_empty());
    assert_eq!(queue.bench.struck(Behaviour::DeleteForgotten), 1);
}

#[test]
fn a_group_is_blocked_while_one_of_its_messages_is_in_flight() {
    for adversity in [Adversity::none(), only(Behaviour::OutOfOrder)] {
        let queue = Queue::fifo(adversity);
        for id in ["1", "2"] {
            queue.send_in("a", id);
        }
        let first = queue.receive();
        assert_eq!(first.len(), 2, "all that is there of the group, in order");
        queue.send_in("a", "3");
        assert!(queue.bodies().is_empty());
        queue.delete(&first[0].1);
        assert!(queue.bodies().is_empty());
        queue.delete(&first[1].1);
        assert_eq!(queue.bodies(), ["3"]);
    }
}

#[test]
fn groups_come_in_any_order_and_messages_of_one_group_in_theirs() {
    let queue = Queue::fifo(only(Behaviour::OutOfOrder).with(Behaviour::FewerReceived, 0.5));
    for number in 0..40 {
        queue.send_in(&format!("g{}", number % 5), &format!("{number:02}"));
    }
    let mut received = Vec::new();
    while received.len() < 40 {
        for (body, handle) in queue.receive() {
            received.push(body);
            queue.delete(&handle);
        }
    }
    let mut groups: BTreeMap<u32, Vec<&String>> = BTreeMap::new();
    for body in &received {
        groups
            .entry(body.parse::<u32>().unwrap_or(0) % 5)
            .or_default()
            .push(body);
    }
    assert!(
        groups
            .values()
            .all(|bodies| bodies.is_sorted() && bodies.len() == 8),
        "{groups:?}"
    );
    assert!(!received.is_sorted());
}

#[test]
fn a_standard_queue_gives_messages_in_any_order_and_loses_none() {
    let queue = Queue::standard(only(Behaviour::OutOfOrder).with(Behaviour::FewerReceived, 0.5));
    let sent: Vec<String> = (10..40).map(|number| number.to_string()).collect();
    for body in &sent {
        queue.send(body);
    }
    let mut received = Vec::new();
    while received.len() < sent.len() {
        received.extend(queue.bodies());
    }
    assert_ne!(received, sent);
    received.sort();
    assert_eq!(received, sent);
}

#[test]
fn a_deduplication_id_keeps_out_another_message_for_five_minutes() {
    let queue = Queue::fifo(Adversity::none());
    let first = queue.send_in("g", "1");
    queue.delete(&queue.receive()[0].1);
    queue.bench.pass(299);
    assert_eq!(queue.send_in("g", "1")["MessageId"], first["MessageId"]);
    assert!(queue.bodies().is_empty());
    queue.bench.pass(1);
    assert_ne!(queue.send_in("g", "1")["MessageId"], first["MessageId"]);
    assert_eq!(queue.bodies(), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_received_too_often_goes_to_the_dead_letter_queue() {
    let dead = Queue::new("dead", json!({}));
    let policy = json!({ "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": "2" });
    let Queue { bench, url } = dead;
    let queue = Queue::on(bench, "q", json!({ "RedrivePolicy": policy.to_string() }));
    queue.send("x");
    for _ in 0..2 {
        assert_eq!(queue.bodies(), ["x"]);
        queue.bench.pass(30);
    }
    let woken = queue.bench.aws.queue_changed();
    assert!(queue.bodies().is_empty());
    woken.await;
    let dead = Queue { url, ..queue };
    assert_eq!(dead.bodies(), ["x"]);
}

#[test]
fn a_message_may_be_visible_before_its_time_and_its_fifo_receipt_is_stale_then() {
    let queue = Queue::fifo(only(Behaviour::EarlyVisibility));
    queue.send_in("g", "1");
    let first = queue.receive();
    let due = queue
        .bench
        .aws
        .next_arrival(&queue.url)
        .expect("it comes up");
    assert!(due < Duration::from_secs(30));
    queue.bench.aws.set_now(due);
    assert_eq!(queue.bodies(), ["1"]);
    let stale = queue.request(json!({ "ReceiptHandle": first[0].1 }));
    assert_eq!(
        queue.bench.sqs_refused("DeleteMessage", stale),
        "InvalidParameterValueException"
    );
}

#[test]
fn an_entry_of_a_batch_fails_with_or_without_having_been_carried_out() {
    for (behaviour, arrives) in [
        (Behaviour::EntryFailed, false),
        (Behaviour::EntryFailureUntrue, true),
    ] {
        let queue = Queue::standard(only(behaviour));
        let entries = json!([{ "Id": "a", "MessageBody": "x" }, { "Id": "b", "MessageBody": "y" }]);
        let answer = queue.bench.sqs(
            "SendMessageBatch",
            queue.request(json!({ "Entries": entries })),
        );
        let failed: BTreeSet<&str> = answer["Failed"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["SenderFault"] == false)
            .filter_map(|entry| entry["Id"].as_str())
            .collect();
        assert_eq!(failed, ["a", "b"].into());
        assert_eq!(answer["Successful"], json!([]));
        assert_eq!(!queue.bodies().is_empty(), arrives, "{behaviour:?}");
    }
}

#[test]
fn part_of_a_batch_may_fail() {
    let queue = Queue::standard(Adversity::none().with(Behaviour::EntryFailed, 0.5));
    let entries: Vec<Value> = (0..10)
        .map(|id| json!({ "Id": id.to_string(), "MessageBody": id.to_string() }))
        .collect();
    let answer = queue.bench.sqs(
        "SendMessageBatch",
        queue.request(json!({ "Entries": entries })),
    );
    let ids = |member: &str| -> BTreeSet<String> {
        let entries = answer[member].as_array().into_iter().flatten();
        entries
            .filter_map(|entry| entry["Id"].as_str().map(str::to_owned))
            .collect()
    };
    let (successful, failed) = (ids("Successful"), ids("Failed"));
    assert!(!successful.is_empty() && !failed.is_empty());
    assert_eq!(successful.len() + failed.len(), 10);
    queue.bench.aws.heal();
    assert_eq!(
        queue.bodies().into_iter().collect::<BTreeSet<_>>(),
        successful
    );
}

#[test]
fn a_batch_of_deletes_is_told_that_all_is_done_though_some_come_back() {
    let queue = Queue::standard(only(Behaviour::DeleteForgotten));
    queue.send("x");
    let entry = json!({ "Id": "0", "ReceiptHandle": queue.receive()[0].1 });
    let delete = queue.request(json!({ "Entries": [entry] }));
    let answer = queue.bench.sqs("DeleteMessageBatch", delete);
    assert_eq!(answer["Successful"], json!([{ "Id": "0" }]));
    queue.bench.pass(60);
    assert_eq!(queue.bodies(), ["x"]);
}

#[test]
fn after_healing_messages_come_in_order_and_stay_hidden() {
    let both = only(Behaviour::EarlyVisibility).with(Behaviour::OutOfOrder, 1.0);
    let queue = Queue::standard(both);
    for body in ["a", "b", "c"] {
        queue.send(body);
    }
    queue.receive();
    queue.bench.aws.heal();
    let due = queue.bench.aws.next_arrival(&queue.url);
    assert_eq!(due, Some(Duration::from_secs(30)));
    queue.bench.pass(30);
    assert_eq!(queue.bodies(), ["a", "b", "c"]);
}

#[test]
fn only_a_short_poll_finds_nothing_where_there_is_something() {
    let queue = Queue::standard(only(Behaviour::EmptyReceive));
    queue.send("x");
    let short = queue.bench.sqs(
        "ReceiveMessage",
        queue.request(json!({ "WaitTimeSeconds": 0 })),
    );
    assert_eq!(short, json!({}));
    assert_eq!(queue.bodies(), ["x"]);
}

#[test]
fn a_throttled_call_leaves_no_trace() {
    let queue = Queue::standard(only(Behaviour::QueueThrottled));
    let send = queue.request(json!({ "MessageBody": "x" }));
    let kinds: BTreeSet<String> = (0..20)
        .map(|_| queue.bench.sqs_refused("SendMessage", send.clone()))
        .collect();
    assert_eq!(
        kinds,
        ["RequestThrottled", "ServiceUnavailable"]
            .map(str::to_owned)
            .into()
    );
    let reply = queue.bench.reply("AmazonSQS.SendMessage", send);
    let header = match reply.status {
        400 => "RequestThrottled;Sender",
        _ => "ServiceUnavailable;Receiver",
    };
    assert_eq!(reply.query_error.as_deref(), Some(header));
    queue.bench.aws.heal();
    assert!(queue.bodies().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_send_wakes_who_waits_and_an_empty_receive_does_not() {
    let queue = Queue::standard(Adversity::none());
    let wakes = |woken| async {
        tokio::time::timeout(Duration::from_secs(1), woken)
            .await
            .is_ok()
    };
    let woken = queue.bench.aws.queue_changed();
    queue.receive();
    assert!(!wakes(woken).await);
    let woken = queue.bench.aws.queue_changed();
    queue.send("x");
    assert!(wakes(woken).await);
}
