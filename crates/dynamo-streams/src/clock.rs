//! The time of day.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// The time of day: for ages, timestamps and the start of a stream, never for deciding which worker is alive.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl WallClock {
    /// Makes a clock of a function, for a simulation.
    pub fn from_fn(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Returns the time of day.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        (self.0)()
    }

    pub(crate) fn utc(&self) -> DateTime<Utc> {
        self.now().into()
    }
}

/// The clock of the operating system.
impl Default for WallClock {
    fn default() -> Self {
        Self::from_fn(SystemTime::now)
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallClock")
    }
}
