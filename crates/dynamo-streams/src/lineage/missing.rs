//! What listings do not show and may show later.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long something may be missing: listings may show a child before its parent, and may miss a stream for a moment.
const PATIENCE: Duration = Duration::from_secs(300);

/// Shards whose parent is not listed and streams that are not found, by id, each with the start of the wait.
#[derive(Debug, Default)]
pub(crate) struct Missing(Mutex<BTreeMap<String, Instant>>);

impl Missing {
    pub(crate) fn timed_out(&self, id: &str) -> bool {
        let waiting = self.waiting();
        let since = waiting.get(id);
        since.is_some_and(|since| since.elapsed() >= PATIENCE)
    }

    pub(crate) fn wait_for(&self, id: &str) {
        let mut waiting = self.waiting();
        waiting.entry(id.to_owned()).or_insert_with(Instant::now);
    }

    /// Ends the wait for something that has been found.
    pub(crate) fn found(&self, id: &str) {
        self.waiting().remove(id);
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
