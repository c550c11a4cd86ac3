//! The numbers it exposes, by the names of the OpenTelemetry messaging conventions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use metrics::atomics::AtomicU64;
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use sqs_consumer::testing::{FakeQueue, Fault};
use sqs_consumer::{ErrorKind, Settings, Snapshot};

use crate::rig::{Act, Rig, message, ms};

/// Remembers every metric as its name with its labels.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<BTreeMap<String, f64>>>);

struct Entry(Ledger, String, AtomicU64);

impl Entry {
    fn add(&self, value: f64) {
        *self.0.0.lock().unwrap().entry(self.1.clone()).or_default() += value;
    }
}

impl CounterFn for Entry {
    fn increment(&self, value: u64) {
        self.2
            .fetch_add(value, std::sync::atomic::Ordering::Relaxed);
        self.add(f64::from(u32::try_from(value).unwrap()));
    }
    fn absolute(&self, _: u64) {}
}

impl GaugeFn for Entry {
    fn increment(&self, value: f64) {
        self.add(value);
    }
    fn decrement(&self, value: f64) {
        self.add(-value);
    }
    fn set(&self, value: f64) {
        self.0.0.lock().unwrap().insert(self.1.clone(), value);
    }
}

impl HistogramFn for Entry {
    fn record(&self, _: f64) {
        self.add(1.0);
    }
}

impl Ledger {
    fn entry(&self, key: &Key) -> Arc<Entry> {
        let mut labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        labels.sort();
        Arc::new(Entry(
            self.clone(),
            format!("{}|{}", key.name(), labels.join("|")),
            AtomicU64::new(0),
        ))
    }

    /// Returns the sum of what was recorded under this name with all of these labels.
    fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let wanted = |key: &str| {
            key.starts_with(&format!("{name}|")) && labels.iter().all(|label| key.contains(label))
        };
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|(key, _)| wanted(key))
            .map(|(_, value)| value)
            .sum()
    }

    /// Demands this sum for the queue `commands`.
    fn expect(&self, name: &str, label: &str, expected: u64) {
        let labels = [
            "messaging.system=aws_sqs",
            "messaging.destination.name=commands",
            label,
        ];
        let (sum, expected) = (
            self.sum(name, &labels),
            f64::from(u32::try_from(expected).unwrap()),
        );
        assert!(
            (sum - expected).abs() < 0.1,
            "{name} {label}: {sum}, not {expected}"
        );
    }
}

impl Recorder for Ledger {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.entry(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.entry(key))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.entry(key))
    }
}

/// Handles one message of each fate and returns what was recorded meanwhile, with the final counts.
async fn a_life_of_each_kind(ledger: &Ledger) -> Snapshot {
    let queue = FakeQueue::new("commands");
    for body in ["done", "done", "retry", "dead", "panic"] {
        queue.put(message(body));
    }
    let mut rig = Rig::start(&queue, Settings::default(), |message, context| {
        let act = match (message.body(), context.attempt()) {
            ("retry", 1) => Act::retry(),
            ("panic", 1) => Act::Panic,
            ("dead", _) => Act::dead_letter("bad"),
            _ => Act::done(),
        };
        (ms(10), act)
    });
    rig.until(|snapshot| snapshot.running == 5).await;
    ledger.expect("sqs_consumer.handlers.running", "", 5);
    rig.until(|snapshot| snapshot.counters.deleted == 5).await;
    rig.stop().await
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_counted_under_the_names_of_the_messaging_conventions() {
    let ledger = Ledger::default();
    let _recording = metrics::set_default_local_recorder(&ledger);

    let snapshot = a_life_of_each_kind(&ledger).await;

    ledger.expect(
        "messaging.client.consumed.messages",
        "messaging.operation.name=receive",
        7,
    );
    let outcomes = [
        ("done", 4),
        ("retried", 2),
        ("panicked", 1),
        ("dead_lettered", 1),
        ("duplicate", 0),
        ("lease_lost", 0),
    ];
    for (outcome, expected) in outcomes {
        ledger.expect(
            "sqs_consumer.messages",
            &format!("outcome={outcome}"),
            expected,
        );
    }
    let (receives, deletes) = (
        snapshot.counters.receive_requests,
        snapshot.counters.delete_requests,
    );
    ledger.expect(
        "sqs_consumer.requests",
        "messaging.operation.name=ReceiveMessage",
        receives,
    );
    ledger.expect(
        "sqs_consumer.requests",
        "messaging.operation.name=DeleteMessageBatch",
        deletes,
    );
    ledger.expect(
        "messaging.client.operation.duration",
        "messaging.operation.name=ReceiveMessage",
        receives,
    );
    ledger.expect(
        "messaging.process.duration",
        "messaging.operation.type=process",
        7,
    );
    ledger.expect("messaging.process.duration", "error.type=panic", 1);
    ledger.expect("sqs_consumer.messages.in_flight", "", 0);
    let sent = ledger.sum(
        "messaging.client.sent.messages",
        &["messaging.destination.name=dead"],
    );
    assert!((sent - 1.0).abs() < 0.1);
}

#[tokio::test(start_paused = true)]
async fn the_age_of_the_oldest_and_what_is_in_flight_can_be_read_at_any_time() {
    let queue = FakeQueue::new("commands");
    let before = std::time::SystemTime::now();
    queue.put(message("m"));
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(10), Act::done()));
    let snapshot = rig.until(|snapshot| snapshot.running == 1).await;
    assert_eq!(snapshot.in_flight, 1);
    assert!(snapshot.oldest_sent_at.unwrap() >= before);
    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 1).await;
    assert_eq!((snapshot.in_flight, snapshot.oldest_sent_at), (0, None));
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_consumer_whose_queue_no_longer_answers_shows_by_the_time_of_its_last_answer() {
    let queue = FakeQueue::new("commands");
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(10), Act::done()));
    let idle = rig
        .until(|snapshot| snapshot.counters.empty_receives == 3)
        .await;
    let now = tokio::time::Instant::now().into_std();
    assert_eq!(idle.answered_at, Some(now));

    queue.set_faults(|_, _| Fault::Refused(ErrorKind::Unavailable));
    // The poll under way is still answered.
    let last = rig
        .until(|snapshot| snapshot.counters.failed_requests == 1)
        .await;
    let failing = rig
        .until(|snapshot| snapshot.counters.failed_requests == 5)
        .await;
    assert_eq!(failing.answered_at, last.answered_at);

    queue.set_faults(|_, _| Fault::None);
    let later = rig
        .until(|snapshot| snapshot.answered_at > last.answered_at)
        .await;
    assert!(later.counters.empty_receives > last.counters.empty_receives);
    rig.stop().await;
}
