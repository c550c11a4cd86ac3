//! What a person or an alarm wants to know: ages, backlog, cost.

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
    ($($(#[$doc:meta])* $name:ident => $metric:literal,)*) => {
        /// Counts since this processor was made.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        #[derive(Debug, Default)]
        struct Counters {
            $($name: AtomicU64,)*
        }

        impl Counters {
            fn read(&self) -> Counts {
                Counts { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }

        impl Figures {
            $(pub(crate) fn $name(&self) {
                self.counters.$name.fetch_add(1, Ordering::Relaxed);
                metrics::counter!($metric).increment(1);
            })*

            /// Makes each counter known to the process's metrics recorder while it is 0, so that its first step is seen as one.
            pub(crate) fn register(&self) {
                $(metrics::counter!($metric).increment(0);)*
            }
        }

        impl Counts {
            /// Names and values, for encoding.
            pub(crate) fn entries(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }

            /// Reads back what `entries` gave; unknown names are left out.
            pub(crate) fn from_entries(entry: impl Fn(&str) -> Option<u64>) -> Self {
                Self { $($name: entry(stringify!($name)).unwrap_or(0),)* }
            }
        }
    };
}

counters! {
    /// Reads of shards.
    polls => "dynamo_streams.polls",
    /// Reads that found nothing.
    empty_polls => "dynamo_streams.empty_polls",
    /// Records whose handler said done.
    done => "dynamo_streams.records.done",
    /// Attempts that are to be repeated.
    retried => "dynamo_streams.records.retried",
    /// Records that were parked.
    quarantined => "dynamo_streams.records.quarantined",
    /// Gaps that were found.
    gaps => "dynamo_streams.gaps",
    /// Shards that were lost to another worker.
    lost_leases => "dynamo_streams.leases.lost",
    /// Shards that were taken.
    taken_leases => "dynamo_streams.leases.taken",
    /// Shards that were read to their end.
    finished_shards => "dynamo_streams.shards.finished",
    /// Writes to the lease table: heartbeats, checkpoints, changes of owner.
    lease_writes => "dynamo_streams.lease.writes",
    /// Listings of shards.
    listings => "dynamo_streams.listings",
}

/// The figures of one processor at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The age of the oldest record, or of the last successful look at a shard where that is older:
    /// it grows when nothing happens. None while no shard is held.
    pub oldest_unreacted_age: Option<Duration>,
    /// 24 hours minus that age: what is left before the stream drops records that nobody reacted to.
    pub trim_headroom: Option<Duration>,
    /// Records that are read and not finished.
    pub unacknowledged: u64,
    /// Shards that this processor holds.
    pub shards: u64,
    /// Counts since this processor was made.
    pub counts: Counts,
}

/// How long ago each loop of a processor last had an answer. A processor stands still when one of them grows beyond its rhythm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Since the lease table took a heartbeat, one of which is due every `heartbeat_interval`. None before the first.
    pub heartbeat: Option<Duration>,
    /// Since the lease table was read, which is due every `sync_interval`. None before the first time.
    pub lease_table: Option<Duration>,
    /// The longest since a read of a shard that is held, of those with nothing unfinished: the others may wait for room.
    /// None while there is none.
    pub shards: Option<Duration>,
}

/// A window into a running processor.
#[derive(Clone, Debug)]
pub struct Monitor(pub(crate) Arc<Figures>);

impl Monitor {
    /// Reads the figures as they stand now.
    pub fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    /// Reads the figures and shows them to the process's metrics recorder, which otherwise has them with each heartbeat: for a
    /// scrape, so that ages grow also when the heartbeat stands still.
    pub fn publish(&self) -> Snapshot {
        self.0.publish()
    }

    /// Reads how long ago each loop last had an answer.
    pub fn pulse(&self) -> Pulse {
        self.0.pulse(Instant::now())
    }
}

/// What a shard looks like from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gauge {
    /// When the oldest record that is read and not finished was written.
    pub(crate) oldest: Option<DateTime<Utc>>,
    pub(crate) unfinished: usize,
    /// When the last successful read was asked for.
    pub(crate) read_at: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Figures {
    wall_clock: WallClock,
    counters: Counters,
    shards: Mutex<BTreeMap<ShardKey, Gauge>>,
    answers: Mutex<Answers>,
}

/// When each loop last had an answer.
#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    beaten_at: Option<Instant>,
    viewed_at: Option<Instant>,
}

impl Figures {
    pub(crate) fn new(wall_clock: WallClock) -> Self {
        Self {
            wall_clock,
            ..Self::default()
        }
    }

    pub(crate) fn gauge(&self, shard: &ShardKey, gauge: Gauge) {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        match shards.get_mut(shard) {
            Some(known) => *known = gauge,
            None => {
                shards.insert(shard.clone(), gauge);
            }
        }
    }

    pub(crate) fn forget(&self, shard: &ShardKey) {
        self.shards
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(shard);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let gauges: Vec<Gauge> = {
            let shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
            shards.values().copied().collect()
        };
        summarise(
            &gauges,
            self.counters.read(),
            Instant::now(),
            self.wall_clock.now(),
        )
    }

    /// Notes that the lease table took a heartbeat.
    pub(crate) fn beaten(&self) {
        self.answers().beaten_at = Some(Instant::now());
    }

    /// Notes that the lease table was read.
    pub(crate) fn viewed(&self) {
        self.answers().viewed_at = Some(Instant::now());
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pulse(&self, now: Instant) -> Pulse {
        let shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = shards.values().filter(|gauge| gauge.unfinished == 0);
        let since = |at: Instant| now.saturating_duration_since(at);
        let Answers {
            beaten_at,
            viewed_at,
        } = *self.answers();
        Pulse {
            heartbeat: beaten_at.map(since),
            lease_table: viewed_at.map(since),
            shards: idle.map(|gauge| since(gauge.read_at)).max(),
        }
    }

    /// Shows the gauges to the process's metrics recorder.
    #[expect(
        clippy::cast_precision_loss,
        reason = "gauges are floating point numbers"
    )]
    pub(crate) fn publish(&self) -> Snapshot {
        let snapshot = self.snapshot();
        let age = snapshot.oldest_unreacted_age.unwrap_or_default();
        metrics::gauge!("dynamo_streams.oldest_unreacted_age_seconds").set(age.as_secs_f64());
        metrics::gauge!("dynamo_streams.trim_headroom_seconds")
            .set(snapshot.trim_headroom.unwrap_or(RETENTION).as_secs_f64());
        metrics::gauge!("dynamo_streams.unacknowledged").set(snapshot.unacknowledged as f64);
        metrics::gauge!("dynamo_streams.shards").set(snapshot.shards as f64);
        snapshot
    }
}

fn summarise(gauges: &[Gauge], counts: Counts, now: Instant, wall: DateTime<Utc>) -> Snapshot {
    let age = |gauge: &Gauge| {
        let unread = now.saturating_duration_since(gauge.read_at);
        let oldest = gauge
            .oldest
            .and_then(|oldest| (wall - oldest).to_std().ok());
        unread.max(oldest.unwrap_or_default())
    };
    let oldest = gauges.iter().map(age).max();
    Snapshot {
        oldest_unreacted_age: oldest,
        trim_headroom: oldest.map(|age| RETENTION.saturating_sub(age)),
        unacknowledged: gauges.iter().map(|gauge| gauge.unfinished as u64).sum(),
        shards: gauges.len() as u64,
        counts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(oldest_seconds: Option<i64>, unread_seconds: u64, expected_seconds: u64) {
        let (now, wall) = (Instant::now() + RETENTION, WallClock::default().now());
        let gauge = Gauge {
            oldest: oldest_seconds.map(|seconds| wall - chrono::TimeDelta::seconds(seconds)),
            unfinished: 3,
            read_at: now - Duration::from_secs(unread_seconds),
        };
        let snapshot = summarise(&[gauge], Counts::default(), now, wall);
        let expected = Duration::from_secs(expected_seconds);
        assert_eq!(snapshot.oldest_unreacted_age, Some(expected));
        assert_eq!(snapshot.trim_headroom, Some(RETENTION - expected));
        assert_eq!(snapshot.unacknowledged, 3);
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
        let counts = figures.snapshot().counts;
        let entries: BTreeMap<_, _> = counts.entries().into_iter().collect();
        assert_eq!((entries["polls"], entries["gaps"]), (2, 1));
        assert_eq!(
            Counts::from_entries(|name| entries.get(name).copied()),
            counts
        );
    }
}
