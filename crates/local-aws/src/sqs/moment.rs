use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// An instant in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub(crate) const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as in queue attributes.
    pub(crate) const fn seconds(self) -> u64 {
        self.0 / 1_000
    }

    pub(crate) const fn plus_seconds(self, seconds: u32) -> Self {
        self.plus_millis(seconds as u64 * 1_000)
    }

    pub(crate) const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// The system's clock, made monotonic.
///
/// Timestamps outlive the process, so they are wall-clock times. A visibility timeout must not restart because the clock
/// was set back.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    latest: Moment,
}

impl Clock {
    pub(crate) fn now(&mut self) -> Moment {
        let millis = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_millis());
        let read = Moment(u64::try_from(millis).unwrap_or(u64::MAX));
        self.latest = self.latest.max(read);
        self.latest
    }
}
