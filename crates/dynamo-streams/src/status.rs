//! The status of an application, read from the lease table.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use crate::arn;
use crate::lease::{Lease, View};
use crate::lineage;
use crate::monitor::{RETENTION, Snapshot};
use crate::observer::GapRecord;
use crate::store::{ParkedItem, SkippedRecord};

/// A heartbeat is stale at three times the default interval.
const STALE_HEARTBEAT: Duration = Duration::from_secs(30);

/// The status of an application, read from the lease table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The workers that have a heartbeat.
    pub workers: Vec<WorkerStatus>,
    /// The shards that are not finished.
    pub shards: Vec<ShardStatus>,
    /// The items with parked records.
    pub parked: Vec<ParkedItem>,
    /// The parked records that were skipped, in no order. They are never removed.
    pub skipped: Vec<SkippedRecord>,
    /// The gaps that are not acknowledged.
    pub gaps: Vec<GapRecord>,
    /// The age of the oldest record that may not be finished: the highest of the workers' figures and of the shards that no worker reads. None
    /// if there is no shard to read.
    pub oldest_unreacted_age: Option<Duration>,
    /// 24 hours minus that age.
    pub trim_headroom: Option<Duration>,
    /// Records that are read and not finished, of all workers.
    pub in_flight: u64,
}

/// A worker, by its last heartbeat.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WorkerStatus {
    /// The id of the worker, with the random suffix of its run.
    pub worker: String,
    /// How old its last heartbeat is, as far as the clocks agree.
    pub heartbeat_age: Duration,
    /// The figures that it wrote with it; without the times since its requests.
    pub figures: Snapshot,
}

/// A shard that is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardStatus {
    /// The stream.
    pub stream_arn: String,
    /// The table of the stream.
    pub table_name: String,
    /// The shard.
    pub shard_id: String,
    /// The worker that reads it.
    pub owner: Option<String>,
    /// Whether it may be read: all of its parents are finished.
    pub ready: bool,
    /// When its checkpoint last moved. It does not move while nothing is written to the table.
    pub checkpointed_at: SystemTime,
}

pub(crate) fn summarise(
    view: View,
    parked: Vec<ParkedItem>,
    skipped: Vec<SkippedRecord>,
    gaps: Vec<GapRecord>,
    now: DateTime<Utc>,
) -> Status {
    let workers: Vec<WorkerStatus> = view
        .heartbeats
        .iter()
        .map(|heartbeat| WorkerStatus {
            worker: heartbeat.worker.clone(),
            heartbeat_age: age(heartbeat.sent_at, now),
            figures: heartbeat.figures,
        })
        .collect();
    let ready = lineage::ready(&view.leases, &view.streams);
    // The figures of a worker are as old as its heartbeat.
    let read = workers
        .iter()
        .filter_map(|worker| Some(worker.figures.oldest_unreacted_age? + worker.heartbeat_age));
    let unread = ready
        .iter()
        .filter(|lease| !is_read(lease, &workers))
        .map(|lease| age(lease.checkpointed_at, now));
    let oldest = read.chain(unread).max();
    let shards = view
        .leases
        .iter()
        .filter(|lease| !lease.is_finished())
        .map(|lease| ShardStatus {
            stream_arn: lease.shard.stream_arn.clone(),
            table_name: arn::table_name(&lease.shard.stream_arn).to_owned(),
            shard_id: lease.shard.shard_id.clone(),
            owner: lease.owner.clone(),
            ready: ready.iter().any(|ready| ready.shard == lease.shard),
            checkpointed_at: lease.checkpointed_at.into(),
        });
    Status {
        shards: shards.collect(),
        parked,
        skipped,
        gaps,
        oldest_unreacted_age: oldest,
        trim_headroom: oldest.map(|age| RETENTION.saturating_sub(age)),
        in_flight: workers.iter().map(|worker| worker.figures.in_flight).sum(),
        workers,
    }
}

fn is_read(lease: &Lease, workers: &[WorkerStatus]) -> bool {
    workers.iter().any(|worker| {
        lease.owner.as_ref() == Some(&worker.worker) && worker.heartbeat_age < STALE_HEARTBEAT
    })
}

fn age(at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - at).to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::samples::{epoch_time, free_lease, heartbeat, owned_lease};

    fn check(leases: Vec<Lease>, beaten_seconds_ago: i64, expected_seconds: u64) {
        let now = epoch_time(10_000);
        let mut beat = heartbeat("w", 1);
        beat.sent_at = epoch_time(10_000 - beaten_seconds_ago);
        beat.figures.oldest_unreacted_age = Some(Duration::from_secs(2));
        beat.figures.in_flight = 5;
        let view = View {
            leases,
            heartbeats: vec![beat],
            streams: Vec::new(),
        };
        let status = summarise(view, Vec::new(), Vec::new(), Vec::new(), now);
        let expected = Duration::from_secs(expected_seconds);
        assert_eq!(status.oldest_unreacted_age, Some(expected));
        assert_eq!(status.trim_headroom, Some(RETENTION - expected));
        assert_eq!(status.in_flight, 5);
    }

    #[test]
    fn what_a_worker_published_ages_with_its_heartbeat() {
        check(vec![owned_lease("s-1", "w", 1)], 3, 5);
    }

    #[test]
    fn a_shard_that_nobody_reads_is_as_old_as_its_checkpoint() {
        check(vec![free_lease("s-1")], 3, 10_000);
        check(vec![owned_lease("s-1", "dead", 1)], 3, 10_000);
        check(vec![owned_lease("s-1", "w", 1)], 600, 10_000);
    }

    #[test]
    fn a_finished_shard_is_not_shown_and_a_child_waits_for_its_parent() {
        let mut child = free_lease("c");
        child.parents = vec!["p".to_owned()];
        let mut done = free_lease("done");
        done.finished_at = Some(epoch_time(0));
        let view = View {
            leases: vec![free_lease("p"), child, done],
            ..View::default()
        };
        let status = summarise(view, Vec::new(), Vec::new(), Vec::new(), epoch_time(0));
        let shards: Vec<_> = status
            .shards
            .iter()
            .map(|shard| (shard.shard_id.as_str(), shard.ready))
            .collect();
        assert_eq!(shards, [("p", true), ("c", false)]);
    }
}
