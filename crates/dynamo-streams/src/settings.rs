//! The settings of a processor, each with its default.

use std::fmt;
use std::time::Duration;

use crate::clock::WallClock;
use crate::error::Error;
use crate::monitor::RETENTION;

/// Returns an error for the first setting that is not within its bounds.
macro_rules! within {
    ($settings:ident: $($field:ident $(.$part:ident)?: $bounds:expr, $rule:literal;)*) => {
        $(
            let name = concat!(stringify!($field) $(, ".", stringify!($part))?);
            let value = $settings.$field $(.$part)?;
            require(name, value, ($bounds).contains(&value), $rule)?;
        )*
    };
}

/// How a processor behaves. Checked by [`ProcessorBuilder::build`](crate::ProcessorBuilder::build).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Where to begin in a stream that this application has never read. The lease table stores it: later starts continue at the checkpoints.
    /// Default `TrimHorizon`.
    pub start: StartPosition,
    /// The shortest time between two reads of one shard without a backlog: more than zero, up to `idle_poll_interval`. Default 250 ms: the
    /// service allows five reads of a shard a second, and leaves one for another reader.
    pub poll_interval: Duration,
    /// The longest time between two reads of one shard, reached while no records come: up to 5 min, a third of the life of an iterator. Default
    /// 1 s: an idle shard costs 86,400 reads a day, and a record waits for a second at most.
    pub idle_poll_interval: Duration,
    /// The most records of one read, 1 to 1,000. Default 1,000, the limit of the service.
    pub max_records_per_read: i32,
    /// The most records of one shard that are read and not finished, 1 to 1,000,000: it bounds memory and what a crash repeats. Default 4,000:
    /// four full pages, so that a slow record does not stop the reads at once.
    pub max_in_flight_records_per_shard: usize,
    /// The same in bytes, 1 to 1 GiB; the last read may exceed it by its own size (1 MB). Default 16 MiB: as much as 4,000 records of 4 KB.
    pub max_in_flight_bytes_per_shard: u64,
    /// How many items of one shard are handled at once, 1 to 100,000. Default 32: a quarter of `concurrency`, so that one shard leaves room
    /// for others.
    pub concurrency_per_shard: usize,
    /// How many handlers run at once in this processor, 1 to 100,000. Default 128: handlers that wait for I/O, on a small machine.
    pub concurrency: usize,
    /// How long a handler may run: more than zero, up to 24 h. Then its token fires, its future is dropped at its next await, and the attempt
    /// has failed; a hook is dropped likewise. Default 5 min: a record whose handler hangs is then parked after about an hour with the default
    /// `retry`, far from the 24 hours for which a stream keeps records, and meanwhile it holds up its item and its shard's checkpoint. A
    /// handler that blocks its thread cannot be ended.
    pub handler_timeout: Duration,
    /// How often and how far apart a failed record is tried.
    pub retry: RetryPolicy,
    /// The shortest time between two checkpoints of one shard, up to 10 min. Default 5 s: a crash repeats what was handled in this time.
    pub checkpoint_interval: Duration,
    /// The time between two heartbeats of this worker, its only writes while no records come: more than zero. Default 10 s: 8,640 writes a day.
    pub heartbeat_interval: Duration,
    /// How long a worker's heartbeat must stay unchanged, on the observer's clock, before its leases are taken over: more than a fifth above
    /// `heartbeat_interval`, up to 24 h. The worker itself stops a fifth earlier. Default 25 s: the worker stops after 20 s, which leaves 10 s
    /// to a heartbeat that is late, twice what an attempt may take.
    pub lease_duration: Duration,
    /// The time between two reads of the lease table: more than zero, up to `lease_duration`, after which workers that were not read again
    /// would count as dead. Default 5 s: a holder notices a request for its lease within this time.
    pub sync_interval: Duration,
    /// The time between two full listings of the shards: more than zero, up to 6 h, a quarter of the time for which a stream keeps records.
    /// Default 60 s: far below the ten listings a second that an account may make.
    pub list_shards_interval: Duration,
    /// How long a holder may take to hand a lease over before the lease is taken from it, up to 48 h. It must exceed the time that a sound
    /// holder needs, or another worker begins while a handler still runs: `sync_interval` to notice the request, `shutdown_timeout` for its
    /// handlers, 5 s for its last writes. Default 60 s: with the defaults that is twice the time.
    pub handover_timeout: Duration,
    /// How long running handlers may take when the processor shuts down or hands a lease over, up to 24 h; the last writes may take 5 s more.
    /// Default 20 s: containers are killed 30 s after the signal, which leaves 5 s to end the process.
    pub shutdown_timeout: Duration,
    /// The time of day.
    pub wall_clock: WallClock,
}

/// How long after `shutdown_timeout` the last writes may take.
pub(crate) const LAST_WRITES: Duration = Duration::from_secs(5);

/// Where to begin in a stream that the application has never read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct RetryPolicy {
    /// The delay after the first failed attempt: more than zero, up to `max_delay`. Default 200 ms: a conflict is over by then.
    pub first_delay: Duration,
    /// The longest delay, up to 1 h: a record that waits holds up the checkpoint of its shard. Default 60 s.
    pub max_delay: Duration,
    /// How many attempts a record gets before it is parked, at least 1. Default 12: with the default delays that spans about four minutes.
    pub max_attempts: u32,
}

impl RetryPolicy {
    setters! {
        with_first_delay first_delay: Duration;
        with_max_delay max_delay: Duration;
        with_max_attempts max_attempts: u32;
    }
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
            handler_timeout: HANDLER_TIMEOUT,
            retry: RetryPolicy::default(),
            checkpoint_interval: Duration::from_secs(5),
            heartbeat_interval: Duration::from_secs(10),
            lease_duration: Duration::from_secs(25),
            sync_interval: Duration::from_secs(5),
            list_shards_interval: Duration::from_secs(60),
            handover_timeout: Duration::from_secs(60),
            shutdown_timeout: Duration::from_secs(20),
            wall_clock: WallClock::default(),
        }
    }
}

/// The default; a redrive has no settings and uses it too.
pub(crate) const HANDLER_TIMEOUT: Duration = Duration::from_secs(5 * 60);

impl Settings {
    setters! {
        with_start start: StartPosition;
        with_poll_interval poll_interval: Duration;
        with_idle_poll_interval idle_poll_interval: Duration;
        with_max_records_per_read max_records_per_read: i32;
        with_max_in_flight_records_per_shard max_in_flight_records_per_shard: usize;
        with_max_in_flight_bytes_per_shard max_in_flight_bytes_per_shard: u64;
        with_concurrency_per_shard concurrency_per_shard: usize;
        with_concurrency concurrency: usize;
        with_handler_timeout handler_timeout: Duration;
        with_retry retry: RetryPolicy;
        with_checkpoint_interval checkpoint_interval: Duration;
        with_heartbeat_interval heartbeat_interval: Duration;
        with_lease_duration lease_duration: Duration;
        with_sync_interval sync_interval: Duration;
        with_list_shards_interval list_shards_interval: Duration;
        with_handover_timeout handover_timeout: Duration;
        with_shutdown_timeout shutdown_timeout: Duration;
        with_wall_clock wall_clock: WallClock;
    }
}

impl Settings {
    /// How long after its last heartbeat a worker still acts on its leases.
    pub(crate) fn self_fence_after(&self) -> Duration {
        self.lease_duration.mul_f64(0.8)
    }

    /// Returns an error for the first invalid setting.
    pub(crate) fn check(&self) -> Result<(), Error> {
        within! { self:
            idle_poll_interval: MOMENT..=MAX_IDLE_POLL_INTERVAL, "must be more than zero, at most 5 min";
            poll_interval: MOMENT..=self.idle_poll_interval, "must be more than zero, at most idle_poll_interval";
            max_records_per_read: 1..=1_000, "must be 1 to 1,000";
            max_in_flight_records_per_shard: 1..=1_000_000, "must be 1 to 1,000,000";
            max_in_flight_bytes_per_shard: 1..=1 << 30, "must be 1 to 1,073,741,824";
            concurrency_per_shard: 1..=MAX_CONCURRENCY, "must be 1 to 100,000";
            concurrency: 1..=MAX_CONCURRENCY, "must be 1 to 100,000";
            handler_timeout: MOMENT..=DAY, "must be more than zero, at most 24 h";
            retry.max_delay: MOMENT..=MAX_RETRY_DELAY, "must be more than zero, at most 1 h";
            retry.first_delay: MOMENT..=self.retry.max_delay, "must be more than zero, at most max_delay";
            retry.max_attempts: 1..=u32::MAX, "must be at least 1";
            checkpoint_interval: Duration::ZERO..=MAX_CHECKPOINT_INTERVAL, "must be at most 10 min";
            lease_duration: MOMENT..=DAY, "must be more than zero, at most 24 h";
            heartbeat_interval: MOMENT..=DAY, "must be more than zero, at most 24 h";
            sync_interval: MOMENT..=self.lease_duration, "must be more than zero, at most lease_duration";
            list_shards_interval: MOMENT..=RETENTION / 4, "must be more than zero, at most 6 h";
            shutdown_timeout: Duration::ZERO..=DAY, "must be at most 24 h";
        }
        require(
            "lease_duration",
            self.lease_duration,
            self.self_fence_after() > self.heartbeat_interval,
            "must be more than a fifth above heartbeat_interval, so that it outlasts a late heartbeat",
        )?;
        let needed = self.sync_interval + self.shutdown_timeout + LAST_WRITES;
        require(
            "handover_timeout",
            self.handover_timeout,
            self.handover_timeout > needed && self.handover_timeout <= DAY * 2,
            "must be more than sync_interval plus shutdown_timeout plus 5 s, or another worker begins while a handler still runs, and at most 48 h",
        )
    }
}

/// The shortest time that is more than zero.
const MOMENT: Duration = Duration::from_nanos(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// An iterator lives for 15 min.
const MAX_IDLE_POLL_INTERVAL: Duration = Duration::from_secs(5 * 60);
const MAX_CONCURRENCY: usize = 100_000;
const MAX_RETRY_DELAY: Duration = Duration::from_secs(60 * 60);
const MAX_CHECKPOINT_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// Returns an error unless the setting fulfils its rule.
pub(crate) fn require(
    setting: &'static str,
    value: impl fmt::Debug,
    holds: bool,
    rule: &'static str,
) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    let value = format!("{value:?}");
    Err(Error::InvalidSetting {
        setting,
        value,
        rule,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work() {
        Settings::default().check().unwrap();
    }

    fn check(expected: &str, change: impl FnOnce(&mut Settings)) {
        let mut settings = Settings::default();
        change(&mut settings);
        match settings.check() {
            Err(Error::InvalidSetting { setting, .. }) => assert_eq!(setting, expected),
            other => panic!("expected {expected} to be refused, got {other:?}"),
        }
    }

    #[test]
    fn a_handover_that_times_out_while_a_sound_holder_still_drains_is_refused() {
        check("handover_timeout", |s| {
            s.shutdown_timeout = Duration::from_secs(60);
            s.handover_timeout = Duration::from_secs(30);
        });
        check("handover_timeout", |s| {
            s.handover_timeout = Duration::from_secs(30)
        });
        let holder = Settings::default();
        let needs = holder.sync_interval + holder.shutdown_timeout + LAST_WRITES;
        assert!(
            holder.handover_timeout >= needs * 2,
            "the default has a margin"
        );
    }

    #[test]
    fn the_worker_outlives_an_attempt_that_is_lost_with_the_default_lease() {
        let settings = Settings::default();
        let left = settings.self_fence_after() - settings.heartbeat_interval;
        assert!(left >= crate::sdk_client::ATTEMPT * 2, "{left:?}");
    }

    #[test]
    fn limits_of_zero_and_times_without_end_are_refused_by_name_and_nothing_panics() {
        check("poll_interval", |s| s.poll_interval = Duration::ZERO);
        check("poll_interval", |s| s.poll_interval = Duration::MAX);
        check("idle_poll_interval", |s| {
            s.idle_poll_interval = Duration::MAX
        });
        check("max_records_per_read", |s| s.max_records_per_read = 0);
        check("max_in_flight_records_per_shard", |s| {
            s.max_in_flight_records_per_shard = 0
        });
        check("max_in_flight_records_per_shard", |s| {
            s.max_in_flight_records_per_shard = usize::MAX
        });
        check("max_in_flight_bytes_per_shard", |s| {
            s.max_in_flight_bytes_per_shard = 0
        });
        check("max_in_flight_bytes_per_shard", |s| {
            s.max_in_flight_bytes_per_shard = u64::MAX
        });
        check("concurrency_per_shard", |s| s.concurrency_per_shard = 0);
        check("concurrency_per_shard", |s| {
            s.concurrency_per_shard = usize::MAX
        });
        check("concurrency", |s| s.concurrency = 0);
        check("concurrency", |s| s.concurrency = usize::MAX);
        check("retry.max_attempts", |s| s.retry.max_attempts = 0);
        check("retry.first_delay", |s| {
            s.retry.first_delay = Duration::ZERO
        });
        check("retry.first_delay", |s| s.retry.first_delay = Duration::MAX);
        check("retry.max_delay", |s| s.retry.max_delay = Duration::MAX);
        check("checkpoint_interval", |s| {
            s.checkpoint_interval = Duration::MAX
        });
        check("heartbeat_interval", |s| {
            s.heartbeat_interval = Duration::ZERO
        });
        check("heartbeat_interval", |s| {
            s.heartbeat_interval = Duration::MAX
        });
        check("lease_duration", |s| s.lease_duration = Duration::ZERO);
        check("lease_duration", |s| s.lease_duration = Duration::MAX);
        check("sync_interval", |s| s.sync_interval = Duration::ZERO);
        check("sync_interval", |s| s.sync_interval = Duration::MAX);
        check("list_shards_interval", |s| {
            s.list_shards_interval = Duration::ZERO
        });
        check("list_shards_interval", |s| {
            s.list_shards_interval = Duration::MAX
        });
        check("shutdown_timeout", |s| s.shutdown_timeout = Duration::MAX);
        check("handover_timeout", |s| s.handover_timeout = Duration::MAX);
    }

    #[test]
    fn an_invalid_setting_is_named_with_its_value_and_its_rule() {
        let settings = Settings {
            max_records_per_read: 1_001,
            ..Settings::default()
        };
        assert_eq!(
            settings.check().unwrap_err().to_string(),
            "invalid setting max_records_per_read (1001): it must be 1 to 1,000"
        );
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
