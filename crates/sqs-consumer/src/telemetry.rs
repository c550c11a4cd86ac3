//! Metrics, by the names of the OpenTelemetry messaging conventions where they have one.

use std::time::{Duration, SystemTime};

use metrics::{Counter, Gauge, Histogram, Label};

use crate::queue::{ErrorKind, QueueError};
use crate::stats::Stats;

/// The value of `messaging.system` (OpenTelemetry, messaging attributes).
pub(crate) const SYSTEM: &str = "aws_sqs";

/// Reads one count.
type Count = fn(&Stats) -> u64;

/// The metrics of one consumer: the counters of [`Stats`], of which each step adds what is new.
pub(crate) struct Meter {
    queue: String,
    last: Stats,
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
            |stats| stats.received,
        )];
        let outcomes: [(&'static str, Count); 8] = [
            ("done", |stats| stats.done),
            ("retried", |stats| stats.retried),
            ("deferred", |stats| stats.deferred),
            ("dead_lettered", |stats| stats.dead_lettered),
            ("panicked", |stats| stats.panicked),
            ("released", |stats| stats.released),
            ("duplicate", |stats| stats.duplicates),
            ("lease_lost", |stats| stats.lease_losses),
        ];
        for (outcome, count) in outcomes {
            let mut labels = labels(queue, "process", "process");
            labels.push(Label::from_static_parts("outcome", outcome));
            counters.push((metrics::counter!("sqs_consumer.messages", labels), count));
        }
        let requests: [(&'static str, &'static str, Count); 5] = [
            ("ReceiveMessage", "receive", |stats| stats.requests.receive),
            ("DeleteMessageBatch", "settle", |stats| {
                stats.requests.delete
            }),
            ("ChangeMessageVisibilityBatch", "settle", |stats| {
                stats.requests.change_visibility
            }),
            ("ChangeMessageVisibilityBatch", "extend", |stats| {
                stats.requests.extend
            }),
            ("SendMessageBatch", "send", |stats| stats.requests.send),
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
            last: Stats::default(),
            counters,
            running: metrics::gauge!("sqs_consumer.handlers.running", held()),
            in_flight: metrics::gauge!("sqs_consumer.messages.in_flight", held()),
            oldest: metrics::gauge!("sqs_consumer.messages.oldest_age", held()),
        }
    }

    /// Publishes what has changed since the last time.
    pub(crate) fn publish(&mut self, stats: &Stats) {
        for (counter, count) in &self.counters {
            let new = count(stats).saturating_sub(count(&self.last));
            if new > 0 {
                counter.increment(new);
            }
        }
        self.running.set(gauge(stats.running));
        self.in_flight.set(gauge(stats.in_flight));
        let age = |sent_at| {
            SystemTime::now()
                .duration_since(sent_at)
                .unwrap_or_default()
        };
        self.oldest.set(
            stats
                .oldest_sent_at
                .map_or(0.0, |sent_at| age(sent_at).as_secs_f64()),
        );
        self.last = *stats;
    }

    /// Records the time that one handler took, by outcome; a failure has `error.type`.
    pub(crate) fn processed(&self, took: Duration, error_type: Option<&'static str>) {
        histogram(
            "messaging.process.duration",
            labels(&self.queue, "process", "process"),
            error_type,
        )
        .record(took.as_secs_f64());
    }

    /// Records the time that one request took.
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

    /// Records one request with so many messages.
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
