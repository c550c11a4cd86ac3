//! The digest of a shard's state, for the model.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::Shard;

impl Shard {
    /// Digests all that decides what comes next while time stands still, no record fails and nothing is trimmed: not the moments, the
    /// figures, and how many records were read before those that are left.
    pub(crate) fn digest(&self) -> u64 {
        let Self {
            settings: _,
            reader,
            queues,
            watermark,
            parking: _,
            to_park,
            writing,
            write_due: _,
            stop,
            bytes_since_checkpoint: _,
            checkpointed_at: _,
            written: _,
            exit,
        } = self;
        assert!(to_park.is_empty(), "no record fails");
        let first = watermark.head().map_or(0, |(first, _)| first);
        let mut hasher = DefaultHasher::new();
        reader.outline().hash(&mut hasher);
        watermark.outline().hash(&mut hasher);
        queues.outline(first).hash(&mut hasher);
        let writing = writing.as_ref().map(|write| &write.0);
        let stop = stop.as_ref().map(|stop| &stop.handover_to);
        (writing, stop, exit.is_some()).hash(&mut hasher);
        hasher.finish()
    }
}
