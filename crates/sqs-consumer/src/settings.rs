//! The consumer's settings: each with its unit, its default and the reason for it.

use std::time::Duration;

use crate::error::Error;
use crate::retry::RetryPolicy;

/// The longest visibility that SQS grants, counted from the receipt of a message: 12 hours.
pub const LONGEST_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);

/// How a consumer behaves. Checked by [`ConsumerBuilder::build`](crate::ConsumerBuilder::build).
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How many handlers run at once. Default 50: handlers that wait for I/O, on a small machine. Receives come in tens
    /// from 20 upwards, below that in halves of this number.
    pub concurrency: usize,
    /// How many handlers run at once for one message group of a standard queue. Default `None`, no limit but
    /// `concurrency`: fair queues already share out what is received. On a FIFO queue it is always 1.
    pub per_group: Option<usize>,
    /// How many messages are held at once: running, waiting for their group, or waiting to be settled. Default 500: memory
    /// is bounded by this times the largest message (1 MiB).
    pub held_messages: usize,
    /// How many receive requests may be under way at once while the queue hands out full batches. Default 4: at 10 ms a
    /// request that is 4,000 messages a second. An idle queue is polled by one.
    pub receives_in_flight: usize,
    /// How long a receive waits for a message, in whole seconds up to 20. Default 20 s: the fewest empty receives.
    pub wait: Duration,
    /// How long a free permit waits for others, so that one receive fills several. Default 50 ms: at full load ten come
    /// free sooner, else it is the most that a permit idles.
    pub refill_linger: Duration,
    /// How long a message stays hidden from others, in whole seconds; extended at half of it while the message is held.
    /// Default 30 s: what a crash delays a message by, at one extension a 15 s of handler time.
    pub visibility: Duration,
    /// How long a message is held at most; then its lease is let go and its handler told to stop. Default (and most) 12 h,
    /// the cap of SQS. A smaller value bounds a handler that hangs.
    pub longest_hold: Duration,
    /// How long a request may take, beyond the wait of a receive. Default 5 s: two tries fit before a lease ends.
    pub request_timeout: Duration,
    /// How long a delete or a visibility change waits for others to share its request. Default 100 ms: at 100 messages a
    /// second a batch is full.
    pub settle_linger: Duration,
    /// When failed messages come back, and when they don't any more.
    pub retry: RetryPolicy,
    /// How long a drain takes at most. Default 25 s: containers are killed 30 s after the signal. It must leave time for
    /// the poll in flight (`wait`) and for giving back what that brings (`request_timeout`).
    pub grace: Duration,
    /// How long before the end of `grace` handlers are told to stop; half of it later they are dropped and their messages
    /// given back. Default 4 s.
    pub notice: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 50,
            per_group: None,
            held_messages: 500,
            receives_in_flight: 4,
            wait: Duration::from_secs(20),
            refill_linger: Duration::from_millis(50),
            visibility: Duration::from_secs(30),
            longest_hold: LONGEST_VISIBILITY,
            request_timeout: Duration::from_secs(5),
            settle_linger: Duration::from_millis(100),
            retry: RetryPolicy::default(),
            grace: Duration::from_secs(25),
            notice: Duration::from_secs(4),
        }
    }
}

impl Settings {
    /// Refuses the first setting that can't work.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let rules = self
            .intake_rules()
            .into_iter()
            .chain(self.time_rules())
            .chain(self.end_rules());
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            None => Ok(()),
            Some((setting, _, rule)) => Err(Error::Setting { setting, rule }),
        }
    }

    fn intake_rules(&self) -> [Rule; 6] {
        let concurrency = (1..=100_000).contains(&self.concurrency);
        let receives = (1..=100).contains(&self.receives_in_flight);
        let wait = is_whole(self.wait) && self.wait <= Duration::from_secs(20);
        [
            ("concurrency", concurrency, "must be 1 to 100,000"),
            ("per_group", self.per_group != Some(0), "must be at least 1"),
            (
                "held_messages",
                self.held_messages >= self.concurrency,
                "must be at least concurrency",
            ),
            ("receives_in_flight", receives, "must be 1 to 100"),
            ("wait", wait, "must be whole seconds, 0 to 20"),
            (
                "refill_linger",
                self.refill_linger <= Duration::from_secs(10),
                "must be at most 10 s",
            ),
        ]
    }

    fn time_rules(&self) -> [Rule; 4] {
        let at_least = Duration::from_secs(1).max(self.request_timeout.saturating_mul(3));
        let visibility = is_whole(self.visibility) && self.visibility >= at_least;
        let hold = (self.visibility..=LONGEST_VISIBILITY).contains(&self.longest_hold);
        let linger = self.settle_linger <= self.visibility / 4;
        [
            (
                "request_timeout",
                !self.request_timeout.is_zero(),
                "must be more than zero",
            ),
            (
                "visibility",
                visibility,
                "must be whole seconds, at least 1 s and three times request_timeout",
            ),
            ("longest_hold", hold, "must be between visibility and 12 h"),
            (
                "settle_linger",
                linger,
                "must be at most a quarter of visibility",
            ),
        ]
    }

    fn end_rules(&self) -> [Rule; 4] {
        let RetryPolicy {
            first,
            longest,
            attempts_at_most,
            ..
        } = self.retry;
        let delays = first <= longest && longest <= LONGEST_VISIBILITY;
        let grace = self.grace >= self.wait + self.request_timeout;
        [
            ("retry", delays, "delays must grow, up to 12 h"),
            ("retry", attempts_at_most >= 1, "must allow an attempt"),
            (
                "notice",
                self.notice < self.grace,
                "must be less than grace",
            ),
            (
                "grace",
                grace,
                "must be at least wait plus request_timeout, or a drain strands what the last poll brings",
            ),
        ]
    }
}

/// A setting, whether it can work, and what it must be.
type Rule = (&'static str, bool, &'static str);

fn is_whole(seconds: Duration) -> bool {
    seconds.subsec_nanos() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, change: impl FnOnce(&mut Settings)) {
        let mut settings = Settings::default();
        change(&mut settings);
        match settings.check() {
            Err(Error::Setting { setting, .. }) => assert_eq!(setting, expected),
            other => panic!("expected {expected} to be refused, got {other:?}"),
        }
    }

    #[test]
    fn the_defaults_are_sound() {
        Settings::default().check().unwrap();
    }

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        check("concurrency", |s| s.concurrency = 0);
        check("per_group", |s| s.per_group = Some(0));
        check("held_messages", |s| s.held_messages = 10);
        check("receives_in_flight", |s| s.receives_in_flight = 0);
        check("wait", |s| s.wait = Duration::from_millis(1_500));
        check("wait", |s| s.wait = Duration::from_secs(21));
        check("visibility", |s| s.visibility = Duration::from_secs(10));
        check("visibility", |s| {
            s.visibility = Duration::from_millis(30_500)
        });
        check("longest_hold", |s| {
            s.longest_hold = Duration::from_secs(13 * 3_600)
        });
        check("settle_linger", |s| {
            s.settle_linger = Duration::from_secs(8)
        });
        check("retry", |s| s.retry.attempts_at_most = 0);
        check("retry", |s| s.retry.first = Duration::from_secs(10_000));
        check("notice", |s| s.notice = s.grace);
    }

    #[test]
    fn a_grace_that_would_strand_the_poll_in_flight_is_refused() {
        check("grace", |s| s.grace = Duration::from_secs(20));
    }
}
