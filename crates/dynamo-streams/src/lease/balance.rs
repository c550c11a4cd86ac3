//! Balances leases: which lease a worker should take or request.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::Lease;
use super::liveness::Liveness;
use crate::source::ShardKey;

/// The weight of a shard without load.
const IDLE_WEIGHT: u64 = 1_000;
/// Bytes a second that weigh as much as one thousandth of an idle shard: 64 KB/s count as a shard more.
const BYTES_PER_WEIGHT: u64 = 64;

/// What a worker should do about a lease.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Move {
    /// Take the lease, under a new epoch.
    Take(ShardKey),
    /// Request the lease from its live holder.
    RequestHandover(ShardKey),
}

/// The state on which a worker decides.
#[derive(Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) me: &'a str,
    /// The leases that may be held now.
    pub(crate) ready: &'a [&'a Lease],
    pub(crate) liveness: &'a Liveness,
    /// The shards that this process reads at this moment.
    pub(crate) held: &'a BTreeSet<ShardKey>,
    /// When this worker requested the leases that it has not got yet.
    pub(crate) requested: &'a BTreeMap<ShardKey, Instant>,
    pub(crate) handover_timeout: Duration,
    pub(crate) now: Instant,
}

/// Decides what this worker should do. Every worker decides for itself; conditional writes decide which worker is first.
pub(crate) fn moves(situation: &Situation<'_>) -> Vec<Move> {
    let Situation { me, now, .. } = *situation;
    let mut workers: BTreeMap<&str, u64> = BTreeMap::from([(me, 0)]);
    let live = situation.liveness.live(now);
    workers.extend(live.iter().map(|worker| (worker.as_str(), 0)));
    let mut free = Vec::new();
    let mut moves = Vec::new();
    for lease in situation.ready {
        let owner = lease.owner.as_deref();
        if owner == Some(me) && !situation.held.contains(&lease.shard) {
            moves.push(Move::Take(lease.shard.clone()));
        }
        match owner.filter(|owner| *owner == me || situation.liveness.is_live(owner, now)) {
            Some(owner) => {
                let holder = lease.handover_to.as_deref().unwrap_or(owner);
                let holder = if workers.contains_key(holder) {
                    holder
                } else {
                    owner
                };
                *workers.entry(holder).or_default() += weight(lease);
            }
            None => free.push(*lease),
        }
    }
    let total: u64 = situation.ready.iter().map(|lease| weight(lease)).sum();
    let mine = take_free(situation, free, &mut workers, total, &mut moves);
    take_overdue(situation, &mut moves);
    if mine.is_none() && situation.requested.is_empty() {
        moves.extend(request_handover(situation, &workers));
    }
    moves
}

fn weight(lease: &Lease) -> u64 {
    IDLE_WEIGHT + lease.load / BYTES_PER_WEIGHT
}

/// Takes free leases, the heaviest first, while this worker has less than its share. While a lease is free some worker has less than its
/// share, so that no lease stays free.
fn take_free<'a>(
    situation: &Situation<'a>,
    mut free: Vec<&Lease>,
    workers: &mut BTreeMap<&'a str, u64>,
    total: u64,
    moves: &mut Vec<Move>,
) -> Option<ShardKey> {
    free.sort_by_key(|lease| std::cmp::Reverse((weight(lease), lease.shard.clone())));
    let count = workers.len() as u64;
    let mut load = workers.get(situation.me).copied().unwrap_or(0);
    let mut last = None;
    for lease in free {
        if load * count >= total {
            break;
        }
        load += weight(lease);
        moves.push(Move::Take(lease.shard.clone()));
        last = Some(lease.shard.clone());
    }
    workers.insert(situation.me, load);
    last
}

/// Takes leases that were requested and not handed over in time, unless they are taken already.
fn take_overdue(situation: &Situation<'_>, moves: &mut Vec<Move>) {
    for lease in situation.ready {
        let overdue = situation
            .requested
            .get(&lease.shard)
            .is_some_and(|requested| {
                situation.now.duration_since(*requested) >= situation.handover_timeout
            });
        let take = Move::Take(lease.shard.clone());
        if overdue && lease.handover_to.as_deref() == Some(situation.me) && !moves.contains(&take) {
            moves.push(take);
        }
    }
}

/// Requests one lease from the most loaded worker, if that reduces the difference by more than a fifth of the weight of the lease.
fn request_handover(situation: &Situation<'_>, workers: &BTreeMap<&str, u64>) -> Option<Move> {
    let mine = workers.get(situation.me).copied().unwrap_or(0);
    let (busiest, most) = workers.iter().max_by_key(|(_, load)| **load)?;
    situation
        .ready
        .iter()
        .filter(|lease| lease.owner.as_deref() == Some(*busiest))
        .filter(|lease| {
            let requester = lease.handover_to.as_deref();
            requester.is_none_or(|requester| !situation.liveness.is_live(requester, situation.now))
        })
        .filter(|lease| {
            let weight = weight(lease);
            mine + weight + weight / 5 <= *most
        })
        .max_by_key(|lease| (weight(lease), &lease.shard))
        .map(|lease| Move::RequestHandover(lease.shard.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::samples::{free_lease, heartbeat, owned_lease, shard};

    const LEASE: Duration = Duration::from_secs(25);

    struct Check<'a> {
        workers: &'a [&'a str],
        leases: Vec<Lease>,
        held: &'a [&'a str],
        requested_seconds_ago: &'a [(&'a str, u64)],
        dead: &'a [&'a str],
    }

    impl Check<'_> {
        fn moves(&self, me: &str) -> Vec<Move> {
            let start = Instant::now();
            let now = start + LEASE * 4;
            let mut liveness = Liveness::new(LEASE);
            let beats = |beat| -> Vec<_> {
                self.workers
                    .iter()
                    .map(|worker| heartbeat(worker, beat))
                    .collect()
            };
            let dead: Vec<_> = self
                .dead
                .iter()
                .map(|worker| heartbeat(worker, 1))
                .collect();
            liveness.observe(&[beats(1), dead.clone()].concat(), &self.leases, start);
            liveness.observe(&[beats(2), dead].concat(), &self.leases, now);
            let requested = self.requested_seconds_ago.iter();
            moves(&Situation {
                me,
                ready: &self.leases.iter().collect::<Vec<_>>(),
                liveness: &liveness,
                held: &self.held.iter().map(|id| shard(id)).collect(),
                requested: &requested
                    .map(|(id, ago)| (shard(id), now - Duration::from_secs(*ago)))
                    .collect(),
                handover_timeout: Duration::from_secs(30),
                now,
            })
        }
    }

    fn check(workers: &[&str], leases: Vec<Lease>, me: &str, expected: &[Move]) {
        let held: Vec<String> = leases
            .iter()
            .filter(|lease| lease.owner.as_deref() == Some(me))
            .map(|lease| lease.shard.shard_id.clone())
            .collect();
        let held: Vec<&str> = held.iter().map(String::as_str).collect();
        let check = Check {
            workers,
            leases,
            held: &held,
            requested_seconds_ago: &[],
            dead: &["dead"],
        };
        assert_eq!(check.moves(me), expected);
    }

    #[test]
    fn a_lone_worker_takes_every_free_shard() {
        let leases = vec![free_lease("s-1"), free_lease("s-2")];
        check(
            &["a"],
            leases,
            "a",
            &[Move::Take(shard("s-2")), Move::Take(shard("s-1"))],
        );
    }

    #[test]
    fn each_of_two_workers_takes_half_of_the_free_shards() {
        let leases = vec![free_lease("s-1"), free_lease("s-2")];
        check(&["a", "b"], leases, "a", &[Move::Take(shard("s-2"))]);
    }

    #[test]
    fn the_shards_of_a_dead_worker_are_free() {
        let leases = vec![owned_lease("s-1", "dead", 4), owned_lease("s-2", "a", 1)];
        check(&["a", "b"], leases, "b", &[Move::Take(shard("s-1"))]);
    }

    #[test]
    fn a_newcomer_asks_for_one_shard_at_a_time() {
        let leases = (1..5)
            .map(|n| owned_lease(&format!("s-{n}"), "a", 1))
            .collect();
        check(
            &["a", "b"],
            leases,
            "b",
            &[Move::RequestHandover(shard("s-4"))],
        );
    }

    #[test]
    fn nothing_moves_when_a_move_would_only_swap_the_difference() {
        let leases: Vec<_> = (1..4)
            .map(|n| owned_lease(&format!("s-{n}"), if n == 1 { "b" } else { "a" }, 1))
            .collect();
        check(&["a", "b"], leases.clone(), "b", &[]);
        check(&["a", "b"], leases, "a", &[]);
    }

    #[test]
    fn a_busy_shard_weighs_more_than_an_idle_one() {
        let mut busy = owned_lease("s-1", "a", 1);
        busy.load = 256_000;
        let leases = vec![busy, owned_lease("s-2", "a", 1), owned_lease("s-3", "b", 1)];
        check(
            &["a", "b"],
            leases,
            "b",
            &[Move::RequestHandover(shard("s-2"))],
        );
    }

    #[test]
    fn a_shard_that_is_mine_but_not_read_is_taken_again() {
        let check = Check {
            workers: &["a", "b"],
            leases: vec![owned_lease("s-1", "a", 1)],
            held: &[],
            requested_seconds_ago: &[],
            dead: &[],
        };
        assert_eq!(check.moves("a"), [Move::Take(shard("s-1"))]);
    }

    #[test]
    fn a_holder_that_does_not_hand_over_in_time_loses_the_shard() {
        let mut lease = owned_lease("s-1", "a", 1);
        lease.handover_to = Some("b".to_owned());
        let overdue = |ago| {
            Check {
                workers: &["a", "b"],
                leases: vec![lease.clone(), owned_lease("s-2", "a", 1)],
                held: &[],
                requested_seconds_ago: &[("s-1", ago)],
                dead: &[],
            }
            .moves("b")
        };
        assert_eq!(overdue(29), []);
        assert_eq!(overdue(30), [Move::Take(shard("s-1"))]);
    }

    #[test]
    fn what_is_overdue_of_a_dead_holder_is_taken_once() {
        let mut lease = owned_lease("s-1", "dead", 1);
        lease.handover_to = Some("a".to_owned());
        let check = Check {
            workers: &["a"],
            leases: vec![lease],
            held: &[],
            requested_seconds_ago: &[("s-1", 30)],
            dead: &["dead"],
        };
        assert_eq!(check.moves("a"), [Move::Take(shard("s-1"))]);
    }

    proptest::proptest! {
        #[test]
        fn taking_turns_ends_balanced_with_few_moves(shards in 1_usize..12, workers in 1_usize..5) {
            let names: Vec<String> = (0..workers).map(|n| format!("w-{n}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut leases: Vec<Lease> =
                (0..shards).map(|n| owned_lease(&format!("s-{n:02}"), names[0], 1)).collect();
            let mut handed_over = 0;
            for turn in 0..100 {
                let me = names[turn % workers];
                let held: Vec<String> = leases.iter()
                    .filter(|lease| lease.owner.as_deref() == Some(me))
                    .map(|lease| lease.shard.shard_id.clone())
                    .collect();
                let held: Vec<&str> = held.iter().map(String::as_str).collect();
                let check = Check { workers: &names, leases: leases.clone(), held: &held, requested_seconds_ago: &[], dead: &[] };
                for step in check.moves(me) {
                    let Move::RequestHandover(requested) = step else { panic!("nothing is free") };
                    handed_over += 1;
                    leases.iter_mut().find(|lease| lease.shard == requested).unwrap().owner = Some(me.to_owned());
                }
            }
            let count = |name: &&str| leases.iter().filter(|lease| lease.owner.as_deref() == Some(name)).count();
            let counters: Vec<usize> = names.iter().map(count).collect();
            let spread = counters.iter().max().unwrap() - counters.iter().min().unwrap();
            proptest::prop_assert!(spread <= 1, "{counters:?}");
            proptest::prop_assert_eq!(handed_over, shards - counters[0]);
        }
    }
}
