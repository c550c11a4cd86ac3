use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynoxide::storage_backend::Clock;
use tokio::time::Instant;

/// What the wall clock shows when the services start: 2026-01-05T09:00:00Z, in milliseconds since the Unix epoch.
pub(crate) const EPOCH_MILLIS: u64 = 1_767_603_600_000;

/// A wall clock that goes as tokio's does.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallClock {
    start: Instant,
}

impl WallClock {
    pub(super) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub(super) fn now_millis(self) -> u64 {
        let passed = self.start.elapsed().as_millis();
        EPOCH_MILLIS + u64::try_from(passed).expect("a simulation lasts less than an eternity")
    }

    pub(super) fn now(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(EPOCH_MILLIS) + self.start.elapsed()
    }

    /// When this clock shows so many milliseconds.
    pub(super) fn instant(self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis.saturating_sub(EPOCH_MILLIS))
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
