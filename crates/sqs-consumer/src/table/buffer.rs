//! Messages that wait to share a request.

use std::time::Instant;

use super::event::Key;
use crate::queue::MAX_BATCH_ENTRIES;

/// Collects keys until ten can share a request or the first has waited long enough.
#[derive(Debug, Default)]
pub(super) struct Buffer(Vec<Pending>);

#[derive(Debug, Clone, Copy)]
struct Pending {
    key: Key,
    /// Not to be sent before.
    from: Instant,
    /// To be sent then at the latest.
    due: Instant,
}

impl Buffer {
    /// Adds a message that may be sent from `from` on and is due at `due`.
    pub(super) fn push(&mut self, key: Key, from: Instant, due: Instant) {
        self.0.push(Pending {
            key,
            from,
            due: due.max(from),
        });
    }

    /// Removes the next batch, oldest first: one that is full or due, or if `urgent` whatever may be sent.
    pub(super) fn take(&mut self, now: Instant, urgent: bool) -> Option<Vec<Key>> {
        let sendable = self.0.iter().filter(|pending| pending.from <= now);
        let (count, due) = sendable.fold((0, false), |(n, due), pending| {
            (n + 1, due || pending.due <= now)
        });
        if count == 0 || !(urgent || due || count >= MAX_BATCH_ENTRIES) {
            return None;
        }
        let mut batch = Vec::with_capacity(MAX_BATCH_ENTRIES.min(count));
        self.0.retain(|pending| {
            let take = pending.from <= now && batch.len() < MAX_BATCH_ENTRIES;
            if take {
                batch.push(pending.key);
            }
            !take
        });
        Some(batch)
    }

    /// Returns when the next batch is due.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.0.iter().map(|pending| pending.due).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LINGER: Duration = Duration::from_millis(100);

    #[test]
    fn a_full_batch_goes_at_once_and_the_rest_when_its_oldest_is_due() {
        let start = Instant::now();
        let mut buffer = Buffer::default();
        for key in 0..13 {
            buffer.push(key, start, start + LINGER);
        }
        assert_eq!(buffer.take(start, false), Some((0..10).collect()));
        assert_eq!(buffer.take(start, false), None);
        assert_eq!(buffer.wake_at(), Some(start + LINGER));
        assert_eq!(buffer.take(start + LINGER, false), Some(vec![10, 11, 12]));
        assert_eq!(
            (buffer.take(start + LINGER, true), buffer.wake_at()),
            (None, None)
        );
    }

    #[test]
    fn an_urgent_batch_does_not_wait_but_a_pause_is_kept() {
        let start = Instant::now();
        let mut buffer = Buffer::default();
        buffer.push(1, start, start + LINGER);
        buffer.push(2, start + LINGER, start + LINGER);
        assert_eq!(buffer.take(start, true), Some(vec![1]));
        assert_eq!(buffer.take(start, true), None);
        assert_eq!(buffer.take(start + LINGER, true), Some(vec![2]));
    }
}
