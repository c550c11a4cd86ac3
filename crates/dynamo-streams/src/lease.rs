//! A lease: which worker reads a shard, and its checkpoint.

pub(crate) mod balance;
pub(crate) mod check;
pub(crate) mod liveness;
pub(crate) mod settled;

use chrono::{DateTime, Utc};

use crate::source::ShardKey;

/// How far the records of a shard are finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Checkpoint {
    /// No record yet: begin at the oldest record.
    TrimHorizon,
    /// No record yet: begin at the oldest record, but skip records that were written before this time.
    Since(DateTime<Utc>),
    /// All records up to this sequence number.
    After(String),
}

/// One item of the lease table: a shard, its holder and its checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) shard: ShardKey,
    /// The shards whose records come first.
    pub(crate) parents: Vec<String>,
    pub(crate) owner: Option<String>,
    /// Grows with every change of owner; writes under an older epoch are refused.
    pub(crate) epoch: u64,
    pub(crate) checkpoint: Checkpoint,
    /// The worker that requests the handover of the lease.
    pub(crate) handover_to: Option<String>,
    /// When the shard was read to its end and every record finished.
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// The recent load of the shard in bytes a second, as its holder measured it.
    pub(crate) load: u64,
    /// When the checkpoint last moved, or when the last holder that released the lease had last read the shard. Before that, when the shard
    /// was found or its parent ended.
    pub(crate) checkpointed_at: DateTime<Utc>,
}

impl Lease {
    /// Makes the lease of a shard that was never read.
    pub(crate) fn new(
        shard: ShardKey,
        parent: Option<String>,
        checkpoint: Checkpoint,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            shard,
            parents: parent.into_iter().collect(),
            owner: None,
            epoch: 0,
            checkpoint,
            handover_to: None,
            finished_at: None,
            load: 0,
            checkpointed_at: now,
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished_at.is_some()
    }

    /// Whether the worker has requested the lease and may still get it.
    pub(crate) fn is_requested_by(&self, worker: &str) -> bool {
        self.handover_to.as_deref() == Some(worker) && !self.is_finished()
    }

    /// The state that the stored lease must still have for a write to be accepted.
    pub(crate) fn seen(&self) -> Seen<'_> {
        Seen {
            shard: &self.shard,
            owner: self.owner.as_deref(),
            epoch: self.epoch,
            handover_to: self.handover_to.as_deref(),
        }
    }
}

/// A lease as another worker read it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) shard: &'a ShardKey,
    pub(crate) owner: Option<&'a str>,
    pub(crate) epoch: u64,
    pub(crate) handover_to: Option<&'a str>,
}

/// The fencing token of a holder: its writes are conditional on owner and epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guard {
    pub(crate) shard: ShardKey,
    pub(crate) owner: String,
    pub(crate) epoch: u64,
}

/// The heartbeat of a worker, with its figures.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heartbeat {
    pub(crate) worker: String,
    /// Counts this worker's heartbeats.
    pub(crate) beat: u64,
    /// When it was sent, by the worker's own clock: for people, not for deciding which worker is alive.
    pub(crate) sent_at: DateTime<Utc>,
    pub(crate) figures: crate::monitor::Snapshot,
}

/// A stream that the application reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamEntry {
    pub(crate) stream_arn: String,
    /// Where its first shards begin: chosen once, at the first ever start.
    pub(crate) start: Checkpoint,
    /// Whether the leases of its first shards have all been made.
    pub(crate) seeded: bool,
    /// Whether it is disabled or deleted, and all of its shards are finished.
    pub(crate) drained: bool,
}

/// The lease table at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) leases: Vec<Lease>,
    pub(crate) heartbeats: Vec<Heartbeat>,
    pub(crate) streams: Vec<StreamEntry>,
}
