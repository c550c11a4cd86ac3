//! The time as people see it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// Tells the time of day: for ages, stamps and the start of a stream, never for judging who is alive.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl WallClock {
    /// Asks a function, as a simulation needs it.
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
