//! The port to the streams: requests to the service, one page at a time.

pub(crate) mod aws;

use std::fmt;
use std::future::Future;

use crate::error::Error;
use crate::record::Record;

/// Identifies a shard among all streams.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ShardKey {
    pub(crate) stream_arn: String,
    pub(crate) shard_id: String,
}

impl fmt::Display for ShardKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stream_arn, self.shard_id)
    }
}

/// The requests to DynamoDB Streams.
pub(crate) trait StreamSource: Send + Sync + 'static {
    /// Lists the streams of a table, including those that were disabled within the last day.
    fn list_streams(
        &self,
        table: &str,
        after_arn: Option<&str>,
    ) -> impl Future<Output = Result<StreamsPage, Error>> + Send;

    /// Lists the shards of a stream, all or only the children of `parent` (some servers ignore it).
    fn describe(
        &self,
        stream_arn: &str,
        parent: Option<&str>,
        after_shard: Option<&str>,
    ) -> impl Future<Output = Result<ShardsPage, Error>> + Send;

    /// Opens a shard at a position; returns an iterator.
    fn open(
        &self,
        shard: &ShardKey,
        at: OpenAt<'_>,
    ) -> impl Future<Output = Result<String, Error>> + Send;

    /// Reads the records after the iterator.
    fn read(
        &self,
        shard: &ShardKey,
        iterator: &str,
        limit: i32,
    ) -> impl Future<Output = Result<RecordsPage, Error>> + Send;
}

/// Where to open a shard. There is no `LATEST`: an iterator that expires before its first read would lose its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenAt<'a> {
    TrimHorizon,
    After(&'a str),
}

/// A page of a table's streams.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamsPage {
    pub(crate) arns: Vec<String>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<String>,
}

/// A page of a stream's shards.
#[derive(Clone, Debug)]
pub(crate) struct ShardsPage {
    /// Whether the stream is enabled: a disabled stream gets no further shards.
    pub(crate) enabled: bool,
    pub(crate) shards: Vec<ListedShard>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<String>,
}

/// A shard as the service lists it. Its ending sequence number is not read, since some servers give one to open shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedShard {
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) first_sequence_number: Option<String>,
}

/// A page of a shard's records.
#[derive(Clone, Debug)]
pub(crate) struct RecordsPage {
    pub(crate) records: Vec<Record>,
    /// The next iterator; none at the end of the shard, and only there.
    pub(crate) next: Option<String>,
}
