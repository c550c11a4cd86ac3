use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dynoxide::storage_backend::Clock;

/// What the wall clock shows when the services start: 2026-01-05T09:00:00Z, in milliseconds since the Unix epoch.
pub(crate) const EPOCH_MILLIS: u64 = 1_767_603_600_000;

/// The services' wall clock: it stands still until the simulation sets it. Clones are one clock.
#[derive(Clone, Debug, Default)]
pub(super) struct WallClock {
    millis_since_start: Arc<AtomicU64>,
}

impl WallClock {
    /// Lets so much time have passed since the start; it never goes back.
    pub(super) fn set(&self, since_start: Duration) {
        let millis =
            u64::try_from(since_start.as_millis()).expect("less than half a billion years");
        self.millis_since_start.fetch_max(millis, Ordering::Relaxed);
    }

    pub(super) fn now_millis(&self) -> u64 {
        EPOCH_MILLIS + self.millis_since_start.load(Ordering::Relaxed)
    }

    /// How long after the start this clock shows so many milliseconds.
    pub(super) fn since_start(millis: u64) -> Duration {
        Duration::from_millis(millis.saturating_sub(EPOCH_MILLIS))
    }
}

impl Clock for WallClock {
    fn now_unix_secs(&self) -> u64 {
        self.now_millis() / 1_000
    }

    fn now_unix_secs_f64(&self) -> f64 {
        Duration::from_millis(self.now_millis()).as_secs_f64()
    }
}
