//! DynamoDB Streams: the change log of a table dealt out as a tree of shards, by item.
//!
//! Each item hashes to a number, and each shard has a range of them. A record goes into the shard that is open for its
//! item when it surfaces, so the records of one item are in order along a path of the tree, and those of one
//! transaction are wherever their items are, and may surface at different times.

mod describe;
mod fault;
mod get_records;
mod growth;
mod iterator;
mod record;
mod shard;
mod stream;

use std::time::Duration;

use serde_json::{Value, json};

use super::ApiReply;
use super::adversity::{Adversary, Behaviour};
use super::tables::CommittedWrite;
use fault::Fault;
use stream::Stream;
pub(crate) use stream::Trimmed;

/// How long a record is kept, and how long a closed shard is listed.
const RETENTION_MILLIS: u64 = 24 * 3_600_000;

/// All streams in the order of their making, those that were switched off included.
#[derive(Debug)]
pub(super) struct Streams {
    seed: u64,
    streams: Vec<Stream>,
    last_shard: u64,
    last_event: u64,
}

impl Streams {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            streams: Vec::new(),
            last_shard: 0,
            last_event: 0,
        }
    }

    pub(super) fn call(
        &mut self,
        operation: &str,
        body: &[u8],
        adversary: &mut Adversary,
        now: u64,
    ) -> ApiReply {
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return Fault::Serialization.into();
        };
        if adversary.strikes(Behaviour::StreamsThrottled) {
            return Fault::throttled(adversary).into();
        }
        self.surface(adversary, now);
        for stream in &mut self.streams {
            stream.trim(now.saturating_sub(RETENTION_MILLIS));
        }
        self.streams.retain(|stream| !stream.is_over());
        let answered = match operation {
            "ListStreams" => Ok(self.list(&request)),
            "DescribeStream" => self.describe(&request, adversary, now),
            "GetShardIterator" => self.get_shard_iterator(&request, now),
            "GetRecords" => self.get_records(&request, adversary, now),
            _ => return ApiReply::unknown_operation(),
        };
        answered.unwrap_or_else(ApiReply::from)
    }

    /// Lets the records that are due get into their shards.
    pub(super) fn surface(&mut self, adversary: &mut Adversary, now: u64) {
        for stream in &mut self.streams {
            stream.surface(now, adversary, &mut self.last_shard);
        }
    }

    fn list(&self, request: &Value) -> ApiReply {
        let table = request["TableName"].as_str();
        let of_table = |stream: &&Stream| table.is_none_or(|table| stream.table == table);
        let streams: Vec<&Stream> = self.streams.iter().filter(of_table).collect();
        let begin = request["ExclusiveStartStreamArn"]
            .as_str()
            .map_or(0, |start| {
                let found = streams.iter().position(|stream| stream.arn == start);
                found.map_or(0, |place| place + 1)
            });
        let rest = &streams[begin..];
        let limit = request["Limit"].as_u64().unwrap_or(100);
        let page = &rest[..rest.len().min(usize::try_from(limit).unwrap_or(100))];
        let summaries: Vec<Value> = page.iter().map(|stream| stream.summary()).collect();
        let mut answer = json!({ "Streams": summaries });
        if let Some(last) = page.last().filter(|_| page.len() < rest.len()) {
            answer["LastEvaluatedStreamArn"] = last.arn.as_str().into();
        }
        ApiReply::ok(&answer)
    }

    /// Whether one of two shards comes from the other, or they are the same.
    pub(super) fn are_of_one_line(&self, one: &str, other: &str) -> bool {
        self.streams
            .iter()
            .any(|stream| stream.comes_from(one, other) || stream.comes_from(other, one))
    }

    /// What was trimmed since the last time.
    pub(super) fn take_trimmed(&mut self) -> Vec<Trimmed> {
        let streams = self.streams.iter_mut();
        streams.flat_map(Stream::take_trimmed).collect()
    }

    /// Takes note that a reader has kept its place in a shard.
    pub(super) fn begun(&mut self, arn: &str, shard: &str) {
        let stream = self.streams.iter_mut().find(|stream| stream.arn == arn);
        if let Some(shard) = stream.and_then(|stream| stream.shards.get_mut(shard)) {
            shard.begun = true;
        }
    }

    fn stream(&self, arn: &str) -> Result<&Stream, Fault> {
        let found = self.streams.iter().find(|stream| stream.arn == arn);
        found.ok_or_else(|| Fault::not_found(&format!("Stream: {arn} not found")))
    }

    fn open_stream(&mut self, table: &str) -> Option<&mut Stream> {
        let mut streams = self.streams.iter_mut();
        streams.find(|stream| stream.open && stream.table == table)
    }
}

/// Tables and their streams.
impl Streams {
    /// The ARN, label and view type of the stream that is on.
    pub(super) fn latest(&self, table: &str) -> Option<(&str, &str, &str)> {
        let mut streams = self.streams.iter();
        let stream = streams.find(|stream| stream.open && stream.table == table)?;
        Some((&stream.arn, &stream.label, &stream.view_type))
    }

    /// Refuses to switch a stream to where it is.
    pub(super) fn check_switch(&self, table: &str, specification: &Value) -> Result<(), ApiReply> {
        let on = self.latest(table).is_some();
        let message = match (specification["StreamEnabled"] == true, on) {
            (true, true) => format!("Table already has an enabled stream: TableName: {table}"),
            (false, false) => format!("Table is not a stream enabled table: TableName: {table}"),
            (true, false) | (false, true) => return Ok(()),
        };
        Err(ApiReply::fault(400, "ValidationException", &message))
    }

    /// Switches the stream of a table on or off.
    pub(super) fn switch(
        &mut self,
        table: &str,
        key_schema: &Value,
        specification: &Value,
        adversary: &mut Adversary,
        now: u64,
    ) {
        if specification["StreamEnabled"] != true {
            return self.close(table, now);
        }
        let view_type = specification["StreamViewType"].as_str();
        let number = self.streams.len();
        let mut stream = Stream::new(table, key_schema, view_type, number, now);
        stream.children_first = adversary.strikes(Behaviour::ChildrenFirst);
        stream.open_first_shards(adversary.shards(), &mut self.last_shard, now);
        self.streams.push(stream);
    }

    /// Switches the stream of a table off; what it has can be read for another day.
    pub(super) fn close(&mut self, table: &str, now: u64) {
        if let Some(stream) = self.open_stream(table) {
            stream.close(now);
        }
    }

    /// Takes a committed write into the stream of its table. One that changes nothing is not told of.
    pub(super) fn record(&mut self, write: &CommittedWrite, adversary: &mut Adversary) {
        if write.changes_nothing() {
            return;
        }
        self.last_event += 1;
        let event_id = format!("{:016x}{:016x}", self.seed, self.last_event);
        if let Some(stream) = self.open_stream(&write.table) {
            stream.take(write, &event_id, adversary);
        }
    }
}

/// Events at will, for scripted scenarios. Each concerns the stream of a table that is on; there must be one.
impl Streams {
    pub(super) fn split_all(&mut self, table: &str, now: u64) {
        let (stream, last_shard) = self.parts(table);
        for shard in stream.open_shards() {
            stream.split(&shard, [now, now], last_shard, now);
        }
    }

    pub(super) fn roll_over_all(&mut self, table: &str, now: u64) {
        let (stream, last_shard) = self.parts(table);
        for shard in stream.open_shards() {
            stream.roll_over(&shard, now, last_shard, now);
        }
    }

    pub(super) fn trim(&mut self, table: &str, older_than: Duration, now: u64) {
        let millis = u64::try_from(older_than.as_millis()).unwrap_or(u64::MAX);
        self.parts(table).0.trim(now.saturating_sub(millis));
    }

    pub(super) fn expire_iterators(&mut self, table: &str, now: u64) {
        self.parts(table).0.iterators_since = now + 1;
    }

    /// Shows what is shown late.
    pub(super) fn heal(&mut self, now: u64) {
        for stream in &mut self.streams {
            stream.heal(now);
        }
    }

    fn parts(&mut self, table: &str) -> (&mut Stream, &mut u64) {
        let mut streams = self.streams.iter_mut();
        let stream = streams.find(|stream| stream.open && stream.table == table);
        (
            stream.expect("the table has a stream"),
            &mut self.last_shard,
        )
    }
}
