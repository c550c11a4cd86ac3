//! Hooks that tell an application of parked and lost records.

use std::future::ready;
use std::pin::Pin;
use std::time::SystemTime;

use crate::arn;
use crate::item::ItemId;
use crate::record::Record;

/// A future in a box, such as `Box::pin(async { .. })` makes.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Is told of parked and lost records. A hook runs once the event is durable, and again if the process dies before the checkpoint passes
/// it. Until it returns, its item (for a parked record) or its shard (for a gap) waits. A hook that panics, or runs longer than
/// `handler_timeout`, is dropped, and an error is logged.
pub trait Observer: Send + Sync + 'static {
    /// A record was parked: the first of its item, or a later one behind it.
    fn on_parked<'a>(&'a self, _parked: &'a ParkedRecord) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }

    /// Records were lost before they were read.
    fn on_gap<'a>(&'a self, _gap: &'a GapRecord) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }
}

/// A no-op observer.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoopObserver;

impl Observer for NoopObserver {}

/// A parked record.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ParkedRecord {
    /// The record.
    pub record: Record,
    /// The id of its item, for `redrive`.
    pub item_id: ItemId,
    /// Why the record was parked.
    pub reason: String,
    /// The number of attempts; 0 for a record behind a parked one.
    pub attempts: u32,
    /// Whether it was parked only because an earlier record of its item was.
    pub behind: bool,
    /// When it was parked.
    pub parked_at: SystemTime,
}

/// Records of a shard that were trimmed or lost before they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GapRecord {
    /// The stream.
    pub stream_arn: String,
    /// The table of the stream.
    pub table_name: String,
    /// The shard.
    pub shard_id: String,
    /// The last sequence number read before the gap; none if no record of the shard had been read.
    pub from: Option<String>,
    /// The first sequence number after the gap; none while it is unknown, or if the rest of the shard is gone.
    pub to: Option<String>,
    /// Why there is a gap.
    pub cause: GapCause,
    /// The earliest time at which a lost record can have been written: 24 hours before the shard's checkpoint last moved, since a stream
    /// keeps records for 24 hours. None if it is unknown.
    pub since: Option<SystemTime>,
    /// When it was found.
    pub detected_at: SystemTime,
}

impl GapRecord {
    /// Makes a gap whose beginning and end are unknown, for the test of an observer.
    #[must_use]
    pub fn new(
        stream_arn: impl Into<String>,
        shard_id: impl Into<String>,
        cause: GapCause,
        detected_at: SystemTime,
    ) -> Self {
        let stream_arn = stream_arn.into();
        Self {
            table_name: arn::table_name(&stream_arn).to_owned(),
            stream_arn,
            shard_id: shard_id.into(),
            from: None,
            to: None,
            cause,
            since: None,
            detected_at,
        }
    }
}

/// Why records were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GapCause {
    /// The stream keeps records for 24 hours, and these were older.
    Trimmed,
    /// The shard, or its whole stream, is gone although it had not been read to its end.
    ShardMissing,
    /// A shard was listed whose parent was never listed: the records of the parent are unknown.
    ParentUnseen,
}
