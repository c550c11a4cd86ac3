//! The streams and the lease table of a DynamoDB in memory.

pub(crate) mod link;
pub(crate) mod memory;
pub(crate) mod rows;
pub(crate) mod streams;

use std::time::Duration;

use crate::clock::WallClock;
use crate::operations::Operations;
use crate::processor::{Processor, ProcessorBuilder};
use crate::record::Record;
use link::Link;
use memory::{Memory, MemoryStore};
use streams::Streams;
use streams::calls::FakeSource;

/// Streams of tables and a lease table in memory, with the shards, sequence numbers, iterators and conditional writes of DynamoDB, on tokio's
/// clock (so that paused time works). Clones share them.
#[derive(Clone, Debug, Default)]
pub struct FakeDynamo {
    streams: Streams,
    leases: Memory,
    link: Link,
}

/// The ports of a fake.
#[derive(Debug)]
pub(crate) struct FakePorts {
    pub(crate) source: FakeSource,
    pub(crate) store: MemoryStore,
    pub(crate) wall_clock: WallClock,
}

impl FakeDynamo {
    /// Makes a fake without streams.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts building a processor on this fake: call `stream_of_table` for each table. It needs neither a lease table nor an application, of
    /// which a fake has one. Its time of day passes with tokio's clock, whatever its settings say.
    #[must_use]
    pub fn processor(&self) -> ProcessorBuilder {
        let clock = self.streams.clone();
        Processor::builder_on(FakePorts {
            source: self.streams.source(&self.link),
            store: self.store(),
            wall_clock: WallClock::from_fn(move || clock.wall().into()),
        })
    }

    /// Returns the operations on the lease table: its status, redrives, gaps.
    #[must_use]
    pub fn operations(&self) -> Operations {
        Operations::on(self.store())
    }

    /// Adds a table that has a stream with one shard.
    pub fn add_table(&self, name: &str) {
        self.streams.enable(&stream_of(name));
    }

    /// Writes a change of the record's item into the stream of the record's table, with the time of day and the next sequence number, which
    /// it returns. [`Record::new`] makes a record.
    ///
    /// # Panics
    /// If the table was not added.
    pub fn write(&self, record: Record) -> String {
        let stream_arn = stream_of(&record.table_name);
        let number = self.streams.add(&stream_arn, |number, now| Record {
            stream_arn: stream_arn.clone(),
            event_id: format!("event-{number}"),
            sequence_number: number.to_string(),
            created_at: now.into(),
            ..record
        });
        number.to_string()
    }

    /// Closes the oldest open shard of a table's stream and splits it into two, which listings show after `shown_after`.
    ///
    /// # Panics
    /// If the table was not added.
    pub fn split(&self, table: &str, shown_after: Duration) {
        self.streams.split_of(&stream_of(table), 0, 2, shown_after);
    }

    /// Drops the oldest records of the oldest shard of a table's stream, as if they were 24 hours old.
    ///
    /// # Panics
    /// If the table was not added.
    pub fn trim(&self, table: &str, records: usize) {
        self.streams.trim_of(&stream_of(table), 0, records);
    }

    /// Expires all iterators.
    pub fn expire_iterators(&self) {
        self.streams.expire_iterators();
    }

    /// Throttles the next requests to streams.
    pub fn throttle(&self, requests: u32) {
        self.streams.throttle(requests);
    }

    /// Answers the next reads with empty pages.
    pub fn answer_empty_pages(&self, pages: u32) {
        self.streams.answer_empty_pages(pages);
    }

    /// Answers no request until [`FakeDynamo::resume`].
    pub fn stall(&self) {
        self.link.freeze();
    }

    /// Answers again, also the requests that were sent meanwhile.
    pub fn resume(&self) {
        self.link.thaw();
    }

    fn store(&self) -> MemoryStore {
        self.leases.store(&self.link)
    }
}

fn stream_of(table: &str) -> String {
    format!("arn:aws:dynamodb:eu-west-1:000000000000:table/{table}/stream/2026-01-01T00:00:00.000")
}
