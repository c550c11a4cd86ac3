//! The consumer's settings, each with its unit, its default and the reason for the default.

use std::time::Duration;

use crate::error::{Error, require};
use crate::queue::MAX_VISIBILITY_TIMEOUT;
use crate::retry::RetryPolicy;

/// How a consumer behaves. Checked by [`ConsumerBuilder::build`](crate::ConsumerBuilder::build).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// How many handlers run at once, 1 to 100,000. Default 50: handlers that wait for I/O, on a small machine; raise it until the processor or
    /// a dependency is busy. From 20 upwards a receive asks for ten messages, below that for half of this number.
    pub concurrency: usize,
    /// How many handlers run at once for one message group of a standard queue, 1 to 100,000. Default `None`: no limit but `concurrency`, since fair
    /// queues already share out the messages. On a FIFO queue it is always 1. Messages beyond it wait in memory, or, if that left no room for
    /// other groups, are released for a delay that doubles with each receive.
    pub concurrency_per_group: Option<usize>,
    /// The most messages in flight: running, waiting for their group, or waiting to be settled; `concurrency` to 120,000, the limit of a
    /// standard queue. Default 500: ten for each handler, so that groups that wait leave room for others (a FIFO queue returns up to ten messages of a group at once); memory is bounded by this times the
    /// largest message (1 MiB).
    pub max_in_flight_messages: usize,
    /// The most receive requests at once, 1 to 100, reached while the queue returns full batches. Default 4: at 10 ms a request that is 4,000 messages
    /// a second. An idle queue is polled by one.
    pub max_concurrent_receives: usize,
    /// How long a receive waits for a message, in whole seconds up to 20. Default 20 s, the limit of SQS: the fewest empty receives. Whatever it
    /// is, an empty receive is followed by the next a second after it was sent at the earliest.
    pub wait_time: Duration,
    /// How long a free handler waits for others, so that one receive serves several, up to 10 s. Default 50 ms: at full load ten are free sooner;
    /// otherwise a handler idles for at most this long.
    pub receive_linger: Duration,
    /// How long a message stays hidden from other consumers, in whole seconds: three times `request_timeout` to 12 h. A heartbeat renews it
    /// after half of this time. Default 30 s:
    /// a crash delays a message by this much, and a handler that runs long costs one renewal every 15 s.
    pub visibility_timeout: Duration,
    /// How long a handler may run: more than zero, up to 24 h. Then its token fires, its future is dropped at its next await, and the attempt
    /// has failed. Default 15 min, the longest run of an AWS Lambda function: a handler that takes longer hangs, and would keep its permit and
    /// its message group for ever. SQS itself ends a lease 12 h after the receipt. A handler that blocks its thread cannot be ended.
    pub handler_timeout: Duration,
    /// How long a request may take, beyond the wait time of a receive: more than zero, up to 5 min. Default 5 s, a hundred times what SQS
    /// usually takes: two attempts fit into the half of a lease that is left at its heartbeat.
    pub request_timeout: Duration,
    /// How long a delete or a release waits for others to share its request, up to a quarter of `visibility_timeout`. Default 100 ms: at 100
    /// messages a second a batch is full.
    pub settle_linger: Duration,
    /// How often and how far apart a failed message is tried.
    pub retry: RetryPolicy,
    /// How long a drain may take, up to a day. Default 25 s: containers are killed 30 s after the signal, which leaves 5 s to end the process.
    /// It must leave time for the receive in flight (`wait_time`) and for the release of the messages that it returns (`request_timeout`).
    pub shutdown_timeout: Duration,
    /// How long before the end of `shutdown_timeout` the running handlers are cancelled. Half of it later they are dropped and their
    /// messages released. Less than `shutdown_timeout`. Default 4 s: two for handlers to stop, two to release their messages.
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
            handler_timeout: Duration::from_secs(15 * 60),
            request_timeout: Duration::from_secs(5),
            settle_linger: Duration::from_millis(100),
            retry: RetryPolicy::default(),
            shutdown_timeout: Duration::from_secs(25),
            cancellation_notice: Duration::from_secs(4),
        }
    }
}

impl Settings {
    setters! {
        with_concurrency concurrency: usize;
        with_concurrency_per_group concurrency_per_group: Option<usize>;
        with_max_in_flight_messages max_in_flight_messages: usize;
        with_max_concurrent_receives max_concurrent_receives: usize;
        with_wait_time wait_time: Duration;
        with_receive_linger receive_linger: Duration;
        with_visibility_timeout visibility_timeout: Duration;
        with_handler_timeout handler_timeout: Duration;
        with_request_timeout request_timeout: Duration;
        with_settle_linger settle_linger: Duration;
        with_retry retry: RetryPolicy;
        with_shutdown_timeout shutdown_timeout: Duration;
        with_cancellation_notice cancellation_notice: Duration;
    }
}

impl Settings {
    /// Returns an error for the first invalid setting.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.check_receives()?;
        self.check_leases()?;
        self.check_shutdown()?;
        self.retry.check()
    }

    fn check_receives(&self) -> Result<(), Error> {
        let Self {
            concurrency,
            concurrency_per_group,
            max_in_flight_messages,
            max_concurrent_receives,
            wait_time,
            receive_linger,
            ..
        } = *self;
        let within = |count| (1..=MAX_CONCURRENCY).contains(&count);
        require(
            "concurrency",
            concurrency,
            within(concurrency),
            "must be 1 to 100,000",
        )?;
        require(
            "concurrency_per_group",
            concurrency_per_group,
            concurrency_per_group.is_none_or(within),
            "must be 1 to 100,000, or none",
        )?;
        require(
            "max_in_flight_messages",
            max_in_flight_messages,
            (concurrency..=MAX_IN_FLIGHT).contains(&max_in_flight_messages),
            "must be concurrency to 120,000",
        )?;
        require(
            "max_concurrent_receives",
            max_concurrent_receives,
            (1..=100).contains(&max_concurrent_receives),
            "must be 1 to 100",
        )?;
        require(
            "wait_time",
            wait_time,
            is_whole(wait_time) && wait_time <= MAX_WAIT_TIME,
            "must be whole seconds, 0 to 20",
        )?;
        require(
            "receive_linger",
            receive_linger,
            receive_linger <= Duration::from_secs(10),
            "must be at most 10 s",
        )
    }

    fn check_leases(&self) -> Result<(), Error> {
        let Self {
            visibility_timeout,
            handler_timeout,
            request_timeout,
            settle_linger,
            ..
        } = *self;
        require(
            "request_timeout",
            request_timeout,
            !request_timeout.is_zero() && request_timeout <= MAX_REQUEST_TIMEOUT,
            "must be more than zero, at most 5 min",
        )?;
        let at_least = Duration::from_secs(1).max(request_timeout * 3);
        require(
            "visibility_timeout",
            visibility_timeout,
            is_whole(visibility_timeout)
                && (at_least..=MAX_VISIBILITY_TIMEOUT).contains(&visibility_timeout),
            "must be whole seconds, at least 1 s and three times request_timeout, at most 12 h",
        )?;
        require(
            "handler_timeout",
            handler_timeout,
            !handler_timeout.is_zero() && handler_timeout <= MAX_HANDLER_TIMEOUT,
            "must be more than zero, at most 24 h",
        )?;
        require(
            "settle_linger",
            settle_linger,
            settle_linger <= visibility_timeout / 4,
            "must be at most a quarter of visibility_timeout",
        )
    }

    fn check_shutdown(&self) -> Result<(), Error> {
        let Self {
            shutdown_timeout,
            cancellation_notice,
            wait_time,
            request_timeout,
            ..
        } = *self;
        require(
            "cancellation_notice",
            cancellation_notice,
            cancellation_notice < shutdown_timeout,
            "must be less than shutdown_timeout",
        )?;
        require(
            "shutdown_timeout",
            shutdown_timeout,
            (wait_time + request_timeout..=MAX_SHUTDOWN_TIMEOUT).contains(&shutdown_timeout),
            "must be at least wait_time plus request_timeout, or a drain strands the messages of the last receive, and at most 24 h",
        )
    }
}

const MAX_CONCURRENCY: usize = 100_000;
/// The messages that a standard queue allows in flight ("Amazon SQS message quotas").
const MAX_IN_FLIGHT: usize = 120_000;
/// The longest wait of a receive in SQS.
const MAX_WAIT_TIME: Duration = Duration::from_secs(20);
pub(crate) const MAX_REQUEST_TIMEOUT: Duration = Duration::from_secs(5 * 60);
const MAX_HANDLER_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

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
        check("handler_timeout", |s| s.handler_timeout = Duration::ZERO);
        check("settle_linger", |s| {
            s.settle_linger = Duration::from_secs(8)
        });
        check("retry.max_attempts", |s| s.retry.max_attempts = 0);
        check("retry.first_delay", |s| {
            s.retry.first_delay = Duration::from_secs(10_000)
        });
        check("cancellation_notice", |s| {
            s.cancellation_notice = s.shutdown_timeout
        });
    }

    #[test]
    fn limits_of_zero_and_times_without_end_are_refused_by_name_and_nothing_panics() {
        check("retry.max_unexplained_receives", |s| {
            s.retry.max_unexplained_receives = 0
        });
        check("retry.first_delay", |s| {
            s.retry.first_delay = Duration::ZERO
        });
        check("retry.max_delay", |s| s.retry.max_delay = Duration::MAX);
        check("concurrency", |s| s.concurrency = usize::MAX);
        check("concurrency_per_group", |s| {
            s.concurrency_per_group = Some(usize::MAX)
        });
        check("max_in_flight_messages", |s| {
            s.max_in_flight_messages = usize::MAX
        });
        check("max_concurrent_receives", |s| {
            s.max_concurrent_receives = usize::MAX
        });
        check("wait_time", |s| s.wait_time = Duration::MAX);
        check("receive_linger", |s| s.receive_linger = Duration::MAX);
        check("visibility_timeout", |s| {
            s.visibility_timeout = Duration::from_secs(u64::MAX)
        });
        check("handler_timeout", |s| s.handler_timeout = Duration::MAX);
        check("request_timeout", |s| s.request_timeout = Duration::MAX);
        check("request_timeout", |s| s.request_timeout = Duration::ZERO);
        check("settle_linger", |s| s.settle_linger = Duration::MAX);
        check("shutdown_timeout", |s| s.shutdown_timeout = Duration::MAX);
        check("cancellation_notice", |s| {
            s.cancellation_notice = Duration::MAX
        });
    }

    #[test]
    fn an_invalid_setting_is_named_with_its_value_and_its_rule() {
        let settings = Settings {
            wait_time: Duration::from_secs(21),
            ..Settings::default()
        };
        assert_eq!(
            settings.check().unwrap_err().to_string(),
            "invalid setting wait_time (21s): it must be whole seconds, 0 to 20"
        );
    }

    #[test]
    fn a_shutdown_timeout_that_would_strand_the_receive_in_flight_is_refused() {
        check("shutdown_timeout", |s| {
            s.shutdown_timeout = Duration::from_secs(20)
        });
    }
}
