//! A stream source that can split, roll over, show children late, keep parents listed, expire
//! iterators, trim, answer empty pages, throttle.

mod calls;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use calls::FakeSource;

use super::link::Link;
use super::{STREAM, epoch_time, record};
use crate::record::Record;

/// The streams of one world; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Streams(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    began: Instant,
    streams: BTreeMap<String, Stream>,
    next_number: u64,
    next_shard: u64,
    /// Iterators of an older generation are expired.
    generation: u64,
    empty_pages: u32,
    throttles: u32,
    /// How many listings still find no such stream.
    not_found: u32,
    max_records_per_read: usize,
    calls: BTreeMap<&'static str, u32>,
}

#[derive(Debug, Default)]
struct Stream {
    disabled: bool,
    shards: BTreeMap<String, Shard>,
}

#[derive(Debug)]
struct Shard {
    parent: Option<String>,
    /// The items it takes, by their digest's first byte: from, up to.
    range: (u16, u16),
    records: Vec<Record>,
    trimmed: usize,
    closed: bool,
    shown_at: Instant,
}

impl Streams {
    /// A table with one stream of one open shard.
    pub(crate) fn new() -> Self {
        let streams = Self(Arc::new(Mutex::new(State {
            began: Instant::now(),
            streams: BTreeMap::new(),
            next_number: 100,
            next_shard: 1,
            generation: 0,
            empty_pages: 0,
            throttles: 0,
            not_found: 0,
            max_records_per_read: 1_000,
            calls: BTreeMap::new(),
        })));
        streams.enable(STREAM);
        streams
    }

    pub(crate) fn source(&self, link: &Link) -> FakeSource {
        FakeSource {
            streams: self.clone(),
            link: link.clone(),
        }
    }

    /// Enables a further stream, of whatever table its ARN names.
    pub(crate) fn enable(&self, stream_arn: &str) {
        let state = &mut *self.0.lock().unwrap();
        let id = state.new_shard_id();
        let stream = Stream {
            disabled: false,
            shards: [(id, Shard::new(None, (0, 256)))].into(),
        };
        state.streams.insert(stream_arn.to_owned(), stream);
    }

    /// Disables a stream: its shards are closed and get no children.
    pub(crate) fn disable(&self, stream_arn: &str) {
        let state = &mut *self.0.lock().unwrap();
        let stream = state.streams.get_mut(stream_arn).unwrap();
        stream.disabled = true;
        stream
            .shards
            .values_mut()
            .for_each(|shard| shard.closed = true);
    }

    /// Writes a change of an item into the open shard that takes it; returns its number.
    pub(crate) fn write(&self, item: &str) -> u64 {
        self.write_to(STREAM, item)
    }

    /// The same, with a change that cannot be decoded.
    pub(crate) fn write_unreadable(&self, item: &str) -> u64 {
        let number = self.write(item);
        let state = &mut *self.0.lock().unwrap();
        let shards = state.streams.get_mut(STREAM).unwrap().shards.values_mut();
        for record in shards.flat_map(|shard| &mut shard.records) {
            if record.sequence_number == number.to_string() {
                record.defect = Some("it has no event name".to_owned());
            }
        }
        number
    }

    pub(crate) fn write_to(&self, stream_arn: &str, item: &str) -> u64 {
        let state = &mut *self.0.lock().unwrap();
        let number = state.next_number;
        state.next_number += 1;
        let mut record = record(item, number);
        record.stream_arn = stream_arn.to_owned();
        record.table_name = crate::arn::table_name(stream_arn).to_owned();
        record.created_at = state.wall();
        let place = u16::from_str_radix(&record.item_id().to_string()[..2], 16).unwrap();
        let stream = state.streams.get_mut(stream_arn).unwrap();
        let takes =
            |shard: &&mut Shard| !shard.closed && (shard.range.0..shard.range.1).contains(&place);
        stream
            .shards
            .values_mut()
            .find(takes)
            .unwrap()
            .records
            .push(record);
        number
    }

    /// Closes the `nth` open shard and gives it children: two halves, or one that goes on with all.
    /// Listings show them later; records flow at once.
    pub(crate) fn split(&self, nth: usize, children: u16, shown_after: Duration) {
        let state = &mut *self.0.lock().unwrap();
        let ids = [state.new_shard_id(), state.new_shard_id()];
        let stream = state.streams.get_mut(STREAM).unwrap();
        let open: Vec<&String> = stream
            .shards
            .iter()
            .filter(|(_, shard)| !shard.closed)
            .map(|(id, _)| id)
            .collect();
        let parent = open[nth % open.len()].clone();
        let closing = stream.shards.get_mut(&parent).unwrap();
        let (from, to) = closing.range;
        closing.closed = true;
        let middle = from + (to - from) / 2;
        let ranges = if children == 2 && middle > from {
            vec![(from, middle), (middle, to)]
        } else {
            vec![(from, to)]
        };
        for (id, range) in ids.into_iter().zip(ranges) {
            let mut child = Shard::new(Some(parent.clone()), range);
            child.shown_at = Instant::now() + shown_after;
            stream.shards.insert(id, child);
        }
    }

    /// Drops the oldest records of the `nth` shard; all of them, and the shard, if it is closed and empty.
    pub(crate) fn trim(&self, nth: usize, records: usize) {
        let state = &mut *self.0.lock().unwrap();
        let shard = state
            .streams
            .get_mut(STREAM)
            .unwrap()
            .shards
            .values_mut()
            .nth(nth)
            .unwrap();
        shard.trimmed = (shard.trimmed + records).min(shard.records.len());
    }

    /// Drops a shard whole.
    pub(crate) fn drop_shard(&self, id: &str) {
        self.0
            .lock()
            .unwrap()
            .streams
            .get_mut(STREAM)
            .unwrap()
            .shards
            .remove(id);
    }

    /// Drops a stream whole.
    pub(crate) fn drop_stream(&self, stream_arn: &str) {
        self.0.lock().unwrap().streams.remove(stream_arn);
    }

    pub(crate) fn expire_iterators(&self) {
        self.0.lock().unwrap().generation += 1;
    }

    pub(crate) fn answer_empty_pages(&self, pages: u32) {
        self.0.lock().unwrap().empty_pages += pages;
    }

    pub(crate) fn answer_not_found(&self, listings: u32) {
        self.0.lock().unwrap().not_found = listings;
    }

    pub(crate) fn throttle(&self, calls: u32) {
        self.0.lock().unwrap().throttles += calls;
    }

    pub(crate) fn max_records_per_read(&self, records: usize) {
        self.0.lock().unwrap().max_records_per_read = records;
    }

    /// The shards of the first stream, in the order they were made.
    pub(crate) fn shard_ids(&self) -> Vec<String> {
        self.0.lock().unwrap().streams[STREAM]
            .shards
            .keys()
            .cloned()
            .collect()
    }

    /// Every record that was ever written, with its shard.
    pub(crate) fn records(&self) -> Vec<(String, Record)> {
        let state = self.0.lock().unwrap();
        let shards = state.streams.values().flat_map(|stream| &stream.shards);
        let records = shards.flat_map(|(id, shard)| {
            shard
                .records
                .iter()
                .map(move |record| (id.clone(), record.clone()))
        });
        records.collect()
    }

    pub(crate) fn parent_of(&self, shard_id: &str) -> Option<String> {
        let state = self.0.lock().unwrap();
        state
            .streams
            .values()
            .find_map(|stream| stream.shards.get(shard_id)?.parent.clone())
    }

    /// How often a call was made.
    pub(crate) fn calls(&self, operation: &'static str) -> u32 {
        self.0
            .lock()
            .unwrap()
            .calls
            .get(operation)
            .copied()
            .unwrap_or(0)
    }

    /// The time of day in this world, which passes as the tests' clock does.
    pub(crate) fn wall(&self) -> DateTime<Utc> {
        self.0.lock().unwrap().wall()
    }
}

impl Shard {
    fn new(parent: Option<String>, range: (u16, u16)) -> Self {
        let (records, trimmed, closed) = (Vec::new(), 0, false);
        Self {
            parent,
            range,
            records,
            trimmed,
            closed,
            shown_at: Instant::now(),
        }
    }
}

impl State {
    fn new_shard_id(&mut self) -> String {
        let id = format!("shardId-{:020}-{:08x}", self.next_shard, self.next_shard);
        self.next_shard += 1;
        id
    }

    fn wall(&self) -> DateTime<Utc> {
        epoch_time(0) + TimeDelta::from_std(self.began.elapsed()).unwrap()
    }
}
