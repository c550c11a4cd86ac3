use std::time::Duration;

/// How long the things take that AWS does by the clock; the default is AWS's own where it has one.
///
/// A test of a consumer makes shards close, iterators expire or records go within seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// How often expired items, records and request tokens are removed and shards replaced; a minute.
    pub upkeep_every: Duration,
    /// How long a shard stays open before a child takes over; four hours.
    pub shard_life: Duration,
    /// How long a stream keeps its records, and a closed shard or stream its description; 24 hours.
    pub stream_retention: Duration,
    /// How long a shard iterator can be used; 15 minutes.
    pub iterator_life: Duration,
    /// How long a client request token stands for its transaction; ten minutes.
    pub token_life: Duration,
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
        }
    }
}
