//! When to read a shard again.

use std::time::Duration;

use tokio::time::Instant;

/// Empty pages in a row after which reads become rarer. An empty page does not mean that the reader has caught up.
const EMPTY_PAGES: u32 = 8;
/// The longest delay after failures in a row.
const MAX_FAILURE_DELAY: Duration = Duration::from_secs(10);

/// The pace of the reads of one shard.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    floor: Duration,
    idle: Duration,
    full_page: usize,
    empty: u32,
    failures: u32,
}

impl Pace {
    pub(crate) fn new(floor: Duration, idle: Duration, max_records_per_read: i32) -> Self {
        Self {
            floor,
            idle,
            full_page: usize::try_from(max_records_per_read).unwrap_or(usize::MAX),
            empty: 0,
            failures: 0,
        }
    }

    /// When to read again after a page that was requested at `requested_at`. A full page means a backlog: the next read follows at once.
    /// Otherwise the interval is counted from the request, not from its response.
    pub(crate) fn after_page(
        &mut self,
        records: usize,
        bytes: u64,
        requested_at: Instant,
        now: Instant,
    ) -> Instant {
        self.failures = 0;
        if records == 0 {
            self.empty = self.empty.saturating_add(1);
        } else {
            self.empty = 0;
        }
        // A page ends at its number of records or at one megabyte.
        if records >= self.full_page || bytes >= 900_000 {
            return now;
        }
        let doublings = self.empty.saturating_sub(EMPTY_PAGES).min(16);
        let wait = self.floor.saturating_mul(1 << doublings).min(self.idle);
        (requested_at + wait).max(now)
    }

    /// When to retry after a failure; `chance` is in 0..1 and spreads the workers.
    pub(crate) fn after_failure(&mut self, chance: f64, now: Instant) -> Instant {
        self.failures = self.failures.saturating_add(1);
        let doublings = self.failures.min(16);
        let wait = self
            .floor
            .saturating_mul(1 << doublings)
            .min(MAX_FAILURE_DELAY.max(self.floor));
        now + wait.mul_f64(1.0 - chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: Duration = Duration::from_millis(250);
    const IDLE: Duration = Duration::from_secs(1);

    fn pace() -> (Pace, Instant) {
        (Pace::new(FLOOR, IDLE, 1_000), Instant::now())
    }

    #[test]
    fn a_full_page_is_followed_at_once() {
        let (mut pace, now) = pace();
        assert_eq!(pace.after_page(1_000, 0, now, now), now);
        assert_eq!(pace.after_page(12, 1_000_000, now, now), now);
        assert_eq!(pace.after_page(12, 5_000, now, now), now + FLOOR);
    }

    #[test]
    fn the_floor_is_counted_from_the_request() {
        let (mut pace, now) = pace();
        let answered = now + Duration::from_millis(100);
        assert_eq!(pace.after_page(1, 10, now, answered), now + FLOOR);
        let late = now + FLOOR * 2;
        assert_eq!(pace.after_page(1, 10, now, late), late);
    }

    #[test]
    fn only_a_long_row_of_empty_pages_slows_the_reads_and_one_record_ends_that() {
        let (mut pace, now) = pace();
        for _ in 0..EMPTY_PAGES {
            assert_eq!(pace.after_page(0, 0, now, now), now + FLOOR);
        }
        assert_eq!(pace.after_page(0, 0, now, now), now + FLOOR * 2);
        assert_eq!(pace.after_page(0, 0, now, now), now + IDLE);
        assert_eq!(pace.after_page(0, 0, now, now), now + IDLE);
        assert_eq!(pace.after_page(1, 0, now, now), now + FLOOR);
    }

    #[test]
    fn failures_in_a_row_are_answered_ever_later_up_to_ten_seconds() {
        let (mut pace, now) = pace();
        assert_eq!(pace.after_failure(0.0, now), now + FLOOR * 2);
        assert_eq!(pace.after_failure(1.0, now), now + FLOOR * 2);
        for _ in 0..20 {
            pace.after_failure(0.0, now);
        }
        assert_eq!(pace.after_failure(0.0, now), now + MAX_FAILURE_DELAY);
        assert_eq!(pace.after_page(0, 0, now, now), now + FLOOR);
    }
}
