//! The port to the lease table: leases, heartbeats, streams, parked records and gaps.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::item::{ItemId, ItemKey};
use crate::lease::{Guard, Heartbeat, Lease, Seen, StreamEntry, View};
use crate::lease_table::LeaseTable;
use crate::observer::{GapRecord, ParkedRecord};
use crate::source::ShardKey;
#[cfg(feature = "testing")]
use crate::testing::memory::MemoryStore;

/// Leases, heartbeats and streams. Every write to a lease is conditional on its owner and epoch; a refused write returns
/// [`Error::Fenced`].
pub(crate) trait LeaseStore: Send + Sync + 'static {
    /// Reads everything, consistently item by item.
    fn view(&self) -> impl Future<Output = Result<View, Error>> + Send {
        self.view_from(&[])
    }

    /// The same, but of the leases only those of the streams of these shards, each from its shard on. Without shards it reads all leases.
    fn view_from(&self, first: &[ShardKey]) -> impl Future<Output = Result<View, Error>> + Send;

    /// Writes the heartbeat of a worker. Unless the worker `joins`, a heartbeat is refused if there is none or a later one.
    fn write_heartbeat(
        &self,
        heartbeat: &Heartbeat,
        joins: bool,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Removes the heartbeat of a worker, if it still has this beat; without a beat, in any case.
    fn remove_heartbeat(
        &self,
        worker: &str,
        beat: Option<u64>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Adds a stream unless it is known.
    fn add_stream(&self, stream: &StreamEntry) -> impl Future<Output = Result<(), Error>> + Send;

    /// Marks a stream whose first leases have been made.
    fn mark_seeded(&self, stream_arn: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Marks a stream that gets no more records and is read to its end.
    fn mark_drained(&self, stream_arn: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Makes a lease unless there is one; returns whether it made it.
    fn create(&self, lease: &Lease) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Takes a lease that is still as it was seen, under the next epoch; returns the taken lease.
    fn take(
        &self,
        seen: Seen<'_>,
        worker: &str,
    ) -> impl Future<Output = Result<Lease, Error>> + Send;

    /// Requests the handover of a lease that is still as it was seen, and that no other worker has requested since.
    fn request_handover(
        &self,
        seen: Seen<'_>,
        worker: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes a checkpoint, the sequence number up to which all records are finished, and the measured load. A checkpoint that arrives after
    /// a later one is refused, also under the same epoch.
    fn checkpoint(
        &self,
        guard: &Guard,
        checkpoint: &str,
        load: u64,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Releases a lease, or hands it over to `handover_to`, with a last checkpoint and the time of the last read. Without a read that time
    /// stays as it was.
    fn release(
        &self,
        guard: &Guard,
        checkpoint: Option<&str>,
        handover_to: Option<&str>,
        read_at: Option<DateTime<Utc>>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Marks a shard whose records are all finished.
    fn finish(
        &self,
        guard: &Guard,
        checkpoint: Option<&str>,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Removes the lease of a finished shard.
    fn forget(&self, shard: &ShardKey) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Parked records and the gaps.
pub(crate) trait ParkedStore: Send + Sync + 'static {
    /// Reads the ids of the items of a table that have parked records.
    fn parked_item_ids(
        &self,
        table: &str,
    ) -> impl Future<Output = Result<BTreeSet<ItemId>, Error>> + Send {
        async move {
            let items = self.parked_items(Some(table)).await?;
            Ok(items.into_iter().map(|parked| parked.item_id).collect())
        }
    }

    /// Parks a record, with a guard only if the lease is still held. A record behind another is parked only while its item has parked
    /// records. Parking is idempotent.
    fn park(
        &self,
        guard: Option<&Guard>,
        parked: &ParkedRecord,
    ) -> impl Future<Output = Result<ParkOutcome, Error>> + Send;

    /// Reads the items that have parked records, those of one table or all.
    fn parked_items(
        &self,
        table: Option<&str>,
    ) -> impl Future<Output = Result<Vec<ParkedItem>, Error>> + Send;

    /// Reads up to `limit` parked records of an item, the oldest first.
    fn parked_records(
        &self,
        item_id: ItemId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<ParkedRecord>, Error>> + Send;

    /// Claims an item for a redrive, or renews its claim: if no other redrive has claimed it, or the claim is still as it was `seen`.
    fn claim(
        &self,
        item: &ParkedItem,
        redrive: &str,
        seen: Option<&Claim>,
    ) -> impl Future<Output = Result<ClaimOutcome, Error>> + Send;

    /// Removes a redriven record, if the redrive still has its claim; else [`Error::Fenced`]. If it was skipped, that is stored in the same
    /// transaction.
    fn remove(
        &self,
        item: &ParkedItem,
        redrive: &str,
        sequence_number: &str,
        skipped: Option<&SkippedRecord>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Reads the records that were skipped.
    fn skipped_records(&self) -> impl Future<Output = Result<Vec<SkippedRecord>, Error>> + Send;

    /// Reopens an item without parked records, if the redrive still has its claim and no record was parked since `version`; returns whether
    /// it did.
    fn reopen(
        &self,
        item: &ParkedItem,
        redrive: &str,
        version: u64,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Releases a claim.
    fn release_claim(
        &self,
        item: &ParkedItem,
        redrive: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes a gap.
    fn put_gap(&self, gap: &GapRecord) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes the end of a gap, unless it was acknowledged meanwhile.
    fn end_gap(&self, gap: &GapRecord) -> impl Future<Output = Result<(), Error>> + Send;

    /// Reads the gaps that are not acknowledged.
    fn gaps(&self) -> impl Future<Output = Result<Vec<GapRecord>, Error>> + Send;

    /// Removes a repaired gap, unless it was found again since it was read.
    fn acknowledge(&self, gap: &GapRecord) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A redrive's claim on an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) redrive: String,
    /// Counts the claims and renewals of the item, from 1; 0 in a claim of an older release.
    pub(crate) beat: u64,
}

/// The result of claiming an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClaimOutcome {
    /// The item is claimed; its version as it is now.
    Claimed { version: u64 },
    /// Another redrive has it.
    Others(Claim),
    /// It has no parked records any more.
    NotParked,
}

/// The result of parking a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParkOutcome {
    /// The record is parked.
    Parked,
    /// The item has no parked records any more: the record behind them is handled.
    ItemNotParked,
}

/// A parked record that a redrive removed without handling it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SkippedRecord {
    /// The table of its item.
    pub table_name: String,
    /// The id of its item.
    pub item_id: ItemId,
    /// The key of its item.
    pub key: ItemKey,
    /// The record's place in its shard.
    pub sequence_number: String,
    /// Why it had been parked.
    pub parked_reason: String,
    /// Why it was skipped.
    pub reason: String,
    /// When it was skipped.
    pub skipped_at: SystemTime,
}

/// An item with parked records.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ParkedItem {
    /// The table of the item.
    pub table_name: String,
    /// The id of the item.
    pub item_id: ItemId,
    /// The key of the item; empty if it is unknown.
    pub key: ItemKey,
    /// Why the first record was parked.
    pub reason: String,
    /// When the first record was parked.
    pub parked_at: SystemTime,
    /// How often a record of it was parked, repetitions after a crash included.
    pub version: u64,
}

/// The store of a processor or of its operations.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    Table(LeaseTable),
    #[cfg(feature = "testing")]
    Fake(MemoryStore),
}

/// Evaluates an expression with the store that there is.
macro_rules! with_store {
    ($store:expr, $name:ident => $body:expr) => {
        match $store {
            Store::Table($name) => $body,
            #[cfg(feature = "testing")]
            Store::Fake($name) => $body,
        }
    };
}
pub(crate) use with_store;
