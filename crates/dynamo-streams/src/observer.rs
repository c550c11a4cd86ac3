//! Hooks by which an application learns what needs it.

use std::future::ready;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

use crate::record::{LaneId, Record};

/// Learns what needs somebody's attention. Each hook runs after the fact is durable, and again if the
/// process dies before the checkpoint passed it. Until a hook returns, only its own item (for a
/// quarantined record) or shard (for a gap) waits.
pub trait Observer: Send + Sync + 'static {
    /// A record was parked: the first of its item, or a later one behind it.
    fn on_quarantined<'a>(&'a self, _parked: &'a QuarantinedRecord) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }

    /// Records were lost before they were read; start the repair.
    fn on_gap<'a>(&'a self, _gap: &'a GapRecord) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }
}

/// Observes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// A record that was parked instead of being handled.
#[derive(Clone, Debug, PartialEq)]
pub struct QuarantinedRecord {
    /// The record, whole.
    pub record: Record,
    /// The lane of its item; what `redrive` is asked for.
    pub lane: LaneId,
    /// Why the record was parked.
    pub reason: String,
    /// How often it was tried; 0 for a record behind a parked one.
    pub attempts: u32,
    /// Whether it was parked only because an earlier record of its item was.
    pub behind: bool,
    /// When it was parked.
    pub parked_at: DateTime<Utc>,
}

/// A stretch of a shard that was trimmed or lost before it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapRecord {
    /// The stream.
    pub stream_arn: String,
    /// The table of the stream.
    pub table_name: String,
    /// The shard.
    pub shard_id: String,
    /// The last sequence number read before the gap; none if nothing of the shard had been read.
    pub from: Option<String>,
    /// The first sequence number found after the gap; none while it is not known, or if the rest of
    /// the shard is gone.
    pub to: Option<String>,
    /// Why there is a gap.
    pub cause: GapCause,
    /// Nothing that was written before this is lost: 24 hours before the shard's checkpoint last moved, for
    /// a stream keeps records no longer. None if it is not known.
    pub since: Option<DateTime<Utc>>,
    /// When it was found.
    pub detected_at: DateTime<Utc>,
}

/// Why records were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapCause {
    /// The stream keeps records for 24 hours, and these were older.
    Trimmed,
    /// The shard, or its whole stream, is gone although it had not been read to its end.
    ShardMissing,
    /// A shard appeared whose parent nobody has seen: what the parent held is unknown.
    ParentUnseen,
}
