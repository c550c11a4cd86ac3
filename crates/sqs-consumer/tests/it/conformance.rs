//! One suite for every queue: the fake must behave as SQS does, as far as this crate relies on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sqs_consumer::testing::FakeQueue;
use sqs_consumer::{Attribute, OutgoingMessage, Queue, Receipt, Receive, Received, SqsQueue};

use crate::load::Local;
use crate::rig::{grouped, message, ms, secs};

const NOW: Receive = Receive {
    max_messages: 10,
    wait_time: Duration::ZERO,
    visibility_timeout: Duration::from_secs(30),
};
const SOON: Receive = Receive {
    wait_time: Duration::from_secs(5),
    ..NOW
};

async fn send(queue: &impl Queue, messages: Vec<OutgoingMessage>) {
    let results = queue
        .send(messages.into_iter().map(Arc::new).collect())
        .await
        .unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

fn bodies(received: &[Received]) -> Vec<&str> {
    received
        .iter()
        .map(|received| received.message.body())
        .collect()
}

fn receipts(received: &[Received]) -> Vec<Receipt> {
    received
        .iter()
        .map(|received| received.receipt.clone())
        .collect()
}

async fn a_message_arrives_as_it_was_sent(queue: impl Queue) {
    let attributes = BTreeMap::from([
        ("kind".to_owned(), "greeting".into()),
        ("size".to_owned(), Attribute::text("Number.int", "12")),
        ("raw".to_owned(), Attribute::binary([0, 255])),
    ]);
    send(
        &queue,
        vec![OutgoingMessage {
            attributes: attributes.clone(),
            ..message("hello")
        }],
    )
    .await;
    let received = queue.receive(SOON).await.unwrap();
    let got = &received[0].message;
    assert_eq!(
        (got.body(), got.receive_count(), got.attributes()),
        ("hello", 1, &attributes)
    );
    assert!(got.sent_at().elapsed().unwrap_or_default() < secs(60));
    assert_eq!(queue.delete(receipts(&received)).await.unwrap(), [Ok(())]);
}

async fn an_empty_queue_is_waited_at(queue: impl Queue) {
    let began = std::time::Instant::now();
    let received = queue
        .receive(Receive {
            wait_time: secs(1),
            ..NOW
        })
        .await
        .unwrap();
    assert!(
        received.is_empty() && began.elapsed() >= ms(900),
        "{:?}",
        began.elapsed()
    );
}

async fn a_received_message_is_hidden_until_it_is_released(queue: impl Queue) {
    send(&queue, vec![message("m")]).await;
    let first = queue.receive(SOON).await.unwrap();
    assert!(queue.receive(NOW).await.unwrap().is_empty());
    let back = queue
        .change_visibility(vec![(first[0].receipt.clone(), Duration::ZERO)])
        .await
        .unwrap();
    assert_eq!(back, [Ok(())]);
    let second = queue.receive(SOON).await.unwrap();
    assert_eq!(second[0].message.receive_count(), 2);
    assert_eq!(
        second[0].message.message_id(),
        first[0].message.message_id()
    );
}

async fn a_message_is_visible_again_when_its_visibility_timeout_ends(queue: impl Queue) {
    send(&queue, vec![message("m")]).await;
    let first = queue
        .receive(Receive {
            visibility_timeout: secs(1),
            ..SOON
        })
        .await
        .unwrap();
    assert_eq!(bodies(&first), ["m"]);
    let second = queue.receive(SOON).await.unwrap();
    assert_eq!(bodies(&second), ["m"]);
}

async fn entries_of_a_batch_fail_one_by_one(queue: impl Queue) {
    send(&queue, vec![message("m")]).await;
    let received = queue.receive(SOON).await.unwrap();
    let results = queue
        .delete(vec!["not a receipt".into(), received[0].receipt.clone()])
        .await
        .unwrap();
    assert!(!results[0].as_ref().unwrap_err().transient, "{results:?}");
    assert_eq!(results[1], Ok(()));
}

/// Ids of entries are positions: with ids made of message ids this request would be refused as a whole.
async fn a_redelivery_cannot_make_the_ids_of_a_batch_collide(queue: impl Queue) {
    send(&queue, vec![message("m")]).await;
    let first = queue.receive(SOON).await.unwrap().remove(0).receipt;
    let changes = vec![(first.clone(), secs(20)), (first.clone(), secs(0))];
    assert_eq!(queue.change_visibility(changes).await.unwrap()[0], Ok(()));
    let again = queue.receive(SOON).await.unwrap().remove(0).receipt;
    let results = queue.delete(vec![again.clone(), again]).await.unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(results[0], Ok(()));
}

async fn a_fifo_group_is_locked_while_a_message_of_it_is_hidden(queue: impl Queue) {
    let messages = (0..5).map(|n| {
        let group = if n < 4 { "a" } else { "b" };
        OutgoingMessage {
            deduplication_id: Some(n.to_string()),
            ..grouped(group, &n.to_string())
        }
    });
    send(&queue, messages.collect()).await;

    let two = queue
        .receive(Receive {
            max_messages: 2,
            ..SOON
        })
        .await
        .unwrap();
    assert_eq!(bodies(&two), ["0", "1"]);
    let rest = queue.receive(NOW).await.unwrap();
    assert_eq!(bodies(&rest), ["4"], "2 and 3 wait for 0 and 1");
    queue.delete(receipts(&two[..1])).await.unwrap();
    assert!(
        queue.receive(NOW).await.unwrap().is_empty(),
        "1 is still hidden"
    );
    queue
        .change_visibility(vec![(two[1].receipt.clone(), Duration::ZERO)])
        .await
        .unwrap();
    let back = queue.receive(SOON).await.unwrap();
    assert_eq!(bodies(&back), ["1", "2", "3"]);
    assert_eq!(back[0].message.group_id(), Some("a"));
}

async fn a_fifo_queue_drops_repeats(queue: impl Queue) {
    let twice = OutgoingMessage {
        deduplication_id: Some("same".to_owned()),
        ..grouped("a", "m")
    };
    send(&queue, vec![twice.clone(), twice]).await;
    assert_eq!(queue.receive(SOON).await.unwrap().len(), 1);
}

async fn a_standard_queue_does_not_lock_groups(queue: impl Queue) {
    send(&queue, vec![grouped("a", "0"), grouped("a", "1")]).await;
    let mut seen = BTreeSet::new();
    while seen.len() < 2 {
        for received in queue
            .receive(Receive {
                max_messages: 1,
                ..SOON
            })
            .await
            .unwrap()
        {
            assert_eq!(received.message.group_id(), Some("a"));
            seen.insert(received.message.body().to_owned());
        }
    }
}

async fn suite<Q: Queue>(make: impl AsyncFn(&str) -> Q) {
    a_message_arrives_as_it_was_sent(make("arrives").await).await;
    an_empty_queue_is_waited_at(make("empty").await).await;
    a_received_message_is_hidden_until_it_is_released(make("hidden").await).await;
    a_message_is_visible_again_when_its_visibility_timeout_ends(make("back").await).await;
    entries_of_a_batch_fail_one_by_one(make("entries").await).await;
    a_redelivery_cannot_make_the_ids_of_a_batch_collide(make("ids").await).await;
    a_fifo_group_is_locked_while_a_message_of_it_is_hidden(make("locked.fifo").await).await;
    a_fifo_queue_drops_repeats(make("repeats.fifo").await).await;
    a_standard_queue_does_not_lock_groups(make("unlocked").await).await;
}

#[tokio::test]
async fn the_queue_in_memory_behaves_like_sqs() {
    suite(async |name: &str| FakeQueue::new(name)).await;
}

#[tokio::test]
async fn sqs_behaves_like_sqs_over_real_connections() {
    let local = Local::start().await;
    suite(async |name: &str| {
        SqsQueue::new(&local.client, local.queue(name).await, secs(5), secs(5))
    })
    .await;
    local.shutdown().await;
}

/// A client whose attempts may take a second would strand what a receive of two seconds brings.
#[tokio::test]
async fn the_time_out_of_a_receive_lies_above_its_wait_whatever_the_client_says() {
    let local = Local::start().await;
    let url = local.queue("idle").await;
    let timeouts = aws_sdk_sqs::config::timeout::TimeoutConfig::builder()
        .operation_attempt_timeout(secs(1))
        .operation_timeout(secs(1))
        .read_timeout(secs(1))
        .build();
    let config = local
        .client
        .config()
        .to_builder()
        .timeout_config(timeouts)
        .build();
    let impatient = aws_sdk_sqs::Client::from_conf(config);

    let bare = impatient
        .receive_message()
        .queue_url(&url)
        .wait_time_seconds(2)
        .send()
        .await;
    assert!(bare.is_err(), "the client's own time-out is below the wait");

    let queue = SqsQueue::new(&impatient, &url, secs(2), secs(1));
    let received = queue
        .receive(Receive {
            wait_time: secs(2),
            ..NOW
        })
        .await
        .unwrap();
    assert!(received.is_empty());
    local.shutdown().await;
}

#[tokio::test]
async fn a_queue_that_does_not_exist_is_told_by_its_code() {
    let local = Local::start().await;
    let url = local.queue("there").await.replace("there", "nowhere");
    let queue = SqsQueue::new(&local.client, url, secs(1), secs(5));
    let error = queue.receive(NOW).await.unwrap_err();
    assert_eq!(
        error.kind,
        sqs_consumer::ErrorKind::QueueNotFound,
        "{error:?}"
    );
    local.shutdown().await;
}
