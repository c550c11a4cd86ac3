//! The consumer's settings, each with its unit, its default and the reason for the default.

use std::time::Duration;

use crate::error::Error;
use crate::queue::MAX_VISIBILITY_TIMEOUT;
use crate::retry::RetryPolicy;

/// How a consumer behaves. Checked by [`ConsumerBuilder::build`](crate::ConsumerBuilder::build).
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How many handlers run at once. Default 50: handlers that wait for I/O, on a small machine. From 20 upwards a receive asks for ten
    /// messages, below that for half of this number.
    pub concurrency: usize,
    /// How many handlers run at once for one message group of a standard queue. Default `None`: no limit but `concurrency`, since fair
    /// queues already share out the messages. On a FIFO queue it is always 1.
    pub concurrency_per_group: Option<usize>,
    /// The most messages in flight: running, waiting for their group, or waiting to be settled. Default 500: memory is bounded by this times
    /// the largest message (1 MiB).
    pub max_in_flight_messages: usize,
    /// The most receive requests at once, reached while the queue returns full batches. Default 4: at 10 ms a request that is 4,000 messages
    /// a second. An idle queue is polled by one.
    pub max_concurrent_receives: usize,
    /// How long a receive waits for a message, in whole seconds up to 20. Default 20 s: the fewest empty receives.
    pub wait_time: Duration,
    /// How long a free handler waits for others, so that one receive serves several. Default 50 ms: at full load ten are free sooner;
    /// otherwise a handler idles for at most this long.
    pub receive_linger: Duration,
    /// How long a message stays hidden from other consumers, in whole seconds. A heartbeat renews it after half of this time. Default 30 s:
    /// a crash delays a message by this much, and a handler that runs long costs one renewal every 15 s.
    pub visibility_timeout: Duration,
    /// How long after its receipt a message is renewed. Then its lease ends and its handler is cancelled. Default (and most) 12 h, the limit
    /// of SQS. A smaller value bounds a handler that hangs.
    pub max_processing_time: Duration,
    /// How long a request may take, beyond the wait time of a receive. Default 5 s: two attempts fit before a lease ends.
    pub request_timeout: Duration,
    /// How long a delete or a release waits for others to share its request. Default 100 ms: at 100 messages a second a batch is full.
    pub settle_linger: Duration,
    /// How often and how far apart a failed message is tried.
    pub retry: RetryPolicy,
    /// How long a drain may take. Default 25 s: containers are killed 30 s after the signal. It must leave time for the receive in flight
    /// (`wait_time`) and for the release of the messages that it returns (`request_timeout`).
    pub shutdown_timeout: Duration,
    /// How long before the end of `shutdown_timeout` the running handlers are cancelled. Half of it later they are dropped and their
    /// messages released. Default 4 s.
    pub cancellation_notice: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 50,
            concurrency_per_group: None,
            max_in_flight_messages: 500,
            max_concurrent_receives: 4,
            wait_time: Duration::from_secs(20),
            receive_linger: Duration::from_millis(50),
            visibility_timeout: Duration::from_secs(30),
            max_processing_time: MAX_VISIBILITY_TIMEOUT,
            request_timeout: Duration::from_secs(5),
            settle_linger: Duration::from_millis(100),
            retry: RetryPolicy::default(),
            shutdown_timeout: Duration::from_secs(25),
            cancellation_notice: Duration::from_secs(4),
        }
    }
}

impl Settings {
    /// Returns an error for the first invalid setting.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let rules = self
            .intake_rules()
            .into_iter()
            .chain(self.time_rules())
            .chain(self.end_rules());
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            None => Ok(()),
            Some((setting, _, rule)) => Err(Error::InvalidSetting { setting, rule }),
        }
    }

    fn intake_rules(&self) -> [Rule; 6] {
        let concurrency = (1..=100_000).contains(&self.concurrency);
        let receives = (1..=100).contains(&self.max_concurrent_receives);
        let wait = is_whole(self.wait_time) && self.wait_time <= Duration::from_secs(20);
        [
            ("concurrency", concurrency, "must be 1 to 100,000"),
            (
                "concurrency_per_group",
                self.concurrency_per_group != Some(0),
                "must be at least 1",
            ),
            (
                "max_in_flight_messages",
                self.max_in_flight_messages >= self.concurrency,
                "must be at least concurrency",
            ),
            ("max_concurrent_receives", receives, "must be 1 to 100"),
            ("wait_time", wait, "must be whole seconds, 0 to 20"),
            (
                "receive_linger",
                self.receive_linger <= Duration::from_secs(10),
                "must be at most 10 s",
            ),
        ]
    }

    fn time_rules(&self) -> [Rule; 4] {
        let at_least = Duration::from_secs(1).max(self.request_timeout.saturating_mul(3));
        let visibility = is_whole(self.visibility_timeout) && self.visibility_timeout >= at_least;
        let hold =
            (self.visibility_timeout..=MAX_VISIBILITY_TIMEOUT).contains(&self.max_processing_time);
        let linger = self.settle_linger <= self.visibility_timeout / 4;
        [
            (
                "request_timeout",
                !self.request_timeout.is_zero(),
                "must be more than zero",
            ),
            (
                "visibility_timeout",
                visibility,
                "must be whole seconds, at least 1 s and three times request_timeout",
            ),
            (
                "max_processing_time",
                hold,
                "must be between visibility_timeout and 12 h",
            ),
            (
                "settle_linger",
                linger,
                "must be at most a quarter of visibility_timeout",
            ),
        ]
    }

    fn end_rules(&self) -> [Rule; 4] {
        let RetryPolicy {
            first_delay,
            max_delay,
            max_attempts,
            ..
        } = self.retry;
        let delays = first_delay <= max_delay && max_delay <= MAX_VISIBILITY_TIMEOUT;
        let shutdown_timeout = self.shutdown_timeout >= self.wait_time + self.request_timeout;
        [
            ("retry", delays, "delays must grow, up to 12 h"),
            ("retry", max_attempts >= 1, "must allow an attempt"),
            (
                "cancellation_notice",
                self.cancellation_notice < self.shutdown_timeout,
                "must be less than shutdown_timeout",
            ),
            (
                "shutdown_timeout",
                shutdown_timeout,
                "must be at least wait_time plus request_timeout, or a drain strands the messages of the last receive",
            ),
        ]
    }
}

/// A setting, whether it is valid, and what is required of it.
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
            Err(Error::InvalidSetting { setting, .. }) => assert_eq!(setting, expected),
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
        check("concurrency_per_group", |s| {
            s.concurrency_per_group = Some(0)
        });
        check("max_in_flight_messages", |s| s.max_in_flight_messages = 10);
        check("max_concurrent_receives", |s| s.max_concurrent_receives = 0);
        check("wait_time", |s| s.wait_time = Duration::from_millis(1_500));
        check("wait_time", |s| s.wait_time = Duration::from_secs(21));
        check("visibility_timeout", |s| {
            s.visibility_timeout = Duration::from_secs(10)
        });
        check("visibility_timeout", |s| {
            s.visibility_timeout = Duration::from_millis(30_500)
        });
        check("max_processing_time", |s| {
            s.max_processing_time = Duration::from_secs(13 * 3_600)
        });
        check("settle_linger", |s| {
            s.settle_linger = Duration::from_secs(8)
        });
        check("retry", |s| s.retry.max_attempts = 0);
        check("retry", |s| {
            s.retry.first_delay = Duration::from_secs(10_000)
        });
        check("cancellation_notice", |s| {
            s.cancellation_notice = s.shutdown_timeout
        });
    }

    #[test]
    fn a_shutdown_timeout_that_would_strand_the_receive_in_flight_is_refused() {
        check("shutdown_timeout", |s| {
            s.shutdown_timeout = Duration::from_secs(20)
        });
    }
}
