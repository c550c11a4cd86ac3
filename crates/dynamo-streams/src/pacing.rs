//! When to read a shard again.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Empty pages in a row after which reads become rarer. An empty page does not mean that the reader has caught up.
const EMPTY_PAGES: u32 = 8;
/// The most reads of a shard in a second, a limit of the service.
const READS_A_SECOND: u32 = 5;
/// The longest delay after failures in a row.
const MAX_FAILURE_DELAY: Duration = Duration::from_secs(10);

/// The size of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageSize {
    pub(crate) records: usize,
    pub(crate) bytes: u64,
}

/// The pace of the reads of one shard.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    floor: Duration,
    idle: Duration,
    full_page: usize,
    empty: u32,
    failures: u32,
    /// When the last reads of a backlog were requested, the oldest first.
    requests: VecDeque<Instant>,
}

impl Pace {
    pub(crate) fn new(floor: Duration, idle: Duration, max_records_per_read: i32) -> Self {
        Self {
            floor,
            idle,
            full_page: usize::try_from(max_records_per_read).unwrap_or(usize::MAX),
            empty: 0,
            failures: 0,
            requests: VecDeque::new(),
        }
    }

    /// When to read again after a page that was requested at `requested_at`. A full page means a backlog: the next read follows at once. So it
    /// does behind a page whose records are all old (`is_old`), as often as the service allows. Otherwise the interval is counted from the
    /// request, not from its response.
    pub(crate) fn after_page(
        &mut self,
        page: PageSize,
        is_old: bool,
        requested_at: Instant,
        now: Instant,
    ) -> Instant {
        self.failures = 0;
        if is_old || !self.requests.is_empty() {
            self.requests.push_back(requested_at);
        }
        if self.requests.len() > READS_A_SECOND as usize {
            self.requests.pop_front();
        }
        if page.records == 0 {
            self.empty = self.empty.saturating_add(1);
        } else {
            self.empty = 0;
        }
        // A page ends at its number of records or at one megabyte.
        if page.records >= self.full_page || page.bytes >= 900_000 {
            return now;
        }
        let doublings = self.empty.saturating_sub(EMPTY_PAGES).min(16);
        let wait = self.floor.saturating_mul(1 << doublings).min(self.idle);
        let (paced, allowed) = (requested_at + wait, self.allowed(now));
        // A service that is polled more often has no such limit.
        let keeps_limit = self.floor * READS_A_SECOND >= Duration::from_secs(1);
        let due = match (is_old, keeps_limit) {
            (true, true) => allowed,
            (true, false) => paced.min(allowed),
            (false, _) => paced.max(allowed),
        };
        if !is_old {
            self.requests.clear();
        }
        due.max(now)
    }

    /// When the service allows the next read.
    fn allowed(&self, now: Instant) -> Instant {
        let is_limited = self.requests.len() == READS_A_SECOND as usize;
        let first = self.requests.front().filter(|_| is_limited);
        first.map_or(now, |first| *first + Duration::from_secs(1))
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

    impl Pace {
        fn after(&mut self, records: usize, bytes: u64, sent: Instant, now: Instant) -> Instant {
            self.after_page(PageSize { records, bytes }, false, sent, now)
        }
    }

    fn pace() -> (Pace, Instant) {
        (Pace::new(FLOOR, IDLE, 1_000), Instant::now())
    }

    #[test]
    fn a_full_page_is_followed_at_once() {
        let (mut pace, now) = pace();
        assert_eq!(pace.after(1_000, 0, now, now), now);
        assert_eq!(pace.after(12, 1_000_000, now, now), now);
        assert_eq!(pace.after(12, 5_000, now, now), now + FLOOR);
    }

    #[test]
    fn a_short_page_of_old_records_is_followed_at_once_as_often_as_the_service_allows() {
        let (mut pace, began) = pace();
        let (records, bytes, step) = (12, 5_000, Duration::from_millis(10));
        let (mut sent, mut now) = (Vec::new(), began);
        for _ in 0..23 {
            sent.push(now);
            let answered = now + step;
            now = pace.after_page(PageSize { records, bytes }, true, now, answered);
        }
        assert_eq!(sent[4], began + step * 4, "at once");
        for window in sent.windows(6) {
            let took = window[5] - window[0];
            assert!(took >= Duration::from_secs(1), "{took:?}");
        }
        assert!(now - began < FLOOR * 23, "it is never slower for it");
    }

    #[test]
    fn the_floor_is_counted_from_the_request() {
        let (mut pace, now) = pace();
        let answered = now + Duration::from_millis(100);
        assert_eq!(pace.after(1, 10, now, answered), now + FLOOR);
        let late = now + FLOOR * 2;
        assert_eq!(pace.after(1, 10, now, late), late);
    }

    #[test]
    fn only_a_long_row_of_empty_pages_slows_the_reads_and_one_record_ends_that() {
        let (mut pace, now) = pace();
        for _ in 0..EMPTY_PAGES {
            assert_eq!(pace.after(0, 0, now, now), now + FLOOR);
        }
        assert_eq!(pace.after(0, 0, now, now), now + FLOOR * 2);
        assert_eq!(pace.after(0, 0, now, now), now + IDLE);
        assert_eq!(pace.after(0, 0, now, now), now + IDLE);
        assert_eq!(pace.after(1, 0, now, now), now + FLOOR);
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
        assert_eq!(pace.after(0, 0, now, now), now + FLOOR);
    }
}
