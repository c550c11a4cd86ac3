//! The digest of a worker's state, and what it may be made to believe, for the model.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::Coordinator;
use crate::lease::liveness::Liveness;
use crate::source::ShardKey;

impl Coordinator {
    /// Digests all that decides what comes next while time stands still, except what the model knows by itself: who is alive, the shards that
    /// are held with their epochs, and the calls in flight, searches for children among them.
    pub(crate) fn digest(&self) -> u64 {
        assert!(self.planned.is_empty(), "the model has fewer shards");
        let mut hasher = DefaultHasher::new();
        (self.heartbeats.is_valid(), self.drain.is_some()).hash(&mut hasher);
        format!("{:?}", self.taking).hash(&mut hasher);
        for (shard, requested) in &self.requested {
            (shard, requested.in_flight, requested.in_view).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Replaces what the worker has seen of the heartbeats.
    pub(crate) fn suppose(&mut self, liveness: Liveness) {
        self.liveness = liveness;
    }

    pub(crate) fn has_requested(&self, shard: &ShardKey) -> bool {
        self.requested.contains_key(shard)
    }
}
