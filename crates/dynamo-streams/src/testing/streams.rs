//! A stream source that can split, roll over, show children late, keep parents listed, expire
//! iterators, trim, answer empty pages, throttle.

pub(crate) mod calls;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use calls::FakeSource;

use super::link::Link;
use crate::record::Record;

const NO_STREAM: &str = "the table has a stream";

/// The streams of one world; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Streams(Arc<Mutex<State>>);

#[derive(Debug)]
pub(crate) struct State {
    /// The time of day at `began`.
    pub(crate) epoch: DateTime<Utc>,
    began: Instant,
    pub(crate) streams: BTreeMap<String, Stream>,
    next_number: u64,
    next_shard: u64,
    /// Iterators of an older generation are expired.
    generation: u64,
    empty_pages: u32,
    throttles: u32,
    /// How many listings still find no such stream.
    pub(crate) not_found: u32,
    pub(crate) max_records_per_read: usize,
    pub(crate) calls: BTreeMap<&'static str, u32>,
}

#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) disabled: bool,
    pub(crate) shards: BTreeMap<String, Shard>,
}

#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) parent: Option<String>,
    /// The items it takes, by their digest's first byte: from, up to.
    range: (u16, u16),
    pub(crate) records: Vec<Record>,
    trimmed: usize,
    pub(crate) closed: bool,
    shown_at: Instant,
}

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            epoch: Utc::now(),
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
        })))
    }
}

impl Streams {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn source(&self, link: &Link) -> FakeSource {
        FakeSource {
            streams: self.clone(),
            link: link.clone(),
        }
    }

    /// Enables a further stream, of whatever table its ARN names.
    pub(crate) fn enable(&self, stream_arn: &str) {
        let state = &mut *self.lock();
        let id = state.new_shard_id();
        let stream = Stream {
            disabled: false,
            shards: [(id, Shard::new(None, (0, 256)))].into(),
        };
        state.streams.insert(stream_arn.to_owned(), stream);
    }

    /// Writes a change into the open shard that takes its item, with its number and the time of day; returns the number.
    pub(crate) fn add(
        &self,
        stream_arn: &str,
        change: impl FnOnce(u64, DateTime<Utc>) -> Record,
    ) -> u64 {
        let state = &mut *self.lock();
        let number = state.next_number;
        state.next_number += 1;
        let record = change(number, state.wall());
        let id = record.item_id().to_string();
        let place = u16::from_str_radix(&id[..2], 16).expect("an id is hexadecimal");
        let stream = state.streams.get_mut(stream_arn).expect(NO_STREAM);
        let mut open = stream.shards.values_mut().filter(|shard| !shard.closed);
        let takes = |shard: &&mut Shard| (shard.range.0..shard.range.1).contains(&place);
        let shard = open.find(takes).expect("the stream is enabled");
        shard.records.push(record);
        number
    }

    /// Closes the `nth` open shard and gives it children: two halves, or one that takes all. Listings show them later; records flow at once.
    pub(crate) fn split_of(
        &self,
        stream_arn: &str,
        nth: usize,
        children: u16,
        shown_after: Duration,
    ) {
        let state = &mut *self.lock();
        let ids = [state.new_shard_id(), state.new_shard_id()];
        let stream = state.streams.get_mut(stream_arn).expect(NO_STREAM);
        let open = stream.shards.iter_mut().filter(|(_, shard)| !shard.closed);
        let mut open: Vec<_> = open.collect();
        let nth = nth % open.len();
        let (parent, closing) = &mut open[nth];
        closing.closed = true;
        let (parent, (from, to)) = (parent.clone(), closing.range);
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

    /// Drops the oldest records of the `nth` shard.
    pub(crate) fn trim_of(&self, stream_arn: &str, nth: usize, records: usize) {
        let state = &mut *self.lock();
        let stream = state.streams.get_mut(stream_arn).expect(NO_STREAM);
        if let Some(shard) = stream.shards.values_mut().nth(nth) {
            shard.trimmed = (shard.trimmed + records).min(shard.records.len());
        }
    }

    pub(crate) fn expire_iterators(&self) {
        self.lock().generation += 1;
    }

    pub(crate) fn answer_empty_pages(&self, pages: u32) {
        self.lock().empty_pages += pages;
    }

    pub(crate) fn throttle(&self, calls: u32) {
        self.lock().throttles += calls;
    }

    /// The time of day in this world, which passes as tokio's clock does.
    pub(crate) fn wall(&self) -> DateTime<Utc> {
        self.lock().wall()
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
        self.epoch + self.began.elapsed()
    }
}
