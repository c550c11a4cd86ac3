//! The clocks of one simulated process.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::TimeSource;
use tokio::time::Instant;

use crate::aws::EPOCH_MILLIS;

/// A process's view of time: its runtime's own monotonic clock, and a wall clock that may be wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProcessClock(Arc<Mutex<Reading>>);

#[derive(Debug, Default)]
struct Reading {
    /// The runtime's clock at the process's start, and what the world's showed.
    start: Option<(Instant, Duration)>,
    skew_seconds: i64,
}

impl ProcessClock {
    /// Begins at the runtime's now, which is so long after the world's start.
    pub(crate) fn begin(&self, at: Duration) {
        self.reading().start = Some((Instant::now(), at));
    }

    /// How long after the world's start it is by this process's clock.
    pub(crate) fn since_start(&self) -> Duration {
        match self.reading().start {
            Some((start, at)) => at + start.elapsed(),
            None => Duration::ZERO,
        }
    }

    /// The runtime's instant at which so much time has passed in the world.
    pub(crate) fn instant(&self, since_start: Duration) -> Instant {
        let (start, at) = self.reading().start.expect("the process has begun");
        start + since_start.saturating_sub(at)
    }

    /// Makes the wall clock wrong by so much.
    pub(crate) fn skew(&self, seconds: i64) {
        self.reading().skew_seconds = seconds;
    }

    /// What this process takes for the time of day.
    pub(crate) fn wall(&self) -> SystemTime {
        let right = UNIX_EPOCH + Duration::from_millis(EPOCH_MILLIS) + self.since_start();
        let skew = self.reading().skew_seconds;
        let by = Duration::from_secs(skew.unsigned_abs());
        if skew < 0 { right - by } else { right + by }
    }

    fn reading(&self) -> std::sync::MutexGuard<'_, Reading> {
        self.0.lock().expect("nothing panics over a clock")
    }
}

impl TimeSource for ProcessClock {
    fn now(&self) -> SystemTime {
        self.wall()
    }
}
