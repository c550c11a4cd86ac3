//! The fake that the feature `testing` gives to users, as they use it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dynamo_streams::aws_sdk_dynamodb::types::AttributeValue;
use dynamo_streams::testing::FakeDynamo;
use dynamo_streams::{
    CancellationToken, Disposition, Handler, Item, Monitor, Record, Selection, Snapshot, handler_fn,
};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const TABLE: &str = "Courses";

fn change(name: &str) -> Record {
    let keys = Item::from([("PK".to_owned(), AttributeValue::S(name.to_owned()))]);
    Record::new(TABLE, keys.clone(), None, Some(keys))
}

fn fake() -> FakeDynamo {
    let dynamo = FakeDynamo::new();
    dynamo.add_table(TABLE);
    dynamo
}

struct Run {
    monitor: Monitor,
    shutdown: CancellationToken,
    task: JoinHandle<Result<Snapshot, dynamo_streams::Error>>,
}

fn run(dynamo: &FakeDynamo, handler: impl Handler) -> Run {
    let processor = dynamo.processor().stream_of_table(TABLE).build().unwrap();
    let (monitor, shutdown) = (processor.monitor(), CancellationToken::new());
    let task = tokio::spawn(processor.run(handler, shutdown.clone()));
    Run {
        monitor,
        shutdown,
        task,
    }
}

impl Run {
    async fn until(&self, holds: impl Fn(Snapshot) -> bool) {
        while !holds(self.monitor.snapshot()) {
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn stop(self) -> Snapshot {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_sees_every_change_in_order_through_a_split_and_what_may_go_wrong() {
    let dynamo = fake();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let journal = Arc::clone(&seen);
    let handler = handler_fn(move |record: Record, _| {
        journal.lock().unwrap().push(record.sequence_number);
        async { Disposition::Done }
    });
    let running = run(&dynamo, handler);
    let mut written = vec![dynamo.write(change("a"))];
    running.until(|snapshot| snapshot.counters.done == 1).await;
    dynamo.split(TABLE, Duration::from_secs(3));
    dynamo.expire_iterators();
    dynamo.throttle(3);
    dynamo.answer_empty_pages(2);
    written.push(dynamo.write(change("a")));
    running.until(|snapshot| snapshot.counters.done == 2).await;
    assert_eq!(*seen.lock().unwrap(), written);
    sleep(Duration::from_secs(15)).await; // its figures come with its heartbeat
    let status = dynamo.operations().status().await.unwrap();
    assert_eq!(status.shards.len(), 2, "both children are read");
    let age = status.oldest_unreacted_age.unwrap();
    assert!(age < Duration::from_secs(60), "{age:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_user_sees_parked_records_redriven_and_lost_ones_as_gaps() {
    let dynamo = fake();
    let parks = handler_fn(|_, _| async { Disposition::park("not yet") });
    let running = run(&dynamo, parks);
    dynamo.write(change("a"));
    dynamo.write(change("a"));
    running
        .until(|snapshot| snapshot.counters.parked == 2)
        .await;
    sleep(Duration::from_secs(30)).await;
    running.stop().await;
    let operations = dynamo.operations();
    let parked = operations.parked_items().await.unwrap().remove(0);
    assert_eq!(
        (parked.key.to_string().as_str(), parked.reason.as_str()),
        ("a", "not yet")
    );
    let done = handler_fn(|_, _| async { Disposition::Done });
    let shutdown = CancellationToken::new();
    let redrive = operations.redrive(&done, &Selection::All, &shutdown);
    assert_eq!(redrive.await.unwrap().records, 2);

    dynamo.write(change("a"));
    dynamo.trim(TABLE, 3);
    let running = run(&dynamo, done);
    running.until(|snapshot| snapshot.counters.gaps == 1).await;
    assert_eq!(operations.gaps().await.unwrap().len(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_user_sees_a_shutdown_end_in_time_while_nothing_answers() {
    let dynamo = fake();
    let running = run(&dynamo, handler_fn(|_, _| async { Disposition::Done }));
    dynamo.write(change("a"));
    running.until(|snapshot| snapshot.counters.done == 1).await;
    dynamo.stall();
    sleep(Duration::from_secs(3)).await;
    let began = Instant::now();
    running.stop().await;
    assert!(
        began.elapsed() <= Duration::from_secs(26),
        "{:?}",
        began.elapsed()
    );
    dynamo.resume();
}
