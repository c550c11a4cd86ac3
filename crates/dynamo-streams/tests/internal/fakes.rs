//! What the crate's own tests do with the fakes, beyond what their users may.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::samples::{STREAM, epoch_time, record};
use crate::lease::{Lease, StreamEntry};
use crate::observer::GapRecord;
use crate::record::Record;
use crate::source::ShardKey;
use crate::testing::link::{Link, State};
use crate::testing::memory::{Memory, Saved};
use crate::testing::rows::Rows;
use crate::testing::streams::Streams;

impl Streams {
    /// A table with one stream of one open shard.
    pub(crate) fn of_one_table() -> Self {
        let streams = Self::default();
        streams.lock().epoch = epoch_time(0);
        streams.enable(STREAM);
        streams
    }

    /// Disables a stream: its shards are closed and get no children.
    pub(crate) fn disable(&self, stream_arn: &str) {
        let state = &mut *self.lock();
        let stream = state.streams.get_mut(stream_arn).unwrap();
        stream.disabled = true;
        let shards = stream.shards.values_mut();
        shards.for_each(|shard| shard.closed = true);
    }

    /// Writes a change of an item into the open shard that takes it; returns its number.
    pub(crate) fn write(&self, item: &str) -> u64 {
        self.write_to(STREAM, item)
    }

    pub(crate) fn write_to(&self, stream_arn: &str, item: &str) -> u64 {
        self.add(stream_arn, |number, now| Record {
            stream_arn: stream_arn.to_owned(),
            table_name: crate::arn::table_name(stream_arn).to_owned(),
            created_at: now.into(),
            ..record(item, number)
        })
    }

    /// Writes a change that cannot be decoded.
    pub(crate) fn write_unreadable(&self, item: &str) -> u64 {
        self.add(STREAM, |number, now| Record {
            created_at: now.into(),
            defect: Some("it has no event name".to_owned()),
            ..record(item, number)
        })
    }

    /// Splits the `nth` open shard of the first stream.
    pub(crate) fn split(&self, nth: usize, children: u16, shown_after: Duration) {
        self.split_of(STREAM, nth, children, shown_after);
    }

    /// Drops the oldest records of the `nth` shard of the first stream.
    pub(crate) fn trim(&self, nth: usize, records: usize) {
        self.trim_of(STREAM, nth, records);
    }

    /// Drops a shard whole.
    pub(crate) fn drop_shard(&self, id: &str) {
        let state = &mut *self.lock();
        state.streams.get_mut(STREAM).unwrap().shards.remove(id);
    }

    /// Drops a stream whole.
    pub(crate) fn drop_stream(&self, stream_arn: &str) {
        self.lock().streams.remove(stream_arn);
    }

    /// Lets so many listings find no such stream.
    pub(crate) fn answer_not_found(&self, listings: u32) {
        self.lock().not_found = listings;
    }

    pub(crate) fn max_records_per_read(&self, records: usize) {
        self.lock().max_records_per_read = records;
    }

    /// The shards of the first stream, in the order they were made.
    pub(crate) fn shard_ids(&self) -> Vec<String> {
        self.lock().streams[STREAM].shards.keys().cloned().collect()
    }

    /// Every record that was ever written, with its shard.
    pub(crate) fn records(&self) -> Vec<(String, Record)> {
        let state = self.lock();
        let shards = state.streams.values().flat_map(|stream| &stream.shards);
        let of = |(id, shard): (&String, &crate::testing::streams::Shard)| {
            let records = shard.records.iter().cloned();
            let records = records.map(|record| (id.clone(), record));
            records.collect::<Vec<_>>()
        };
        shards.flat_map(of).collect()
    }

    pub(crate) fn parent_of(&self, shard_id: &str) -> Option<String> {
        let state = self.lock();
        let mut streams = state.streams.values();
        streams.find_map(|stream| stream.shards.get(shard_id)?.parent.clone())
    }

    /// How often a call was made.
    pub(crate) fn calls(&self, operation: &'static str) -> u32 {
        self.lock().calls.get(operation).copied().unwrap_or(0)
    }
}

impl Memory {
    /// Looks at every checkpoint as it is written.
    pub(crate) fn audit(&self, audit: impl Fn(&Saved) + Send + Sync + 'static) {
        self.lock().audit = Some(Arc::new(audit));
    }

    pub(crate) fn leases(&self) -> Vec<Lease> {
        self.lock().leases.iter().cloned().collect()
    }

    pub(crate) fn lease(&self, shard_id: &str) -> Option<Lease> {
        let mut leases = self.leases().into_iter();
        leases.find(|lease| lease.shard.shard_id == shard_id)
    }

    pub(crate) fn gaps(&self) -> Vec<GapRecord> {
        self.lock().gaps.values().cloned().collect()
    }

    pub(crate) fn streams(&self) -> Vec<StreamEntry> {
        self.lock().streams.values().cloned().collect()
    }

    /// The numbers of all records that were ever parked.
    pub(crate) fn ever_parked(&self) -> BTreeSet<u64> {
        self.lock().ever_parked.clone()
    }

    /// Writes that were applied.
    pub(crate) fn writes(&self) -> u64 {
        self.lock().writes
    }

    /// Leases that were read.
    pub(crate) fn leases_read(&self) -> u64 {
        self.lock().leases_read
    }
}

impl Rows {
    /// Puts a lease in place whatever is there: what no write of the product does.
    pub(crate) fn overwrite(&mut self, lease: Lease) {
        self.0.insert(lease.shard.clone(), lease);
    }

    pub(crate) fn get(&self, shard: &ShardKey) -> Option<&Lease> {
        self.0.get(shard)
    }
}

impl Link {
    pub(crate) fn sound() -> Self {
        Self::default()
    }

    pub(crate) fn faulty(seed: u64, percent: u8, longest_delay: Duration) -> Self {
        let link = Self::default();
        {
            let mut faults = link.faults();
            faults.random = fastrand::Rng::with_seed(seed);
            faults.percent = percent;
            faults.longest_delay = longest_delay;
        }
        link
    }

    /// Holds the calls of one operation back until [`Link::resume`].
    pub(crate) fn stall(&self, operation: &'static str) {
        self.stalled.send_modify(|stalled| {
            stalled.insert(operation);
        });
    }

    pub(crate) fn resume(&self, operation: &'static str) {
        self.stalled.send_modify(|stalled| {
            stalled.remove(operation);
        });
    }

    pub(crate) fn kill(&self) {
        self.state.send_replace(State::Dead);
    }

    /// Makes the line answer every call from now on.
    pub(crate) fn heal(&self) {
        self.faults().percent = 0;
        self.thaw();
    }
}
