//! Shards that wait for a parent that nobody has seen.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::source::ListedShard;

/// How long a shard waits for a parent that nobody has seen: listings may show a child first.
const UNSEEN_PARENT: Duration = Duration::from_secs(300);

/// Shards that wait for a parent that nobody has seen, each since when.
#[derive(Debug, Default)]
pub(crate) struct Unseen(Mutex<BTreeMap<String, Instant>>);

impl Unseen {
    pub(crate) fn given_up(&self, shard_id: &str) -> bool {
        let since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since
            .get(shard_id)
            .is_some_and(|since| since.elapsed() >= UNSEEN_PARENT)
    }

    pub(crate) fn wait_for(&self, early: &[ListedShard]) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for shard in early {
            since.entry(shard.id.clone()).or_insert_with(Instant::now);
        }
    }
}
