//! Leases that were finished when the lease table was last read whole. They are remembered for 48 hours, many times as many as there are
//! shards to read, and not read again every few seconds.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Lease, View};
use crate::error::Error;
use crate::source::ShardKey;
use crate::store::LeaseStore;

/// How many finished leases for each stream are worth a request of their own: about as many as one read unit returns.
const WORTH_A_REQUEST: usize = 16;

/// The last whole reading of the lease table.
#[derive(Debug, Default)]
pub(crate) struct Settled(Mutex<Option<Arc<Whole>>>);

#[derive(Debug)]
struct Whole {
    read_at: Instant,
    known: BTreeSet<ShardKey>,
    streams: BTreeSet<String>,
    /// The first shard of each stream that is not finished; the last one of a stream whose shards are all finished. Ids of shards sort by
    /// the time they were made, so that the leases of later shards follow.
    first: Vec<ShardKey>,
    /// The leases before these.
    finished: Vec<Lease>,
}

impl Settled {
    /// Reads the lease table: whole if that was longer ago than `whole_every`, or if few leases would be left out.
    pub(crate) async fn view<L: LeaseStore>(
        &self,
        store: &L,
        whole_every: Duration,
    ) -> Result<View, Error> {
        let now = Instant::now();
        let last = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let last = last.filter(|whole| now < whole.read_at + whole_every && whole.is_worth_it());
        if let Some(whole) = last
            && let Some(view) = whole.complete(store.view_from(&whole.first).await?)
        {
            return Ok(view);
        }
        let view = store.view().await?;
        let whole = Some(Arc::new(Whole::new(&view, now)));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = whole;
        Ok(view)
    }
}

impl Whole {
    fn new(view: &View, read_at: Instant) -> Self {
        let of = |stream_arn: &str| {
            let leases = view.leases.iter();
            let leases = leases.filter(|lease| lease.shard.stream_arn == stream_arn);
            let shards = leases.clone().map(|lease| &lease.shard);
            let unfinished = leases.filter(|lease| !lease.is_finished());
            let first = unfinished.map(|lease| &lease.shard).min();
            first.or_else(|| shards.max()).cloned()
        };
        let entries = view.streams.iter().map(|entry| &entry.stream_arn);
        let leases = view.leases.iter().map(|lease| &lease.shard.stream_arn);
        let streams: BTreeSet<String> = entries.chain(leases).cloned().collect();
        let first = streams.iter().map(|stream_arn| {
            of(stream_arn).unwrap_or_else(|| ShardKey {
                stream_arn: stream_arn.clone(),
                shard_id: String::new(),
            })
        });
        let first: Vec<ShardKey> = first.collect();
        let is_before = |lease: &&Lease| {
            let mut first = first.iter();
            let first = first.find(|first| first.stream_arn == lease.shard.stream_arn);
            first.is_some_and(|first| lease.shard < *first)
        };
        Self {
            read_at,
            known: view
                .leases
                .iter()
                .map(|lease| lease.shard.clone())
                .collect(),
            finished: view.leases.iter().filter(is_before).cloned().collect(),
            streams,
            first,
        }
    }

    fn is_worth_it(&self) -> bool {
        self.finished.len() > WORTH_A_REQUEST * self.first.len()
    }

    /// Adds the finished leases to what was read of the others. Returns none if a lease may be missing: of a new stream, or of the parent of
    /// a new shard, which would then count as ready.
    fn complete(&self, mut view: View) -> Option<View> {
        let mut streams = view.streams.iter();
        if !streams.all(|entry| self.streams.contains(&entry.stream_arn)) {
            return None;
        }
        let read: BTreeSet<&ShardKey> = view.leases.iter().map(|lease| &lease.shard).collect();
        let is_sure = |lease: &Lease| {
            self.known.contains(&lease.shard)
                || lease.parents.iter().all(|parent| {
                    let parent = ShardKey {
                        stream_arn: lease.shard.stream_arn.clone(),
                        shard_id: parent.clone(),
                    };
                    self.known.contains(&parent) || read.contains(&parent)
                })
        };
        if !view.leases.iter().all(is_sure) {
            return None;
        }
        view.leases.extend(self.finished.iter().cloned());
        Some(view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::samples::{STREAM, epoch_time, free_lease};
    use crate::lease::{Checkpoint, StreamEntry};

    fn view(leases: &[(&str, bool, Option<&str>)]) -> View {
        let leases = leases.iter().map(|(id, finished, parent)| {
            let mut lease = free_lease(id);
            lease.finished_at = finished.then(|| epoch_time(0));
            lease.parents = parent.map(str::to_owned).into_iter().collect();
            lease
        });
        View {
            leases: leases.collect(),
            heartbeats: Vec::new(),
            streams: vec![StreamEntry {
                stream_arn: STREAM.to_owned(),
                start: Checkpoint::TrimHorizon,
                seeded: true,
                drained: false,
            }],
        }
    }

    fn ids(view: &View) -> Vec<&str> {
        let ids = view
            .leases
            .iter()
            .map(|lease| lease.shard.shard_id.as_str());
        let mut ids: Vec<&str> = ids.collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn what_is_read_again_begins_at_the_first_lease_that_is_not_finished() {
        let leases = [("a", true, None), ("b", false, None), ("c", true, None)];
        let whole = Whole::new(&view(&leases), Instant::now());
        assert_eq!(whole.first[0].shard_id, "b");
        let again = view(&[
            ("b", true, None),
            ("c", true, None),
            ("d", false, Some("b")),
        ]);
        assert_eq!(ids(&whole.complete(again).unwrap()), ["a", "b", "c", "d"]);
    }

    #[test]
    fn where_all_are_finished_the_last_is_read_again_and_what_follows() {
        let whole = Whole::new(
            &view(&[("a", true, None), ("b", true, None)]),
            Instant::now(),
        );
        assert_eq!(whole.first[0].shard_id, "b");
        let nothing = Whole::new(&view(&[]), Instant::now());
        assert_eq!(nothing.first[0].shard_id, "");
    }

    #[test]
    fn a_child_whose_parent_may_have_a_lease_that_was_not_read_is_not_believed() {
        let whole = Whole::new(
            &view(&[("a", true, None), ("c", false, None)]),
            Instant::now(),
        );
        let child = |parent| view(&[("c", false, None), ("d", false, Some(parent))]);
        assert!(whole.complete(child("b")).is_none());
        assert!(whole.complete(child("a")).is_some());
        assert!(whole.complete(child("c")).is_some());
        let mut other = child("a");
        other.streams[0].stream_arn.push('+');
        assert!(whole.complete(other).is_none(), "a new stream");
    }
}
