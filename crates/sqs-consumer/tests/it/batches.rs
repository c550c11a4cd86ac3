//! Batches that somebody else receives and deletes, as AWS Lambda's event source mapping does.

use std::sync::Arc;

use sqs_consumer::testing::{FakeQueue, Fault, Operation};
use sqs_consumer::{
    BatchConsumer, BatchReport, Consumer, Context, Disposition, ErrorKind, Message, Queue, Receive,
    RetryPolicy, Settings, handler_fn,
};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::rig::{grouped, message, ms, retry, secs};

/// The queue's own visibility: what the mapping receives with.
const VISIBILITY_SECONDS: u64 = 180;

/// An event source mapping over a queue in memory.
struct Mapping {
    queue: FakeQueue,
    dead_letters: FakeQueue,
    consumer: BatchConsumer<FakeQueue>,
}

impl Mapping {
    fn of(queue: &FakeQueue) -> Self {
        let dead_letters = FakeQueue::new("dead.fifo");
        let settings = Settings::default()
            .with_wait_time(secs(0))
            .with_request_timeout(secs(2))
            .with_shutdown_timeout(secs(3))
            .with_cancellation_notice(secs(2))
            .with_retry(RetryPolicy::default().with_max_attempts(3));
        let consumer = Consumer::over(queue.clone(), Some(dead_letters.clone()), settings);
        Self {
            queue: queue.clone(),
            dead_letters,
            consumer: consumer.unwrap().into_batches(),
        }
    }

    /// Waits for a batch, has it handled, and deletes what is not reported.
    async fn invoke<F, Fut>(&self, stop: CancellationToken, handle: F) -> BatchReport
    where
        F: Fn(Message, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Disposition> + Send,
    {
        let request = Receive {
            max_messages: 10,
            wait_time: secs(20),
            visibility_timeout: secs(VISIBILITY_SECONDS),
        };
        let batch = loop {
            let batch = self.queue.receive(request).await.unwrap();
            if !batch.is_empty() {
                break batch;
            }
        };
        let handler = Arc::new(handler_fn(handle));
        let report = self.consumer.handle(batch.clone(), handler, stop).await;
        let done = batch.into_iter().filter(|received| {
            !report
                .failed
                .contains(&received.message.message_id().to_owned())
        });
        let done: Vec<_> = done.map(|received| received.receipt).collect();
        if !done.is_empty() {
            self.queue.delete(done).await.unwrap();
        }
        report
    }
}

fn fifo(bodies: &[(&str, &str)]) -> (FakeQueue, Vec<String>) {
    let queue = FakeQueue::new("commands.fifo");
    let put = |(group, body): &(&str, &str)| queue.put(grouped(group, body)).unwrap();
    let ids = bodies.iter().map(put).collect();
    (queue, ids)
}

async fn by_body(message: Message, _: Context) -> Disposition {
    if message.body().starts_with("fails") {
        retry()
    } else {
        Disposition::Done
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_is_left_to_the_mapping_to_delete() {
    let (queue, ids) = fifo(&[("a", "1"), ("b", "2")]);
    let mapping = Mapping::of(&queue);
    let began = Instant::now();
    let report = mapping.invoke(CancellationToken::new(), by_body).await;
    assert_eq!((report.failed.len(), report.counters.done), (0, 2));
    assert_eq!(began.elapsed(), ms(0), "an invocation is paid for by time");
    assert!(queue.is_empty());
    assert_eq!(queue.deletions(&ids[0]), 1);
    assert!(!queue.requests().contains_key(&Operation::ChangeVisibility));
}

#[tokio::test(start_paused = true)]
async fn groups_run_in_order_one_at_a_time_and_side_by_side() {
    let (queue, _) = fifo(&[("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2")]);
    let log = Arc::new(Mutex::new(Vec::new()));
    let (runs, began) = (Arc::clone(&log), Instant::now());
    let handle = move |message: Message, _| {
        let runs = Arc::clone(&runs);
        async move {
            let body = message.body().to_owned();
            runs.lock().await.push((body.clone(), began.elapsed()));
            tokio::time::sleep(secs(1)).await;
            Disposition::Done
        }
    };
    let mapping = Mapping::of(&queue);
    let report = mapping.invoke(CancellationToken::new(), handle).await;
    assert_eq!(report.failed, Vec::<String>::new());
    let mut runs = log.lock().await.clone();
    runs.sort();
    let expected = [("a1", 0), ("a2", 1), ("b1", 0), ("b2", 1)];
    assert_eq!(runs, expected.map(|(body, at)| (body.to_owned(), secs(at))));
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_the_rest_of_that_group_is_released_and_the_others_go_on() {
    let (queue, ids) = fifo(&[
        ("a", "a1"),
        ("a", "fails"),
        ("a", "a3"),
        ("b", "b1"),
        ("b", "b2"),
    ]);
    let mapping = Mapping::of(&queue);
    let report = mapping.invoke(CancellationToken::new(), by_body).await;
    assert_eq!(report.failed, [ids[1].clone(), ids[2].clone()]);
    assert_eq!(
        (
            report.counters.retried,
            report.counters.released,
            report.counters.done
        ),
        (1, 1, 3)
    );
    assert_eq!(queue.len(), 2);
    assert_eq!(
        queue.hidden_until(&ids[2]),
        None,
        "it waits only for the one before it"
    );
    let hidden = queue.hidden_until(&ids[1]).unwrap() - Instant::now();
    assert!(
        hidden <= secs(2),
        "sooner than the queue's own visibility: {hidden:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_fails_comes_back_later_each_time_and_in_the_end_goes_to_the_dead_letter_queue() {
    let (queue, ids) = fifo(&[("a", "fails"), ("a", "behind")]);
    let mapping = Mapping::of(&queue);
    let mut waits = Vec::new();
    for _ in 0..2 {
        let report = mapping.invoke(CancellationToken::new(), by_body).await;
        assert_eq!(report.failed, ids);
        waits.push(queue.hidden_until(&ids[0]).unwrap() - Instant::now());
    }
    assert!(
        waits[0] <= secs(2) && waits[1] > secs(1) && waits[1] <= secs(4),
        "{waits:?}"
    );
    let report = mapping.invoke(CancellationToken::new(), by_body).await;
    assert_eq!(
        report.failed,
        Vec::<String>::new(),
        "dead-lettered, and so done"
    );
    assert!(queue.is_empty(), "and the one behind it has had its turn");
    let copy = mapping.dead_letters.messages().remove(0);
    let attribute = |name: &str| copy.attributes[name].as_str().unwrap().to_owned();
    assert_eq!(attribute("reason"), "attempts_exhausted");
    assert_eq!(
        (attribute("attempt"), attribute("receive_count")),
        ("3".into(), "3".into())
    );
    assert_eq!(attribute("source_message_id"), ids[0]);
    assert_eq!(attribute("source_queue"), "commands.fifo");
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_was_not_taken_counts_as_failed() {
    let (queue, ids) = fifo(&[("a", "malformed"), ("a", "behind")]);
    let mapping = Mapping::of(&queue);
    let denied = |_, _| Fault::Refused(ErrorKind::Denied);
    mapping.dead_letters.set_faults(denied);
    let dead_letter = |_, _| async {
        Disposition::DeadLetter {
            reason: "malformed".to_owned(),
            detail: String::new(),
        }
    };
    let report = mapping.invoke(CancellationToken::new(), dead_letter).await;
    assert_eq!(report.failed, ids);
    assert_eq!((queue.len(), mapping.dead_letters.len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_bounds_the_work_and_unfinished_messages_are_released() {
    let (queue, ids) = fifo(&[("a", "hangs"), ("a", "behind"), ("b", "quick")]);
    let mapping = Mapping::of(&queue);
    let stop = CancellationToken::new();
    let (deadline, began) = (stop.clone(), Instant::now());
    tokio::spawn(async move {
        tokio::time::sleep(secs(20)).await;
        deadline.cancel();
    });
    let handle = |message: Message, _| async move {
        if message.body() == "hangs" {
            std::future::pending::<()>().await;
        }
        Disposition::Done
    };
    let report = mapping.invoke(stop, handle).await;
    assert_eq!(report.failed, ids[..2]);
    assert!(began.elapsed() <= secs(23), "{:?}", began.elapsed());
    assert_eq!(
        (queue.hidden_until(&ids[0]), queue.hidden_until(&ids[1])),
        (None, None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_its_own_message_alone() {
    let queue = FakeQueue::new("commands");
    let ids = ["panics", "fine"].map(|body| queue.put(message(body)).unwrap());
    let handle = |message: Message, _| async move {
        assert!(message.body() == "fine", "as scripted");
        Disposition::Done
    };
    let mapping = Mapping::of(&queue);
    let report = mapping.invoke(CancellationToken::new(), handle).await;
    assert_eq!(report.failed, ids[..1]);
    assert_eq!(report.counters.panicked, 1);
}

#[tokio::test(start_paused = true)]
async fn a_repeat_within_a_batch_is_handled_once_and_reported_once() {
    let queue = FakeQueue::new("commands");
    let id = queue.put(message("fails")).unwrap();
    queue.repeat_deliveries(1);
    let mapping = Mapping::of(&queue);
    let report = mapping.invoke(CancellationToken::new(), by_body).await;
    assert_eq!(report.failed, [id]);
    assert_eq!(
        (report.counters.started, report.counters.duplicates),
        (1, 1)
    );
}
