//! The batch sender over the queue in memory.

use std::collections::BTreeMap;

use sqs_consumer::testing::{FakeQueue, Fault, Operation};
use sqs_consumer::{BatchSender, ErrorKind, OutgoingMessage, SendError, SenderSettings};
use tokio::task::JoinSet;

use crate::rig::{grouped, message, ms, secs};

fn bodies(queue: &FakeQueue) -> Vec<String> {
    queue
        .messages()
        .into_iter()
        .map(|message| message.body)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn many_tasks_share_requests() {
    let queue = FakeQueue::with_latency("outcomes", ms(20));
    let sender = BatchSender::over(queue.clone(), SenderSettings::default()).unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..1_000 {
        let sender = sender.clone();
        tasks.spawn(async move { sender.send(message(&n.to_string())).await });
    }
    while let Some(sent) = tasks.join_next().await {
        sent.unwrap().unwrap();
    }
    assert_eq!(
        (queue.len(), queue.requests()[&Operation::Send].0),
        (1_000, 100)
    );
    assert_eq!(
        (sender.counters().sent, sender.counters().requests),
        (1_000, 100)
    );
}

#[tokio::test(start_paused = true)]
async fn a_single_message_waits_no_longer_than_the_linger() {
    let queue = FakeQueue::new("outcomes");
    let sender = BatchSender::over(queue.clone(), SenderSettings::default()).unwrap();
    let began = tokio::time::Instant::now();
    sender.send(message("alone")).await.unwrap();
    assert_eq!(began.elapsed(), SenderSettings::default().linger);
}

#[tokio::test(start_paused = true)]
async fn failed_entries_are_tried_again_and_only_they() {
    let queue = FakeQueue::new("outcomes");
    queue.set_faults(|_, number| {
        if number == 0 {
            Fault::Entry(2)
        } else {
            Fault::None
        }
    });
    let sender = BatchSender::over(queue.clone(), SenderSettings::default()).unwrap();
    let sends = (0..5)
        .map(|n| message(&n.to_string()))
        .map(|message| sender.send(message));
    for sent in futures::future::join_all(sends).await {
        sent.unwrap();
    }
    let mut sent = bodies(&queue);
    sent.sort();
    assert_eq!(sent, ["0", "1", "2", "3", "4"]);
    assert_eq!(queue.requests()[&Operation::Send], (2, 6));
}

#[tokio::test(start_paused = true)]
async fn the_order_of_a_fifo_group_survives_failures() {
    let queue = FakeQueue::with_latency("outcomes.fifo", ms(5));
    let mut rng = fastrand::Rng::with_seed(3);
    queue.set_faults(move |_, _| match rng.u8(0..4) {
        0 => Fault::Entry(0),
        1 => Fault::Refused(ErrorKind::Throttled),
        _ => Fault::None,
    });
    let settings = SenderSettings::default().with_max_attempts(100);
    let sender = BatchSender::over(queue.clone(), settings).unwrap();
    let each = |n: usize| grouped(["a", "b", "c"][n % 3], &n.to_string());
    for sent in futures::future::join_all((0..60).map(|n| sender.send(each(n)))).await {
        sent.unwrap();
    }
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for message in queue.messages() {
        groups
            .entry(message.group_id.unwrap())
            .or_default()
            .push(message.body.parse().unwrap());
    }
    assert_eq!(groups.len(), 3);
    for (group, order) in groups {
        assert!(
            order.is_sorted() && order.len() == 20,
            "group {group}: {order:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_sent_fails_by_itself() {
    let queue = FakeQueue::new("outcomes");
    let sender = BatchSender::over(
        queue.clone(),
        SenderSettings::default().with_max_batch_bytes(100),
    )
    .unwrap();
    let (big, small) = tokio::join!(
        sender.send(message(&"x".repeat(101))),
        sender.send(message("small"))
    );
    assert_eq!(
        big,
        Err(SendError::TooLarge {
            bytes: 101,
            limit: 100
        })
    );
    assert_eq!(small, Ok(()));
    assert_eq!((sender.counters().sent, sender.counters().failed), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_send_fails_when_its_attempts_are_used_up() {
    let queue = FakeQueue::new("outcomes");
    queue.set_faults(|_, _| Fault::Refused(ErrorKind::Unavailable));
    let sender = BatchSender::over(queue.clone(), SenderSettings::default()).unwrap();
    let error = sender.send(message("m")).await.unwrap_err();
    assert_eq!(
        error,
        SendError::Failed {
            attempts: 8,
            kind: ErrorKind::Unavailable
        }
    );
    assert_eq!(queue.requests()[&Operation::Send].0, 8);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_given_in_is_sent_even_if_nobody_waits_for_it() {
    let queue = FakeQueue::with_latency("outcomes", ms(50));
    let sender = BatchSender::over(queue.clone(), SenderSettings::default()).unwrap();
    let impatient = tokio::time::timeout(ms(1), sender.send(message("m"))).await;
    assert!(impatient.is_err());
    drop(sender);
    tokio::time::sleep(ms(100)).await;
    assert_eq!(bodies(&queue), ["m"]);
}

#[tokio::test(start_paused = true)]
async fn attributes_count_towards_the_size() {
    let attributes = BTreeMap::from([("name".to_owned(), "value".into())]);
    let message = OutgoingMessage {
        attributes,
        ..message("body")
    };
    assert_eq!(
        message.bytes(),
        "body".len() + "name".len() + "String".len() + "value".len()
    );
}

#[tokio::test(start_paused = true)]
async fn a_sender_whose_queue_does_not_answer_takes_in_a_bounded_number_of_messages() {
    let queue = FakeQueue::new("outcomes");
    queue.set_faults(|_, number| match number {
        0..4 => Fault::Slow(secs(60)),
        _ => Fault::None,
    });
    let sender = BatchSender::over(queue.clone(), SenderSettings::default()).unwrap();
    let impatient = |n: usize| {
        let sender = sender.clone();
        async move { tokio::time::timeout(secs(1), sender.send(message(&n.to_string()))).await }
    };
    let sends = futures::future::join_all((0..10_000).map(impatient)).await;
    assert!(sends.iter().all(Result::is_err));
    drop(sender);
    tokio::time::sleep(secs(120)).await;
    let taken_in = queue.len();
    assert!((40..=1_000).contains(&taken_in), "{taken_in} messages");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_the_queue_refuses_for_good_is_told_from_one_that_may_succeed_later() {
    let queue = FakeQueue::new("outcomes");
    let sender = BatchSender::over(queue.clone(), SenderSettings::default()).unwrap();
    let (refused, sent) = tokio::join!(
        sender.send(message("a non-character: \u{FFFF}")),
        sender.send(message("beside it"))
    );
    let refused = refused.unwrap_err();
    assert_eq!(
        refused,
        SendError::Refused {
            code: "InvalidMessageContents".to_owned()
        }
    );
    assert!(refused.is_permanent());
    assert_eq!((sent, queue.requests()[&Operation::Send].0), (Ok(()), 1));
    for kind in [ErrorKind::Throttled, ErrorKind::Denied, ErrorKind::Invalid] {
        queue.set_faults(move |_, _| Fault::Refused(kind));
        let error = sender.send(message("m")).await.unwrap_err();
        assert_eq!(error.is_permanent(), kind == ErrorKind::Invalid, "{kind}");
    }
}
