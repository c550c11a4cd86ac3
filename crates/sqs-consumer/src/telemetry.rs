//! The metrics, named by the OpenTelemetry messaging conventions where those have a name.

use std::time::{Duration, SystemTime};

use metrics::{Counter, Gauge, Histogram, Label};

use crate::monitor::{Counters, Snapshot};
use crate::queue::{ErrorKind, QueueError};

/// The value of `messaging.system` (OpenTelemetry, messaging attributes).
pub(crate) const SYSTEM: &str = "aws_sqs";

/// Reads one count.
type Count = fn(&Counters) -> u64;

/// The metrics of one consumer. Each step adds the increase of its [`Counters`].
pub(crate) struct Meter {
    queue: String,
    last: Counters,
    counters: Vec<(Counter, Count)>,
    running: Gauge,
    in_flight: Gauge,
    oldest: Gauge,
}

impl Meter {
    pub(crate) fn new(queue: &str) -> Self {
        let mut counters: Vec<(Counter, Count)> = vec![(
            metrics::counter!(
                "messaging.client.consumed.messages",
                labels(queue, "receive", "receive")
            ),
            |counters| counters.received,
        )];
        let outcomes: [(&'static str, Count); 9] = [
            ("done", |counters| counters.done),
            ("retried", |counters| counters.retried),
            ("deferred", |counters| counters.deferred),
            ("dead_lettered", |counters| counters.dead_lettered),
            ("panicked", |counters| counters.panicked),
            ("timed_out", |counters| counters.timed_out),
            ("released", |counters| counters.released),
            ("duplicate", |counters| counters.duplicates),
            ("lease_lost", |counters| counters.lost_leases),
        ];
        for (outcome, count) in outcomes {
            let mut labels = labels(queue, "process", "process");
            labels.push(Label::from_static_parts("outcome", outcome));
            counters.push((metrics::counter!("sqs_consumer.messages", labels), count));
        }
        let requests: [(&'static str, &'static str, Count); 5] = [
            ("ReceiveMessage", "receive", |counters| {
                counters.receive_requests
            }),
            ("DeleteMessageBatch", "settle", |counters| {
                counters.delete_requests
            }),
            ("ChangeMessageVisibilityBatch", "settle", |counters| {
                counters.release_requests
            }),
            ("ChangeMessageVisibilityBatch", "extend", |counters| {
                counters.heartbeat_requests
            }),
            ("SendMessageBatch", "send", |counters| {
                counters.send_requests
            }),
        ];
        for (operation, kind, count) in requests {
            counters.push((
                metrics::counter!("sqs_consumer.requests", labels(queue, operation, kind)),
                count,
            ));
        }
        let held = || labels(queue, "process", "process");
        Self {
            queue: queue.to_owned(),
            last: Counters::default(),
            counters,
            running: metrics::gauge!("sqs_consumer.handlers.running", held()),
            in_flight: metrics::gauge!("sqs_consumer.messages.in_flight", held()),
            oldest: metrics::gauge!("sqs_consumer.messages.oldest_age", held()),
        }
    }

    /// Publishes the changes since the last call.
    pub(crate) fn publish(&mut self, snapshot: &Snapshot) {
        for (counter, count) in &self.counters {
            let new = count(&snapshot.counters).saturating_sub(count(&self.last));
            if new > 0 {
                counter.increment(new);
            }
        }
        self.running.set(gauge(snapshot.running));
        self.in_flight.set(gauge(snapshot.in_flight));
        let age = |sent_at| {
            SystemTime::now()
                .duration_since(sent_at)
                .unwrap_or_default()
        };
        self.oldest.set(
            snapshot
                .oldest_sent_at
                .map_or(0.0, |sent_at| age(sent_at).as_secs_f64()),
        );
        self.last = snapshot.counters;
    }

    /// Records the time of one handler run; a failure has an `error.type`.
    pub(crate) fn processed(&self, took: Duration, error_type: Option<&'static str>) {
        histogram(
            "messaging.process.duration",
            labels(&self.queue, "process", "process"),
            error_type,
        )
        .record(took.as_secs_f64());
    }

    /// Records the time of one request.
    pub(crate) fn requested(
        &self,
        operation: &'static str,
        took: Duration,
        error: Option<ErrorKind>,
    ) {
        let kind = if operation == "ReceiveMessage" {
            "receive"
        } else {
            "settle"
        };
        let labels = labels(&self.queue, operation, kind);
        histogram(
            "messaging.client.operation.duration",
            labels,
            error.map(ErrorKind::as_str),
        )
        .record(took.as_secs_f64());
    }
}

/// The metrics of one sender.
#[derive(Clone)]
pub(crate) struct SendMeter {
    queue: String,
    sent: Counter,
}

impl SendMeter {
    pub(crate) fn new(queue: &str) -> Self {
        let sent = metrics::counter!(
            "messaging.client.sent.messages",
            labels(queue, "SendMessageBatch", "send")
        );
        Self {
            queue: queue.to_owned(),
            sent,
        }
    }

    /// Records one request and the number of its messages.
    pub(crate) fn request<T>(
        &self,
        messages: usize,
        took: Duration,
        result: &Result<T, QueueError>,
    ) {
        self.sent.increment(messages as u64);
        let error = result.as_ref().err().map(|error| error.kind.as_str());
        histogram(
            "messaging.client.operation.duration",
            labels(&self.queue, "SendMessageBatch", "send"),
            error,
        )
        .record(took.as_secs_f64());
    }
}

fn histogram(
    name: &'static str,
    mut labels: Vec<Label>,
    error_type: Option<&'static str>,
) -> Histogram {
    labels.extend(error_type.map(|error| Label::from_static_parts("error.type", error)));
    metrics::histogram!(name, labels)
}

fn labels(queue: &str, operation: &'static str, kind: &'static str) -> Vec<Label> {
    vec![
        Label::from_static_parts("messaging.system", SYSTEM),
        Label::new("messaging.destination.name", queue.to_owned()),
        Label::from_static_parts("messaging.operation.name", operation),
        Label::from_static_parts("messaging.operation.type", kind),
    ]
}

fn gauge(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
