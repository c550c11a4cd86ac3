//! Lineage: which shards there are, which may be read, which are done.

pub(crate) mod unseen;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::arn;
use crate::lease::{Checkpoint, Lease, StreamEntry};
use crate::source::{ListedShard, ShardKey};

/// How long finished shards are remembered: listings go on showing them for a day and more.
const FINISHED_MEMORY: TimeDelta = TimeDelta::hours(48);

/// What a listing means for the leases of its stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Growth {
    /// The leases to make, parents before children.
    pub(crate) leases: Vec<Lease>,
    /// Shards whose parent nobody has seen and nobody waits for any longer: what it held was never read.
    pub(crate) breaks: Vec<ListedShard>,
    /// Shards whose parent nobody has seen yet: it may still be listed.
    pub(crate) early: Vec<ListedShard>,
}

/// Compares a listing with the known leases of its stream. A stream that is not seeded yet gets its
/// chosen start; later shards always begin at their oldest record. A shard whose parent nobody has seen
/// waits, and its descendants with it, until `given_up` says that it has waited enough.
///
/// Shard ids sort by the time they were made: `shardId-<milliseconds, 20 digits>-<digest>`.
pub(crate) fn grow(
    stream: &StreamEntry,
    listing: &[ListedShard],
    known: &BTreeMap<&str, &Lease>,
    given_up: impl Fn(&ListedShard) -> bool,
    now: DateTime<Utc>,
) -> Growth {
    let listed: BTreeSet<&str> = listing.iter().map(|shard| shard.id.as_str()).collect();
    // A shard with a child is closed, whatever else the listing says of it.
    let closed: BTreeSet<&str> = listing
        .iter()
        .filter_map(|shard| shard.parent.as_deref())
        .collect();
    let mut waiting: BTreeSet<&str> = BTreeSet::new();
    let mut growth = Growth::default();
    for shard in parents_first(listing) {
        if known.contains_key(shard.id.as_str()) {
            continue;
        }
        let parent = shard.parent.as_deref();
        let unseen = parent.is_some_and(|id| !listed.contains(id) && !known.contains_key(id));
        // At the first start an absent parent is a trimmed one, unless older shards are still listed.
        if unseen && (stream.seeded || parent > listed.first().copied()) {
            if !given_up(shard) {
                growth.early.push(shard.clone());
                waiting.insert(&shard.id);
                continue;
            }
            growth.breaks.push(shard.clone());
        }
        if parent.is_some_and(|parent| waiting.contains(parent)) {
            waiting.insert(&shard.id);
            continue;
        }
        // Whatever it holds was written since its parent closed, and nobody has looked since then.
        let parent = parent.and_then(|parent| known.get(parent));
        let unread_since = parent.and_then(|parent| parent.finished_at).unwrap_or(now);
        growth.leases.push(first_lease(
            stream,
            shard,
            closed.contains(shard.id.as_str()),
            unread_since.min(now),
        ));
    }
    growth
}

fn first_lease(
    stream: &StreamEntry,
    shard: &ListedShard,
    closed: bool,
    now: DateTime<Utc>,
) -> Lease {
    let key = ShardKey {
        stream_arn: stream.stream_arn.clone(),
        shard_id: shard.id.clone(),
    };
    let checkpoint = if stream.seeded {
        Checkpoint::TrimHorizon
    } else {
        stream.start.clone()
    };
    let passed_over = closed && matches!(checkpoint, Checkpoint::Since(_));
    let mut lease = Lease::new(key, shard.parent.clone(), checkpoint, now);
    lease.finished_at = passed_over.then_some(now);
    lease
}

/// Orders shards so that a parent comes before its children: a child whose parent has no lease would
/// count as free to read.
fn parents_first(listing: &[ListedShard]) -> Vec<&ListedShard> {
    let by_id: BTreeMap<&str, &ListedShard> = listing
        .iter()
        .map(|shard| (shard.id.as_str(), shard))
        .collect();
    let mut placed = BTreeSet::new();
    let mut order = Vec::with_capacity(by_id.len());
    for mut shard in by_id.values().copied() {
        let mut line = Vec::new();
        while placed.insert(shard.id.as_str()) {
            line.push(shard);
            match shard.parent.as_deref().and_then(|parent| by_id.get(parent)) {
                Some(parent) => shard = parent,
                None => break,
            }
        }
        order.extend(line.into_iter().rev());
    }
    order
}

/// Finds the leases that may be held now: not finished, every parent finished or absent, and every
/// older stream of the table drained.
pub(crate) fn ready<'a>(leases: &'a [Lease], streams: &[StreamEntry]) -> Vec<&'a Lease> {
    let unfinished: BTreeSet<&ShardKey> = leases
        .iter()
        .filter(|lease| !lease.is_finished())
        .map(|lease| &lease.shard)
        .collect();
    let waits_for_parent = |lease: &Lease| {
        lease.parents.iter().any(|parent| {
            unfinished.contains(&ShardKey {
                stream_arn: lease.shard.stream_arn.clone(),
                shard_id: parent.clone(),
            })
        })
    };
    leases
        .iter()
        .filter(|lease| !lease.is_finished())
        .filter(|lease| !waits_for_parent(lease))
        .filter(|lease| !waits_for_older_stream(&lease.shard.stream_arn, streams))
        .collect()
}

fn waits_for_older_stream(stream_arn: &str, streams: &[StreamEntry]) -> bool {
    let table = arn::table_name(stream_arn);
    streams.iter().any(|other| {
        !other.drained
            && arn::table_name(&other.stream_arn) == table
            && arn::label(&other.stream_arn) < arn::label(stream_arn)
    })
}

/// Picks the streams of a table that this application reads: all from the oldest it knows on, and if
/// it knows none, the newest alone.
pub(crate) fn relevant(listed: &[String], known: &[&StreamEntry]) -> Vec<String> {
    let mut arns: BTreeMap<&str, &str> = listed
        .iter()
        .map(|stream_arn| (arn::label(stream_arn), stream_arn.as_str()))
        .collect();
    for entry in known {
        arns.insert(arn::label(&entry.stream_arn), &entry.stream_arn);
    }
    let oldest_known = known
        .iter()
        .map(|entry| arn::label(&entry.stream_arn))
        .min();
    let from = oldest_known.or_else(|| arns.keys().next_back().copied());
    let Some(from) = from.map(str::to_owned) else {
        return Vec::new();
    };
    arns.range(from.as_str()..)
        .map(|(_, stream_arn)| (*stream_arn).to_owned())
        .collect()
}

/// Whether a stream that takes no more records has been read to its end.
pub(crate) fn is_drained(listing: &[ListedShard], known: &BTreeMap<&str, &Lease>) -> bool {
    known.values().all(|lease| lease.is_finished())
        && listing
            .iter()
            .all(|shard| known.contains_key(shard.id.as_str()))
}

/// Finds the finished leases that may be forgotten.
pub(crate) fn forgettable<'a>(
    listing: &[ListedShard],
    known: &BTreeMap<&str, &'a Lease>,
    now: DateTime<Utc>,
) -> Vec<&'a Lease> {
    known
        .values()
        .filter(|lease| {
            lease
                .finished_at
                .is_some_and(|at| now - at >= FINISHED_MEMORY)
        })
        .filter(|lease| listing.iter().all(|shard| shard.id != lease.shard.shard_id))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests;
