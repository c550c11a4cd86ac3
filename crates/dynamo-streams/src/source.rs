//! The port to the streams: what the consumer asks of the service, one page at a time.

mod aws;

use std::fmt;
use std::future::Future;

pub(crate) use aws::AwsSource;

use crate::error::Error;
use crate::record::Record;

/// Names a shard among all streams.
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

/// The calls of DynamoDB Streams.
pub(crate) trait StreamSource: Send + Sync + 'static {
    /// Lists the streams of a table, the disabled ones of the last day included.
    fn list_streams(
        &self,
        table: &str,
        after_arn: Option<&str>,
    ) -> impl Future<Output = Result<StreamsPage, Error>> + Send;

    /// Lists shards: all of the stream, or only those that follow `parent` (which some servers ignore).
    fn describe(
        &self,
        stream_arn: &str,
        parent: Option<&str>,
        after_shard: Option<&str>,
    ) -> impl Future<Output = Result<ShardsPage, Error>> + Send;

    /// Opens a shard at a position; answers with an iterator.
    fn open(
        &self,
        shard: &ShardKey,
        at: OpenAt<'_>,
    ) -> impl Future<Output = Result<String, Error>> + Send;

    /// Reads what follows the iterator.
    fn read(
        &self,
        shard: &ShardKey,
        iterator: &str,
        limit: i32,
    ) -> impl Future<Output = Result<RecordsPage, Error>> + Send;
}

/// Where to open a shard. `LATEST` is missing on purpose: an iterator that expires before its first
/// read would lose its place.
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
    /// Whether the stream still takes records: a disabled stream gets no further shards.
    pub(crate) enabled: bool,
    pub(crate) shards: Vec<ListedShard>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<String>,
}

/// A shard as the service lists it. Its ending sequence number is left out on purpose: some servers
/// give open shards one, so that it proves nothing.
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
