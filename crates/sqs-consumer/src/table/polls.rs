//! When to send a receive, and for how many messages.

use std::time::{Duration, Instant};

use crate::queue::MAX_BATCH_ENTRIES;
use crate::settings::Settings;

/// The least time between an empty receive and the next one.
const EMPTY_RECEIVES_APART: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Polls {
    in_flight: usize,
    reserved: usize,
    /// Whether the last receive returned at least half of the messages that it asked for, so that more are likely to wait.
    backlog: bool,
    failures: u32,
    not_before: Option<Instant>,
    last_sent: Option<Instant>,
    /// Since when handlers are free that no receive has reserved.
    spare_since: Option<Instant>,
    wake_at: Option<Instant>,
}

impl Polls {
    /// Decides whether to send a receive while `free` handlers are free. Returns for how many messages, and reserves that many handlers.
    ///
    /// Ten free handlers, or half of a small `concurrency`, are worth a request at once. Fewer wait for others up to `receive_linger`: one
    /// free handler should neither cost a request of its own nor idle until the slowest handler of a batch ends.
    pub(super) fn next(&mut self, settings: &Settings, free: usize, now: Instant) -> Option<usize> {
        self.wake_at = None;
        if free == 0 {
            self.spare_since = None;
            return None;
        }
        let linger_until = *self.spare_since.get_or_insert(now) + settings.receive_linger;
        let allowed = if self.backlog {
            settings.max_concurrent_receives
        } else {
            1
        };
        if self.in_flight >= allowed {
            return None;
        }
        let worthwhile = MAX_BATCH_ENTRIES.min(settings.concurrency.div_ceil(2));
        let linger = (free < worthwhile).then_some(linger_until);
        if let Some(later) = self.not_before.max(linger).filter(|later| now < *later) {
            self.wake_at = Some(later);
            return None;
        }
        let max_messages = free.min(MAX_BATCH_ENTRIES);
        self.in_flight += 1;
        self.reserved += max_messages;
        self.spare_since = None;
        self.not_before = None;
        self.last_sent = Some(now);
        Some(max_messages)
    }

    pub(super) fn answered(&mut self, reserved: usize, returned: usize) {
        self.ended(reserved);
        self.backlog = returned * 2 >= reserved;
        self.failures = 0;
        if returned == 0 {
            // An idle queue is not polled as fast as it answers.
            self.not_before = self.last_sent.map(|sent| sent + EMPTY_RECEIVES_APART);
        }
    }

    /// Counts a failed receive and returns the number of failures in a row.
    pub(super) fn failed(&mut self, reserved: usize) -> u32 {
        self.ended(reserved);
        self.backlog = false;
        self.failures = self.failures.saturating_add(1);
        self.failures
    }

    pub(super) fn pause_until(&mut self, at: Instant) {
        self.not_before = Some(at);
    }

    fn ended(&mut self, reserved: usize) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.reserved = self.reserved.saturating_sub(reserved);
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn reserved(&self) -> usize {
        self.reserved
    }

    /// Returns when the next receive may be sent, as of the last [`next`](Self::next).
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(concurrency: usize) -> Settings {
        Settings {
            concurrency,
            max_concurrent_receives: 3,
            receive_linger: Duration::from_millis(50),
            ..Settings::default()
        }
    }

    #[test]
    fn ten_free_permits_are_worth_a_request_at_once() {
        let now = Instant::now();
        let mut polls = Polls::default();
        assert_eq!(polls.next(&settings(50), 50, now), Some(10));
        assert_eq!(polls.reserved(), 10);
        assert_eq!(
            polls.next(&settings(50), 40, now),
            None,
            "an idle queue is polled by one receive"
        );
    }

    #[test]
    fn while_batches_come_full_several_receives_are_under_way() {
        let now = Instant::now();
        let mut polls = Polls::default();
        polls.next(&settings(50), 50, now);
        polls.answered(10, 10);
        let asked: Vec<_> = (0..4)
            .map_while(|i| polls.next(&settings(50), 40 - i * 10, now))
            .collect();
        assert_eq!(asked, [10, 10, 10]);
        polls.answered(10, 1);
        assert_eq!(polls.next(&settings(50), 40, now), None);
    }

    #[test]
    fn a_single_free_permit_waits_for_others_but_not_for_long() {
        let now = Instant::now();
        let mut polls = Polls::default();
        assert_eq!(polls.next(&settings(50), 1, now), None);
        let later = now + Duration::from_millis(50);
        assert_eq!(polls.wake_at(), Some(later));
        assert_eq!(polls.next(&settings(50), 3, later), Some(3));
    }

    #[test]
    fn an_idle_queue_that_answers_at_once_is_polled_once_a_second() {
        let now = Instant::now();
        let mut polls = Polls::default();
        polls.next(&settings(50), 50, now);
        polls.answered(10, 0);
        assert_eq!(polls.next(&settings(50), 50, now), None);
        let later = now + Duration::from_secs(1);
        assert_eq!(polls.wake_at(), Some(later));
        assert_eq!(polls.next(&settings(50), 50, later), Some(10));
    }

    #[test]
    fn a_small_consumer_asks_as_soon_as_half_of_it_is_free() {
        let now = Instant::now();
        assert_eq!(Polls::default().next(&settings(1), 1, now), Some(1));
        assert_eq!(Polls::default().next(&settings(8), 3, now), None);
        assert_eq!(Polls::default().next(&settings(8), 4, now), Some(4));
    }

    #[test]
    fn nothing_is_asked_while_pausing_after_a_failure() {
        let now = Instant::now();
        let mut polls = Polls::default();
        polls.next(&settings(50), 50, now);
        assert_eq!(polls.failed(10), 1);
        polls.pause_until(now + Duration::from_secs(1));
        assert_eq!(polls.next(&settings(50), 50, now), None);
        assert_eq!(polls.wake_at(), Some(now + Duration::from_secs(1)));
        assert_eq!(
            polls.next(&settings(50), 50, now + Duration::from_secs(1)),
            Some(10)
        );
    }
}
