//! Lineage: which shards exist, which may be read, which are finished.

pub(crate) mod missing;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::arn;
use crate::lease::{Checkpoint, Lease, StreamEntry};
use crate::source::{ListedShard, ShardKey};

/// How long finished shards are remembered: listings show them for more than a day.
const FINISHED_MEMORY: TimeDelta = TimeDelta::hours(48);

/// The leases that follow from a listing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct NewLeases {
    /// The leases to make, parents before children.
    pub(crate) leases: Vec<Lease>,
    /// Shards whose parent was never listed although they have waited for it: the records of the parent were never read.
    pub(crate) orphans: Vec<ListedShard>,
    /// Shards that wait for their parent to be listed.
    pub(crate) waiting: Vec<ListedShard>,
}

/// Compares a listing with the known leases of its stream. The first shards of a stream begin at its chosen start, later ones at their
/// oldest record. A shard whose parent was never listed waits with its descendants, until `timed_out` returns that it has waited enough.
///
/// Shard ids sort by the time they were made: `shardId-<milliseconds, 20 digits>-<digest>`.
pub(crate) fn new_leases(
    stream: &StreamEntry,
    listing: &[ListedShard],
    known: &BTreeMap<&str, &Lease>,
    timed_out: impl Fn(&ListedShard) -> bool,
    now: DateTime<Utc>,
) -> NewLeases {
    let listed: BTreeSet<&str> = listing.iter().map(|shard| shard.id.as_str()).collect();
    // A shard with a child is closed, whatever else the listing shows.
    let closed: BTreeSet<&str> = listing
        .iter()
        .filter_map(|shard| shard.parent.as_deref())
        .collect();
    let mut waiting_ids: BTreeSet<&str> = BTreeSet::new();
    let mut new = NewLeases::default();
    for shard in parents_first(listing) {
        if known.contains_key(shard.id.as_str()) {
            continue;
        }
        let parent = shard.parent.as_deref();
        let missing = parent.is_some_and(|id| !listed.contains(id) && !known.contains_key(id));
        // At the first start a missing parent was trimmed, unless older shards are still listed.
        if missing && (stream.seeded || parent > listed.first().copied()) {
            if !timed_out(shard) {
                new.waiting.push(shard.clone());
                waiting_ids.insert(&shard.id);
                continue;
            }
            new.orphans.push(shard.clone());
        }
        if parent.is_some_and(|parent| waiting_ids.contains(parent)) {
            waiting_ids.insert(&shard.id);
            continue;
        }
        // Its records were written after its parent was closed, and no worker has read them since.
        let parent = parent.and_then(|parent| known.get(parent));
        let unread_since = parent.and_then(|parent| parent.finished_at).unwrap_or(now);
        new.leases.push(first_lease(
            stream,
            shard,
            closed.contains(shard.id.as_str()),
            unread_since.min(now),
        ));
    }
    new
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
    let skipped = closed && matches!(checkpoint, Checkpoint::Since(_));
    let mut lease = Lease::new(key, shard.parent.clone(), checkpoint, now);
    lease.finished_at = skipped.then_some(now);
    lease
}

/// Orders shards so that a parent comes before its children: a child whose parent has no lease would count as ready.
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

/// Returns the leases that may be held now: not finished, every parent finished or absent, and every older stream of the table drained.
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

/// Returns the streams of a table that this application reads: all from the oldest known one on, or only the newest if it knows none.
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

/// Whether a stream that gets no more records has been read to its end.
pub(crate) fn is_drained(listing: &[ListedShard], known: &BTreeMap<&str, &Lease>) -> bool {
    known.values().all(|lease| lease.is_finished())
        && listing
            .iter()
            .all(|shard| known.contains_key(shard.id.as_str()))
}

/// Returns the finished leases that may be forgotten.
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
