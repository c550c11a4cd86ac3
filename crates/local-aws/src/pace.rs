use std::time::Duration;

/// The intervals of what AWS does over time, and its irregularities. The defaults are those of AWS where it documents one.
///
/// Tests of a consumer shorten them, so that shards close, iterators expire or records are trimmed within seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// How often expired items, records and request tokens are removed and shards are replaced; a minute.
    pub upkeep_every: Duration,
    /// How long a shard stays open before a child replaces it; four hours.
    pub shard_life: Duration,
    /// How long a stream keeps its records, and a closed shard or stream its description; 24 hours.
    pub stream_retention: Duration,
    /// How long a shard iterator can be used; 15 minutes.
    pub iterator_life: Duration,
    /// How long a client request token is valid; ten minutes.
    pub token_life: Duration,
    /// How long a new table is not active if DescribeTable is not asked for it; a second.
    pub table_creation: Duration,
    /// Whether DynamoDB does what it does under pressure: transactions conflict, partitions are throttled, reads and entries of indexes are late,
    /// batches are done in part, and shards split; no.
    pub pressure: bool,
    /// Orders what standard queues hand out, which AWS hands out in no order; the same seed gives the same order.
    pub seed: u64,
    /// How long a connection may be idle, or without the whole head of a request, until it is closed; 30 seconds.
    pub head_timeout: Duration,
}

impl Pace {
    /// AWS under pressure, with shards that split every few seconds. The same seed throttles the same partitions at the same times.
    pub fn under_pressure(seed: u64) -> Self {
        Self {
            upkeep_every: Duration::from_millis(500),
            shard_life: Duration::from_secs(3),
            pressure: true,
            seed,
            ..Self::default()
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        const HOUR: u64 = 60 * 60;
        Self {
            upkeep_every: Duration::from_secs(60),
            shard_life: Duration::from_secs(4 * HOUR),
            stream_retention: Duration::from_secs(24 * HOUR),
            iterator_life: Duration::from_secs(15 * 60),
            token_life: Duration::from_secs(10 * 60),
            table_creation: Duration::from_secs(1),
            pressure: false,
            seed: 0,
            head_timeout: Duration::from_secs(30),
        }
    }
}
