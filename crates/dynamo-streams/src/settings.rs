//! The limits and rhythms of a processor.

use std::time::Duration;

use crate::clock::WallClock;
use crate::error::Error;

/// The limits and rhythms of a processor, each with a default that suits AWS.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to begin in a stream that this application has never read. Kept in the lease table: later
    /// starts go on where the last one ended.
    pub start: StartPosition,
    /// The least time between two reads of one shard that has no backlog.
    pub poll_interval: Duration,
    /// The most time between two reads of one shard, reached when nothing happens.
    pub idle_poll_interval: Duration,
    /// The most records asked for in one read; the service allows 1,000.
    pub page_records: i32,
    /// Records of one shard that are read but not yet finished, at most: the bound of memory and of
    /// what a crash repeats.
    pub unfinished_records_per_shard: usize,
    /// The same in bytes; the last page may exceed it by its own size (1 MB).
    pub unfinished_bytes_per_shard: u64,
    /// Items of one shard whose records run side by side.
    pub lanes_per_shard: usize,
    /// Handlers that run at the same time in this processor.
    pub concurrent_handlers: usize,
    /// How often a failing record is tried, and how far apart.
    pub retry: RetryPolicy,
    /// The least time between two checkpoints of one shard.
    pub checkpoint_interval: Duration,
    /// The time between two heartbeats of this worker: its only writes when nothing happens.
    pub heartbeat_interval: Duration,
    /// How long a worker's heartbeat must stand still, on the observer's clock, before its shards are
    /// taken over. The worker itself stops a fifth earlier.
    pub lease_duration: Duration,
    /// The time between two looks at the lease table.
    pub sync_interval: Duration,
    /// The time between two full listings of the streams' shards.
    pub discovery_interval: Duration,
    /// How long a holder may take to hand a shard over before it is taken from it.
    pub handover_timeout: Duration,
    /// How long running handlers may take when the processor shuts down or hands a shard over.
    pub drain_grace: Duration,
    /// The time of day.
    pub wall_clock: WallClock,
}

/// Where to begin in a stream that the application has never read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartPosition {
    /// With the oldest record the stream still has.
    #[default]
    TrimHorizon,
    /// With the records written from about now on (a few seconds earlier, for clocks that differ).
    Latest,
}

/// How often a failing record is tried before it is quarantined, and how far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included.
    pub attempts: u32,
    /// The wait after the first attempt; doubled after each further one, less a random part of up to half.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 12,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(60),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start: StartPosition::TrimHorizon,
            poll_interval: Duration::from_millis(250),
            idle_poll_interval: Duration::from_secs(1),
            page_records: 1_000,
            unfinished_records_per_shard: 4_000,
            unfinished_bytes_per_shard: 16 << 20,
            lanes_per_shard: 32,
            concurrent_handlers: 128,
            retry: RetryPolicy::default(),
            checkpoint_interval: Duration::from_secs(5),
            heartbeat_interval: Duration::from_secs(10),
            lease_duration: Duration::from_secs(25),
            sync_interval: Duration::from_secs(5),
            discovery_interval: Duration::from_secs(60),
            handover_timeout: Duration::from_secs(30),
            drain_grace: Duration::from_secs(20),
            wall_clock: WallClock::default(),
        }
    }
}

impl Settings {
    /// How long after its last heartbeat a worker still acts on its leases.
    pub(crate) fn self_fence_after(&self) -> Duration {
        self.lease_duration.mul_f64(0.8)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let zero = [
            ("poll_interval", self.poll_interval.is_zero()),
            ("page_records", !(1..=1_000).contains(&self.page_records)),
            (
                "unfinished_records_per_shard",
                self.unfinished_records_per_shard == 0,
            ),
            (
                "unfinished_bytes_per_shard",
                self.unfinished_bytes_per_shard == 0,
            ),
            ("lanes_per_shard", self.lanes_per_shard == 0),
            ("concurrent_handlers", self.concurrent_handlers == 0),
            ("retry.attempts", self.retry.attempts == 0),
            ("heartbeat_interval", self.heartbeat_interval.is_zero()),
            ("sync_interval", self.sync_interval.is_zero()),
            ("discovery_interval", self.discovery_interval.is_zero()),
        ];
        if let Some((name, _)) = zero.iter().find(|(_, out_of_range)| *out_of_range) {
            return Err(Error::Configuration(format!("{name} is out of range")));
        }
        if self.idle_poll_interval < self.poll_interval {
            let reason = "idle_poll_interval is shorter than poll_interval";
            return Err(Error::Configuration(reason.to_owned()));
        }
        if self.self_fence_after() <= self.heartbeat_interval {
            let reason = "lease_duration leaves no room for a late heartbeat";
            return Err(Error::Configuration(reason.to_owned()));
        }
        Ok(())
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
    fn a_page_is_at_most_what_the_service_allows() {
        let check = |page_records| {
            let settings = Settings {
                page_records,
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
