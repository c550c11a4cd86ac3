//! The settings of a processor, each with its default.

use std::time::Duration;

use crate::clock::WallClock;
use crate::error::Error;

/// How a processor behaves. Checked by [`ProcessorBuilder::build`](crate::ProcessorBuilder::build).
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to begin in a stream that this application has never read. The lease table stores it: later starts continue at the checkpoints.
    /// Default `TrimHorizon`.
    pub start: StartPosition,
    /// The shortest time between two reads of one shard without a backlog. Default 250 ms.
    pub poll_interval: Duration,
    /// The longest time between two reads of one shard, reached while no records come. Default 1 s.
    pub idle_poll_interval: Duration,
    /// The most records of one read. Default 1,000, the limit of the service.
    pub max_records_per_read: i32,
    /// The most records of one shard that are read and not finished: it bounds memory and what a crash repeats. Default 4,000.
    pub max_in_flight_records_per_shard: usize,
    /// The same in bytes; the last read may exceed it by its own size (1 MB). Default 16 MiB.
    pub max_in_flight_bytes_per_shard: u64,
    /// How many items of one shard are handled at once. Default 32.
    pub concurrency_per_shard: usize,
    /// How many handlers run at once in this processor. Default 128.
    pub concurrency: usize,
    /// How long a handler may run: more than zero, up to 24 h. Then its token fires, its future is dropped at its next await, and the attempt
    /// has failed; a hook is dropped likewise. Default 5 min: a record whose handler hangs is then parked after about an hour with the default
    /// `retry`, far from the 24 hours for which a stream keeps records, and meanwhile it holds up its item and its shard's checkpoint. A
    /// handler that blocks its thread cannot be ended.
    pub handler_timeout: Duration,
    /// How often and how far apart a failed record is tried.
    pub retry: RetryPolicy,
    /// The shortest time between two checkpoints of one shard. Default 5 s.
    pub checkpoint_interval: Duration,
    /// The time between two heartbeats of this worker: its only writes while no records come. Default 10 s.
    pub heartbeat_interval: Duration,
    /// How long a worker's heartbeat must stay unchanged, on the observer's clock, before its leases are taken over. The worker itself stops
    /// a fifth earlier. Default 25 s.
    pub lease_duration: Duration,
    /// The time between two reads of the lease table. Default 5 s.
    pub sync_interval: Duration,
    /// The time between two full listings of the shards. Default 60 s.
    pub list_shards_interval: Duration,
    /// How long a holder may take to hand a lease over before the lease is taken from it. Default 30 s.
    pub handover_timeout: Duration,
    /// How long running handlers may take when the processor shuts down or hands a lease over. Default 20 s.
    pub shutdown_timeout: Duration,
    /// The time of day.
    pub wall_clock: WallClock,
}

/// How long after `shutdown_timeout` the last writes may take.
pub(crate) const LAST_WRITES: Duration = Duration::from_secs(5);

/// Where to begin in a stream that the application has never read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartPosition {
    /// At the oldest record that the stream still has.
    #[default]
    TrimHorizon,
    /// At the records that are written from now on (a few seconds earlier, since clocks differ).
    Latest,
}

/// How failed records are retried.
///
/// The delay before attempt *n*+1 is `first_delay` × 2^(*n*−1), at most `max_delay`, less a random part of up to half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The delay after the first failed attempt. Default 200 ms.
    pub first_delay: Duration,
    /// The longest delay. Default 60 s.
    pub max_delay: Duration,
    /// How many attempts a record gets before it is parked. Default 12.
    pub max_attempts: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 12,
            first_delay: Duration::from_millis(200),
            max_delay: Duration::from_secs(60),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start: StartPosition::TrimHorizon,
            poll_interval: Duration::from_millis(250),
            idle_poll_interval: Duration::from_secs(1),
            max_records_per_read: 1_000,
            max_in_flight_records_per_shard: 4_000,
            max_in_flight_bytes_per_shard: 16 << 20,
            concurrency_per_shard: 32,
            concurrency: 128,
            handler_timeout: Duration::from_secs(5 * 60),
            retry: RetryPolicy::default(),
            checkpoint_interval: Duration::from_secs(5),
            heartbeat_interval: Duration::from_secs(10),
            lease_duration: Duration::from_secs(25),
            sync_interval: Duration::from_secs(5),
            list_shards_interval: Duration::from_secs(60),
            handover_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(20),
            wall_clock: WallClock::default(),
        }
    }
}

const MAX_HANDLER_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

impl Settings {
    /// How long after its last heartbeat a worker still acts on its leases.
    pub(crate) fn self_fence_after(&self) -> Duration {
        self.lease_duration.mul_f64(0.8)
    }

    /// Returns an error for the first invalid setting.
    pub(crate) fn check(&self) -> Result<(), Error> {
        const POSITIVE: &str = "must be more than zero";
        let idle = self.idle_poll_interval >= self.poll_interval;
        let per_read = (1..=1_000).contains(&self.max_records_per_read);
        let records = self.max_in_flight_records_per_shard > 0;
        let bytes = self.max_in_flight_bytes_per_shard > 0;
        let per_shard = self.concurrency_per_shard > 0;
        let retry = self.retry.max_attempts > 0;
        let handler =
            !self.handler_timeout.is_zero() && self.handler_timeout <= MAX_HANDLER_TIMEOUT;
        let heartbeat = !self.heartbeat_interval.is_zero();
        let listing = !self.list_shards_interval.is_zero();
        let lease = self.self_fence_after() > self.heartbeat_interval;
        let rules = [
            ("poll_interval", !self.poll_interval.is_zero(), POSITIVE),
            ("idle_poll_interval", idle, "must be at least poll_interval"),
            ("max_records_per_read", per_read, "must be 1 to 1,000"),
            ("max_in_flight_records_per_shard", records, POSITIVE),
            ("max_in_flight_bytes_per_shard", bytes, POSITIVE),
            ("concurrency_per_shard", per_shard, POSITIVE),
            ("concurrency", self.concurrency > 0, POSITIVE),
            (
                "handler_timeout",
                handler,
                "must be more than zero, at most 24 h",
            ),
            ("retry", retry, "must allow an attempt"),
            ("heartbeat_interval", heartbeat, POSITIVE),
            ("sync_interval", !self.sync_interval.is_zero(), POSITIVE),
            ("list_shards_interval", listing, POSITIVE),
            ("lease_duration", lease, "must outlast a late heartbeat"),
        ];
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            None => Ok(()),
            Some((setting, _, rule)) => Err(Error::InvalidSetting { setting, rule }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work() {
        Settings::default().check().unwrap();
    }

    #[test]
    fn a_lease_must_outlast_a_heartbeat() {
        let settings = Settings {
            lease_duration: Duration::from_secs(12),
            ..Settings::default()
        };
        assert!(settings.check().is_err());
    }

    #[test]
    fn a_handler_may_run_for_a_moment_or_for_a_day() {
        let day = Duration::from_secs(24 * 60 * 60);
        let check = |handler_timeout| {
            let settings = Settings {
                handler_timeout,
                ..Settings::default()
            };
            settings.check().is_ok()
        };
        let a_moment = Duration::from_millis(1);
        let times = [Duration::ZERO, a_moment, day, day + a_moment, Duration::MAX];
        assert_eq!(times.map(check), [false, true, true, false, false]);
    }

    #[test]
    fn a_page_is_at_most_what_the_service_allows() {
        let check = |max_records_per_read| {
            let settings = Settings {
                max_records_per_read,
                ..Settings::default()
            };
            settings.check().is_ok()
        };
        assert_eq!([0, 1, 1_000, 1_001].map(check), [false, true, true, false]);
    }

    #[test]
    fn an_idle_processor_writes_a_third_of_what_others_do() {
        let beats_a_day = 86_400 / Settings::default().heartbeat_interval.as_secs();
        assert!(beats_a_day <= 26_118 / 3, "{beats_a_day}");
    }
}
