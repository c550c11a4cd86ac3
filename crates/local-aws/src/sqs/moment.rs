use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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

/// The time of the queues: timestamps of the system's clock, durations of the monotonic clock.
///
/// Timestamps outlive the process, so they are wall-clock times. A clock that is set back changes no duration: the time goes on from the latest
/// reading at its own pace. A clock that is set forward, or a machine that wakes up, is followed at once.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// The time when the monotonic clock stood at `since`.
    base: Moment,
    since: Duration,
}

impl Clock {
    /// Starts at the system's time, and not before `latest`, the latest timestamp that is stored: the clock may have been set back meanwhile.
    pub(crate) fn starting_after(latest: Moment) -> Self {
        Self {
            started: Instant::now(),
            base: latest,
            since: Duration::ZERO,
        }
    }

    pub(crate) fn now(&mut self) -> Moment {
        let running = self.started.elapsed();
        self.read(wall(), running)
    }

    fn read(&mut self, wall: Moment, running: Duration) -> Moment {
        let elapsed = running.saturating_sub(self.since).as_millis();
        let now = self
            .base
            .plus_millis(u64::try_from(elapsed).unwrap_or(u64::MAX));
        if wall > now {
            (self.base, self.since) = (wall, running);
            return wall;
        }
        now
    }
}

fn wall() -> Moment {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = elapsed.map_or(0, |elapsed| elapsed.as_millis());
    Moment(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(base: u64) -> Clock {
        Clock {
            started: Instant::now(),
            base: Moment(base),
            since: Duration::ZERO,
        }
    }

    #[test]
    fn a_clock_that_is_set_back_stops_no_duration() {
        let mut clock = clock(0);
        let mut read = |wall, running| {
            let running = Duration::from_millis(running);
            clock.read(Moment(wall), running).millis()
        };
        assert_eq!(read(1_000_000, 10), 1_000_000);
        // Set back by 900 s, and running on from there.
        assert_eq!(read(100_000, 20), 1_000_010);
        assert_eq!(read(105_000, 5_020), 1_005_010);
        // Set forward beyond it.
        assert_eq!(read(2_000_000, 5_030), 2_000_000);
        assert_eq!(read(2_000_500, 5_530), 2_000_500);
        // Set back once more.
        assert_eq!(read(0, 6_030), 2_001_000);
    }

    #[test]
    fn a_clock_that_was_set_back_between_two_runs_goes_on_from_what_is_stored() {
        let mut clock = clock(1_000_000);
        let at = |running| Duration::from_millis(running);
        assert_eq!(clock.read(Moment(500_000), at(0)).millis(), 1_000_000);
        assert_eq!(clock.read(Moment(530_000), at(30_000)).millis(), 1_030_000);
    }
}
