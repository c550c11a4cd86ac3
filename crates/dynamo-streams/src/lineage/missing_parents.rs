//! Shards that wait for their parent to be listed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::source::ListedShard;

/// How long a shard waits for its parent to be listed: listings may show a child first.
const MISSING_PARENT: Duration = Duration::from_secs(300);

/// Shards that wait for their parent to be listed, each with the start of its wait.
#[derive(Debug, Default)]
pub(crate) struct MissingParents(Mutex<BTreeMap<String, Instant>>);

impl MissingParents {
    pub(crate) fn timed_out(&self, shard_id: &str) -> bool {
        let since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since
            .get(shard_id)
            .is_some_and(|since| since.elapsed() >= MISSING_PARENT)
    }

    pub(crate) fn wait_for(&self, waiting: &[ListedShard]) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for shard in waiting {
            since.entry(shard.id.clone()).or_insert_with(Instant::now);
        }
    }
}
