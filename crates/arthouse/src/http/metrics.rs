//! The metrics that the consumers record, as Prometheus reads them.

use anyhow::{Context, Result};
use arthouse_core::{TimeZoneData, time_zone_data};
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// The text format that [`PrometheusHandle::render`] writes (Prometheus, "Exposition formats").
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Bounds for durations, in seconds: those that the OpenTelemetry messaging conventions advise, and some above them for polls.
const SECONDS: [f64; 16] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 30.0,
];

/// Makes the process's metrics readable from here on. Dots in names become underscores, counters end in `_total`.
///
/// # Errors
/// Says so if the process has a recorder already.
pub(super) fn install() -> Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .with_recommended_naming(true)
        .set_buckets_for_metric(Matcher::Suffix("duration".to_owned()), &SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .context("the metrics can't be recorded")?;
    describe_messaging();
    describe_streams();
    describe_gauge!(
        "arthouse.build_info",
        "Always 1; its label is the program's version."
    );
    gauge!("arthouse.build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    describe_gauge!(
        "arthouse.time_zone_info",
        "Always 1; its labels are the release of the time zone data in use, and where it is from."
    );
    let TimeZoneData { version, source } = time_zone_data();
    let labels = [("version", version.to_string()), ("source", source.clone())];
    gauge!("arthouse.time_zone_info", &labels).set(1.0);
    Ok(handle)
}

fn describe_messaging() {
    for (name, text) in [
        (
            "messaging.client.consumed.messages",
            "Messages received, redeliveries included.",
        ),
        (
            "messaging.client.sent.messages",
            "Messages sent, retries included.",
        ),
        (
            "sqs_consumer.messages",
            "Messages by outcome: done, retried, deferred, dead-lettered, panicked, released, duplicates, lost leases.",
        ),
        ("sqs_consumer.requests", "Requests to SQS by operation."),
    ] {
        describe_counter!(name, text);
    }
    for (name, text) in [
        ("sqs_consumer.handlers.running", "Handlers running now."),
        (
            "sqs_consumer.messages.in_flight",
            "Messages in flight: running, waiting for their group, or being settled.",
        ),
    ] {
        describe_gauge!(name, text);
    }
    describe_gauge!(
        "sqs_consumer.messages.oldest_age",
        Unit::Seconds,
        "The age of the oldest message in flight; 0 without one."
    );
    for (name, text) in [
        (
            "messaging.process.duration",
            "The time of handler runs, by the kind of failure.",
        ),
        (
            "messaging.client.operation.duration",
            "The time of requests to SQS, by the kind of failure.",
        ),
    ] {
        describe_histogram!(name, Unit::Seconds, text);
    }
}

fn describe_streams() {
    for (name, text) in [
        ("dynamo_streams.polls", "Reads of shards."),
        (
            "dynamo_streams.empty_polls",
            "Reads of shards that returned no record.",
        ),
        (
            "dynamo_streams.records.done",
            "Records whose handler returned done.",
        ),
        (
            "dynamo_streams.records.retried",
            "Failed attempts whose record is retried.",
        ),
        (
            "dynamo_streams.records.panicked",
            "Handler runs that panicked; they are also counted as retried.",
        ),
        (
            "dynamo_streams.records.timed_out",
            "Handler runs that timed out; they are also counted as retried.",
        ),
        ("dynamo_streams.records.parked", "Records that were parked."),
        (
            "dynamo_streams.gaps",
            "Gaps: records that were trimmed or lost before they were read.",
        ),
        (
            "dynamo_streams.leases.lost",
            "Leases that were lost to another worker.",
        ),
        ("dynamo_streams.leases.taken", "Leases that were taken."),
        (
            "dynamo_streams.shards.finished",
            "Shards that were read to their end.",
        ),
        (
            "dynamo_streams.lease.writes",
            "Writes to the lease table: heartbeats, checkpoints, changes of owner.",
        ),
        ("dynamo_streams.listings", "Requests that list shards."),
    ] {
        describe_counter!(name, text);
    }
    for (name, text) in [
        (
            "dynamo_streams.oldest_unreacted_age_seconds",
            "The age of the oldest record that is not finished, or the time since a shard was last read: it grows while nothing happens.",
        ),
        (
            "dynamo_streams.trim_headroom_seconds",
            "The time left before the streams drop unread records.",
        ),
        (
            "dynamo_streams.unacknowledged",
            "Records that are read and not finished.",
        ),
        (
            "dynamo_streams.shards",
            "Shards whose lease this processor holds.",
        ),
    ] {
        describe_gauge!(name, text);
    }
}
