//! The figures of a processor: counters, and a snapshot of the moment.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::clock::WallClock;
use crate::source::ShardKey;

/// How long a stream keeps its records (DynamoDB developer guide, "Change data capture for DynamoDB Streams").
pub(crate) const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident, $attribute:literal => $metric:literal;)*) => {
        /// Counts since the processor was made.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        #[derive(Debug, Default)]
        struct AtomicCounters {
            $($name: AtomicU64,)*
        }

        impl AtomicCounters {
            fn read(&self) -> Counters {
                Counters { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }

        impl Figures {
            $(pub(crate) fn $name(&self) {
                self.counters.$name.fetch_add(1, Ordering::Relaxed);
                #[cfg(feature = "metrics")]
                metrics::counter!($metric).increment(1);
            })*

            /// Registers each counter with the process's metrics recorder while it is 0, so that its first increment is seen.
            pub(crate) fn register(&self) {
                $(
                    #[cfg(feature = "metrics")]
                    metrics::counter!($metric).increment(0);
                )*
            }
        }

        impl Counters {
            /// Returns the attributes of a heartbeat's item.
            pub(crate) fn attributes(&self) -> Vec<(&'static str, u64)> {
                vec![$(($attribute, self.$name),)*]
            }

            /// Reads the attributes of a heartbeat's item; a missing one counts as 0.
            pub(crate) fn from_attributes(attribute: impl Fn(&str) -> Option<u64>) -> Self {
                Self { $($name: attribute($attribute).unwrap_or(0),)* }
            }
        }
    };
}

counters! {
    /// Reads of shards.
    polls, "polls" => "dynamo_streams.polls";
    /// Reads of shards that returned no record.
    empty_polls, "empty_polls" => "dynamo_streams.empty_polls";
    /// Records whose handler returned `Done`.
    done, "done" => "dynamo_streams.records.done";
    /// Failed attempts whose record is tried again.
    retried, "retried" => "dynamo_streams.records.retried";
    /// Handler runs that panicked; they are also counted as retried.
    panicked, "panicked" => "dynamo_streams.records.panicked";
    /// Handler runs that timed out; they are also counted as retried.
    timed_out, "timed_out" => "dynamo_streams.records.timed_out";
    /// Records that were parked; the attribute has the name that older releases gave it.
    parked, "quarantined" => "dynamo_streams.records.parked";
    /// Gaps that were found.
    gaps, "gaps" => "dynamo_streams.gaps";
    /// Leases that were lost to another worker.
    lost_leases, "lost_leases" => "dynamo_streams.leases.lost";
    /// Leases that were taken.
    taken_leases, "taken_leases" => "dynamo_streams.leases.taken";
    /// Shards that were read to their end.
    finished_shards, "finished_shards" => "dynamo_streams.shards.finished";
    /// Writes to the lease table: heartbeats, checkpoints, changes of owner.
    lease_writes, "lease_writes" => "dynamo_streams.lease.writes";
    /// Requests that list shards.
    listings, "listings" => "dynamo_streams.listings";
}

/// The figures of a processor at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Counts since the processor was made.
    pub counters: Counters,
    /// Records that are read and not finished.
    pub in_flight: u64,
    /// Shards whose lease this processor holds.
    pub shards: u64,
    /// The age of the oldest record that is not finished, or of the last successful read of a shard where that is older. It grows while
    /// nothing happens. None while no lease is held.
    pub oldest_unreacted_age: Option<Duration>,
    /// 24 hours minus that age: the time left before the stream drops unread records.
    pub trim_headroom: Option<Duration>,
    /// The time since the lease table accepted a heartbeat, one of which is due every `heartbeat_interval`. None before the first.
    pub since_heartbeat: Option<Duration>,
    /// The time since the lease table was read, which is due every `sync_interval`. None before the first time.
    pub since_lease_table_read: Option<Duration>,
    /// The longest time since a read of a shard whose records are all finished; another shard may wait for room. None without such a shard.
    pub since_shard_read: Option<Duration>,
}

/// Reads the figures of a running processor. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Monitor(pub(crate) Arc<Figures>);

impl Monitor {
    /// Returns the figures as they are now.
    pub fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    /// Returns the figures and publishes them to the process's metrics recorder, which otherwise gets them with each heartbeat. Call it
    /// before a scrape, so that ages grow also while heartbeats fail.
    pub fn publish(&self) -> Snapshot {
        self.0.publish()
    }
}

/// The figures of one shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShardFigures {
    /// When the oldest record that is not finished was written.
    pub(crate) oldest: Option<DateTime<Utc>>,
    pub(crate) in_flight: usize,
    /// When the last successful read was sent.
    pub(crate) read_at: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Figures {
    wall_clock: WallClock,
    counters: AtomicCounters,
    moments: Mutex<Moments>,
}

/// The state of the loops of a processor.
#[derive(Debug, Default)]
struct Moments {
    shards: BTreeMap<ShardKey, ShardFigures>,
    heartbeat_at: Option<Instant>,
    lease_table_read_at: Option<Instant>,
}

impl Figures {
    pub(crate) fn new(wall_clock: WallClock) -> Self {
        Self {
            wall_clock,
            ..Self::default()
        }
    }

    pub(crate) fn update_shard(&self, shard: &ShardKey, figures: ShardFigures) {
        let shards = &mut self.moments().shards;
        match shards.get_mut(shard) {
            Some(known) => *known = figures,
            None => {
                shards.insert(shard.clone(), figures);
            }
        }
    }

    pub(crate) fn forget(&self, shard: &ShardKey) {
        self.moments().shards.remove(shard);
    }

    /// Notes that the lease table accepted a heartbeat.
    pub(crate) fn heartbeat_written(&self) {
        self.moments().heartbeat_at = Some(Instant::now());
    }

    /// Notes that the lease table was read.
    pub(crate) fn lease_table_read(&self) {
        self.moments().lease_table_read_at = Some(Instant::now());
    }

    fn moments(&self) -> MutexGuard<'_, Moments> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let counters = self.counters.read();
        let wall = self.wall_clock.utc();
        summarise(&self.moments(), counters, Instant::now(), wall)
    }

    /// Publishes the gauges to the process's metrics recorder.
    pub(crate) fn publish(&self) -> Snapshot {
        let snapshot = self.snapshot();
        #[cfg(feature = "metrics")]
        snapshot.publish();
        snapshot
    }
}

#[cfg(feature = "metrics")]
impl Snapshot {
    #[expect(
        clippy::cast_precision_loss,
        reason = "gauges are floating point numbers"
    )]
    fn publish(&self) {
        let age = self.oldest_unreacted_age.unwrap_or_default();
        metrics::gauge!("dynamo_streams.oldest_unreacted_age_seconds").set(age.as_secs_f64());
        metrics::gauge!("dynamo_streams.trim_headroom_seconds")
            .set(self.trim_headroom.unwrap_or(RETENTION).as_secs_f64());
        metrics::gauge!("dynamo_streams.unacknowledged").set(self.in_flight as f64);
        metrics::gauge!("dynamo_streams.shards").set(self.shards as f64);
    }
}

fn summarise(moments: &Moments, counters: Counters, now: Instant, wall: DateTime<Utc>) -> Snapshot {
    let since = |at: Instant| now.saturating_duration_since(at);
    let age = |shard: &ShardFigures| {
        let oldest = shard
            .oldest
            .and_then(|oldest| (wall - oldest).to_std().ok());
        since(shard.read_at).max(oldest.unwrap_or_default())
    };
    let shards = moments.shards.values();
    let oldest = shards.clone().map(age).max();
    let idle = shards.clone().filter(|shard| shard.in_flight == 0);
    Snapshot {
        counters,
        in_flight: shards.map(|shard| shard.in_flight as u64).sum(),
        shards: moments.shards.len() as u64,
        oldest_unreacted_age: oldest,
        trim_headroom: oldest.map(|age| RETENTION.saturating_sub(age)),
        since_heartbeat: moments.heartbeat_at.map(since),
        since_lease_table_read: moments.lease_table_read_at.map(since),
        since_shard_read: idle.map(|shard| since(shard.read_at)).max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(oldest_seconds: Option<i64>, unread_seconds: u64, expected_seconds: u64) {
        let (now, wall) = (Instant::now() + RETENTION, WallClock::default().utc());
        let figures = ShardFigures {
            oldest: oldest_seconds.map(|seconds| wall - chrono::TimeDelta::seconds(seconds)),
            in_flight: 3,
            read_at: now - Duration::from_secs(unread_seconds),
        };
        let moments = Moments {
            shards: [(crate::internal::samples::shard("s-1"), figures)].into(),
            ..Moments::default()
        };
        let snapshot = summarise(&moments, Counters::default(), now, wall);
        let expected = Duration::from_secs(expected_seconds);
        assert_eq!(snapshot.oldest_unreacted_age, Some(expected));
        assert_eq!(snapshot.trim_headroom, Some(RETENTION - expected));
        assert_eq!(snapshot.in_flight, 3);
    }

    #[test]
    fn a_stalled_shard_shows_ages_that_grow_when_nothing_happens() {
        check(None, 1, 1);
        check(None, 3_600, 3_600);
    }

    #[test]
    fn trim_headroom_is_a_day_less_the_age_of_the_oldest_unreacted_record() {
        check(Some(7_200), 1, 7_200);
        check(Some(1), 60, 60);
        check(Some(86_400), 0, 86_400);
    }

    #[test]
    fn counts_survive_their_encoding() {
        let figures = Figures::default();
        figures.polls();
        figures.polls();
        figures.gaps();
        let counters = figures.snapshot().counters;
        let entries: BTreeMap<_, _> = counters.attributes().into_iter().collect();
        assert_eq!((entries["polls"], entries["gaps"]), (2, 1));
        assert_eq!(
            Counters::from_attributes(|name| entries.get(name).copied()),
            counters
        );
    }
}
