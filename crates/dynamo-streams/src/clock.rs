//! The time of day.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// The time of day: for ages, timestamps and the start of a stream, never for deciding which worker is alive.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl WallClock {
    /// Makes a clock of a function, for a simulation.
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Returns the time of day.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

/// The clock of the operating system.
impl Default for WallClock {
    fn default() -> Self {
        Self::from_fn(|| SystemTime::now().into())
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallClock")
    }
}
