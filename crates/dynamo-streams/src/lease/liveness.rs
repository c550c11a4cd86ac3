//! Which workers are alive: those whose heartbeats change, on the observer's own clock.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::{Heartbeat, Lease};

/// The heartbeats of the workers as one observer has seen them.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Liveness {
    lease_duration: Duration,
    seen: BTreeMap<String, LastSeen>,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct LastSeen {
    beat: Option<u64>,
    since: Instant,
}

impl Liveness {
    pub(crate) fn new(lease_duration: Duration) -> Self {
        Self {
            lease_duration,
            seen: BTreeMap::new(),
        }
    }

    /// Stores the current heartbeats, and the owners without one.
    pub(crate) fn observe(&mut self, heartbeats: &[Heartbeat], leases: &[Lease], now: Instant) {
        let mut present: BTreeMap<&str, Option<u64>> = leases
            .iter()
            .filter_map(|lease| lease.owner.as_deref())
            .map(|owner| (owner, None))
            .collect();
        for heartbeat in heartbeats {
            present.insert(&heartbeat.worker, Some(heartbeat.beat));
        }
        self.seen
            .retain(|worker, _| present.contains_key(worker.as_str()));
        for (worker, beat) in present {
            match self.seen.get_mut(worker) {
                Some(last_seen) if last_seen.beat == beat => {}
                Some(last_seen) => *last_seen = LastSeen { beat, since: now },
                None => {
                    self.seen
                        .insert(worker.to_owned(), LastSeen { beat, since: now });
                }
            }
        }
    }

    /// Returns whether the worker's heartbeat changed, or was first seen, within the lease duration.
    pub(crate) fn is_live(&self, worker: &str, now: Instant) -> bool {
        self.seen
            .get(worker)
            .is_some_and(|last_seen| now.duration_since(last_seen.since) < self.lease_duration)
    }

    /// Lists the live workers that have a heartbeat, in order.
    pub(crate) fn live(&self, now: Instant) -> Vec<String> {
        self.seen
            .iter()
            .filter(|(worker, last_seen)| last_seen.beat.is_some() && self.is_live(worker, now))
            .map(|(worker, _)| worker.clone())
            .collect()
    }

    /// Lists the workers whose heartbeat has not changed for ten lease durations, so that its item may be removed.
    pub(crate) fn long_dead(&self, now: Instant) -> Vec<(String, u64)> {
        self.seen
            .iter()
            .filter(|(_, last_seen)| {
                now.duration_since(last_seen.since) >= self.lease_duration * 10
            })
            .filter_map(|(worker, last_seen)| Some((worker.clone(), last_seen.beat?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::samples::{heartbeat, owned_lease};

    const LEASE: Duration = Duration::from_secs(25);

    #[test]
    fn a_worker_whose_heartbeat_stands_still_is_dead_after_the_lease_duration() {
        let mut liveness = Liveness::new(LEASE);
        let start = Instant::now();
        liveness.observe(&[heartbeat("w", 7)], &[], start);
        let later = start + LEASE - Duration::from_millis(1);
        liveness.observe(&[heartbeat("w", 7)], &[], later);
        assert!(liveness.is_live("w", later));
        assert!(!liveness.is_live("w", start + LEASE));
        assert_eq!(liveness.live(start + LEASE), Vec::<String>::new());
    }

    #[test]
    fn a_worker_whose_heartbeat_moves_stays_alive_whatever_its_clock_says() {
        let mut liveness = Liveness::new(LEASE);
        let start = Instant::now();
        for beat in 0..10 {
            let now = start + Duration::from_secs(20) * u32::try_from(beat).unwrap();
            liveness.observe(&[heartbeat("w", beat)], &[], now);
            assert!(liveness.is_live("w", now));
        }
    }

    #[test]
    fn an_owner_without_a_heartbeat_is_given_the_lease_duration_from_the_first_sight() {
        let mut liveness = Liveness::new(LEASE);
        let start = Instant::now();
        let leases = [owned_lease("s-1", "gone", 3)];
        liveness.observe(&[], &leases, start);
        assert!(liveness.is_live("gone", start + LEASE / 2));
        liveness.observe(&[], &leases, start + LEASE);
        assert!(!liveness.is_live("gone", start + LEASE));
        assert!(
            liveness.live(start).is_empty(),
            "it takes no share of the shards"
        );
    }

    #[test]
    fn a_heartbeat_may_be_removed_only_long_after_its_worker_died() {
        let mut liveness = Liveness::new(LEASE);
        let start = Instant::now();
        liveness.observe(&[heartbeat("w", 1)], &[], start);
        assert!(liveness.long_dead(start + LEASE * 9).is_empty());
        assert_eq!(
            liveness.long_dead(start + LEASE * 10),
            [("w".to_owned(), 1)]
        );
    }
}
