//! The port to the lease table: leases, heartbeats, streams, parked records and gaps.

use std::collections::BTreeSet;
use std::future::Future;

use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::lease::{Guard, Heartbeat, Lease, Seen, StreamEntry, View};
use crate::observer::{GapRecord, QuarantinedRecord};
use crate::record::LaneId;
use crate::source::ShardKey;

/// Leases, heartbeats and streams. Every write to a lease is conditional on its owner and epoch; one
/// that is refused answers [`Error::Fenced`].
pub(crate) trait LeaseStore: Send + Sync + 'static {
    /// Reads everything, consistently item by item.
    fn view(&self) -> impl Future<Output = Result<View, Error>> + Send;

    /// Writes a worker's sign of life.
    fn beat(&self, heartbeat: &Heartbeat) -> impl Future<Output = Result<(), Error>> + Send;

    /// Removes a worker's heartbeat if it still has this beat; any beat if none is given.
    fn retire(
        &self,
        worker: &str,
        beat: Option<u64>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Enters a stream unless it is known.
    fn enter_stream(&self, stream: &StreamEntry) -> impl Future<Output = Result<(), Error>> + Send;

    /// Notes that the leases of a stream's first shards have been made.
    fn mark_seeded(&self, stream_arn: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Notes that a stream takes no more records and is read to its end.
    fn mark_drained(&self, stream_arn: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Makes a lease unless there is one; tells whether it made it.
    fn create(&self, lease: &Lease) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Takes a lease that is still as it was seen, under the next epoch; answers with what was taken.
    fn take(
        &self,
        seen: Seen<'_>,
        worker: &str,
    ) -> impl Future<Output = Result<Lease, Error>> + Send;

    /// Asks the holder for a lease that is still as it was seen, and that nobody has asked for since.
    fn ask(&self, seen: Seen<'_>, worker: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes the number of the last record up to which all are finished, and the load that was measured.
    /// One that arrives after a later one is refused, also under the same hold.
    fn checkpoint(
        &self,
        guard: &Guard,
        reached: &str,
        load: u64,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Gives a lease away, to `handover_to` or to whoever takes it, with a last checkpoint, and with when the shard was last read:
    /// who read nothing of it leaves that as it was.
    fn release(
        &self,
        guard: &Guard,
        reached: Option<&str>,
        handover_to: Option<&str>,
        read_at: Option<DateTime<Utc>>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Notes that every record of the shard is finished.
    fn finish(
        &self,
        guard: &Guard,
        reached: Option<&str>,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Removes the lease of a finished shard.
    fn forget(&self, shard: &ShardKey) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Parked records and the gaps.
pub(crate) trait ParkedStore: Send + Sync + 'static {
    /// Reads which items of a table are in quarantine.
    fn parked_lanes(
        &self,
        table: &str,
    ) -> impl Future<Output = Result<BTreeSet<LaneId>, Error>> + Send {
        async move {
            let lanes = self.lanes(Some(table)).await?;
            Ok(lanes.into_iter().map(|parked| parked.lane).collect())
        }
    }

    /// Parks a record, if the lease is still held; without a guard, whoever holds it. A record behind another
    /// is parked only while its item is in quarantine. Parking a record twice leaves one.
    fn park(
        &self,
        guard: Option<&Guard>,
        parked: &QuarantinedRecord,
    ) -> impl Future<Output = Result<ParkOutcome, Error>> + Send;

    /// Reads the items in quarantine, those of one table or all.
    fn lanes(
        &self,
        table: Option<&str>,
    ) -> impl Future<Output = Result<Vec<ParkedLane>, Error>> + Send;

    /// Reads the parked records of an item, the oldest first, `limit` at most.
    fn parked(
        &self,
        lane: LaneId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<QuarantinedRecord>, Error>> + Send;

    /// Claims an item for a redrive until a time, unless another redrive has it; answers with its
    /// version, or nothing if it is claimed or no longer in quarantine.
    fn claim(
        &self,
        lane: &ParkedLane,
        redrive: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Future<Output = Result<Option<u64>, Error>> + Send;

    /// Removes a redriven record, if the claim still stands; else [`Error::Fenced`].
    fn remove(
        &self,
        lane: &ParkedLane,
        redrive: &str,
        sequence_number: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Ends the quarantine of an item if the claim stands and nothing was parked since `version`;
    /// tells whether it did.
    fn reopen(
        &self,
        lane: &ParkedLane,
        redrive: &str,
        version: u64,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Gives a claim back.
    fn unclaim(
        &self,
        lane: &ParkedLane,
        redrive: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes a gap.
    fn put_gap(&self, gap: &GapRecord) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes where a gap ends, unless it was acknowledged meanwhile.
    fn end_gap(&self, gap: &GapRecord) -> impl Future<Output = Result<(), Error>> + Send;

    /// Reads the gaps that nobody has acknowledged.
    fn gaps(&self) -> impl Future<Output = Result<Vec<GapRecord>, Error>> + Send;

    /// Removes a gap whose repair is done, unless it was found anew since it was read.
    fn acknowledge(&self, gap: &GapRecord) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What came of parking a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParkOutcome {
    /// The record is parked.
    Parked,
    /// The item is no longer in quarantine: the record behind is to be handled.
    LaneOpen,
}

/// An item in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedLane {
    /// The table of the item.
    pub table_name: String,
    /// The item's lane.
    pub lane: LaneId,
    /// Why the first record was parked.
    pub reason: String,
    /// When the first record was parked.
    pub parked_at: DateTime<Utc>,
    /// How often a record was parked since, repetitions after a crash included.
    pub version: u64,
}
