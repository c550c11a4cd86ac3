//! When to ask the queue for more, and for how many.

use std::time::Instant;

use crate::queue::ENTRIES_AT_MOST;
use crate::settings::Settings;

#[derive(Debug, Default)]
pub(super) struct Polls {
    in_flight: usize,
    reserved: usize,
    /// Whether the last receive brought at least half of what it asked for: more is waiting, most likely.
    plenty: bool,
    failures: u32,
    not_before: Option<Instant>,
    /// Since when there are free permits that no receive has reserved.
    spare_since: Option<Instant>,
    wake_at: Option<Instant>,
}

impl Polls {
    /// Decides whether to send a receive now that so many messages could be taken in, and for how many; reserves them.
    ///
    /// Ten free permits are worth a request, or half of all if those are few. Fewer wait for others, but not for long:
    /// a permit must neither cost a request of its own nor idle until the slowest of a batch is finished.
    pub(super) fn next(&mut self, settings: &Settings, free: usize, now: Instant) -> Option<usize> {
        self.wake_at = None;
        if free == 0 {
            self.spare_since = None;
            return None;
        }
        let patient_until = *self.spare_since.get_or_insert(now) + settings.refill_linger;
        let allowed = if self.plenty {
            settings.receives_in_flight
        } else {
            1
        };
        if self.in_flight >= allowed {
            return None;
        }
        let worthwhile = ENTRIES_AT_MOST.min(settings.concurrency.div_ceil(2));
        let patience = (free < worthwhile).then_some(patient_until);
        if let Some(later) = self.not_before.max(patience).filter(|later| now < *later) {
            self.wake_at = Some(later);
            return None;
        }
        let at_most = free.min(ENTRIES_AT_MOST);
        self.in_flight += 1;
        self.reserved += at_most;
        self.spare_since = None;
        self.not_before = None;
        Some(at_most)
    }

    pub(super) fn answered(&mut self, reserved: usize, brought: usize) {
        self.ended(reserved);
        self.plenty = brought * 2 >= reserved;
        self.failures = 0;
    }

    /// Notes a failed receive and returns how many have failed in a row.
    pub(super) fn failed(&mut self, reserved: usize) -> u32 {
        self.ended(reserved);
        self.plenty = false;
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

    pub(super) fn plenty(&self) -> bool {
        self.plenty
    }

    /// Returns when a receive may be sent if nothing happens before, as far as [`next`](Self::next) knew.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn settings(concurrency: usize) -> Settings {
        Settings {
            concurrency,
            receives_in_flight: 3,
            refill_linger: Duration::from_millis(50),
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
