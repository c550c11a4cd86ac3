use std::time::Duration;

/// The intervals of what AWS does over time. The defaults are those of AWS where it documents one.
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
    /// How long a connection may be idle, or without the whole head of a request, until it is closed; 30 seconds.
    pub head_timeout: Duration,
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
            head_timeout: Duration::from_secs(30),
        }
    }
}
