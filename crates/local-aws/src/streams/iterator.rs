//! Shard iterators: a position in a shard and its time of issue, opaque to the client.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// A position between two records of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShardIterator {
    pub(super) shard_id: String,
    /// The stored number of the last record that was read or skipped.
    pub(super) position: i64,
    /// When it was issued, in milliseconds since the epoch.
    pub(super) issued_ms: i64,
}

impl ShardIterator {
    pub(super) fn encode(&self) -> String {
        let Self {
            shard_id,
            position,
            issued_ms,
        } = self;
        BASE64_URL_SAFE_NO_PAD.encode(format!("1 {issued_ms} {position} {shard_id}"))
    }

    /// Decodes an iterator of [`encode`](Self::encode); `None` for anything else.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let plain = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = plain.splitn(4, ' ');
        if parts.next()? != "1" {
            return None;
        }
        let issued_ms = parts.next()?.parse().ok()?;
        let position = parts.next()?.parse().ok()?;
        let shard_id = parts.next()?.to_owned();
        Some(Self {
            shard_id,
            position,
            issued_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ShardIterator;

    #[test]
    fn an_iterator_reads_back_as_it_was_written() {
        let iterator = ShardIterator {
            shard_id: "shardId-00000001790000000000-00c0ffee".into(),
            position: 1_790_000_000_000_000,
            issued_ms: 1_790_000_000_123,
        };
        let text = iterator.encode();
        assert_eq!(ShardIterator::decode(&text), Some(iterator));
    }

    #[test]
    fn anything_else_is_no_iterator() {
        for text in ["", "nonsense", "MSAyIDM", "MiAxIDIgc2hhcmQ", "%%%"] {
            assert_eq!(ShardIterator::decode(text), None, "{text}");
        }
    }
}
