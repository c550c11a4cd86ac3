//! The digest of a shard's state, for the model.

use super::Shard;

impl Shard {
    /// Digests the state for the model: all that decides what comes next, except the settings and the load.
    pub(crate) fn digest(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let Self {
            settings: _,
            reader,
            queues,
            watermark,
            parking,
            to_park,
            writing,
            write_due,
            stop,
            bytes_since_checkpoint: _,
            checkpointed_at,
            written: _,
            exit,
        } = self;
        let mut hasher = DefaultHasher::new();
        queues.hash(&mut hasher);
        let work = (reader, watermark, parking, to_park);
        let ending = (writing, write_due, stop, checkpointed_at, exit);
        format!("{work:?}{ending:?}").hash(&mut hasher);
        hasher.finish()
    }
}
