//! A lease store in memory, with the same conditions as the table.

mod parked;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::link::Link;
use super::rows::Rows;
use crate::error::Error;
use crate::item::ItemId;
use crate::lease::{Guard, Heartbeat, Lease, Seen, StreamEntry, View};
use crate::observer::GapRecord;
use crate::source::ShardKey;
use crate::store::{LeaseStore, SkippedRecord};
use parked::Item;

/// The lease table of one world; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(Arc<Mutex<State>>);

/// The lease table as one worker reaches it.
#[derive(Clone, Debug)]
pub(crate) struct MemoryStore {
    memory: Memory,
    link: Link,
}

/// A checkpoint that was written: by whom, under which epoch, and up to where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) shard: ShardKey,
    pub(crate) owner: String,
    pub(crate) epoch: u64,
    pub(crate) checkpoint: u64,
    /// What had been parked when it was written.
    pub(crate) parked: BTreeSet<u64>,
}

/// The fakes number their records from 100.
const SMALL: &str = "the number of a fake record is small";

type SaveAudit = Arc<dyn Fn(&Saved) + Send + Sync>;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) leases: Rows,
    heartbeats: BTreeMap<String, Heartbeat>,
    pub(crate) streams: BTreeMap<String, StreamEntry>,
    items: BTreeMap<ItemId, Item>,
    skipped: Vec<SkippedRecord>,
    pub(crate) gaps: BTreeMap<(String, String, Option<String>), GapRecord>,
    pub(crate) writes: u64,
    pub(crate) leases_read: u64,
    pub(crate) audit: Option<SaveAudit>,
    pub(crate) ever_parked: BTreeSet<u64>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("leases", &self.leases)
            .finish_non_exhaustive()
    }
}

impl Memory {
    pub(crate) fn store(&self, link: &Link) -> MemoryStore {
        MemoryStore {
            memory: self.clone(),
            link: link.clone(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Shows a checkpoint that was written to the audit.
    fn saved(&self, guard: &Guard, checkpoint: Option<&str>) {
        if let (Some(audit), Some(number)) = (self.audit.clone(), checkpoint) {
            audit(&Saved {
                shard: guard.shard.clone(),
                owner: guard.owner.clone(),
                epoch: guard.epoch,
                checkpoint: number.parse().expect(SMALL),
                parked: self.ever_parked.clone(),
            });
        }
    }
}

impl MemoryStore {
    async fn write<T>(
        &self,
        operation: &'static str,
        apply: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let write = || {
            let mut state = self.memory.lock();
            state.writes += 1;
            apply(&mut state)
        };
        self.link.call(operation, write).await
    }

    async fn read<T>(
        &self,
        operation: &'static str,
        look: impl FnOnce(&State) -> T,
    ) -> Result<T, Error> {
        self.link
            .call(operation, || Ok(look(&self.memory.lock())))
            .await
    }
}

impl LeaseStore for MemoryStore {
    async fn view_from(&self, first: &[ShardKey]) -> Result<View, Error> {
        let is_read = |lease: &&Lease| {
            let follows = |first: &ShardKey| {
                first.stream_arn == lease.shard.stream_arn && *first <= lease.shard
            };
            first.is_empty() || first.iter().any(follows)
        };
        let look = || {
            let mut state = self.memory.lock();
            let leases: Vec<Lease> = state.leases.iter().filter(is_read).cloned().collect();
            state.leases_read += leases.len() as u64;
            Ok(View {
                leases,
                heartbeats: state.heartbeats.values().cloned().collect(),
                streams: state.streams.values().cloned().collect(),
            })
        };
        self.link.call("view", look).await
    }

    async fn write_heartbeat(&self, heartbeat: &Heartbeat, joins: bool) -> Result<(), Error> {
        let beat = |state: &mut State| {
            let last = state.heartbeats.get(&heartbeat.worker);
            if !joins && last.is_none_or(|last| last.beat > heartbeat.beat) {
                return Err(Error::Fenced);
            }
            state
                .heartbeats
                .insert(heartbeat.worker.clone(), heartbeat.clone());
            Ok(())
        };
        self.write("beat", beat).await
    }

    async fn remove_heartbeat(&self, worker: &str, beat: Option<u64>) -> Result<(), Error> {
        let retire = |state: &mut State| {
            let last = state.heartbeats.get(worker).map(|heartbeat| heartbeat.beat);
            if beat.is_some() && beat != last {
                return Err(Error::Fenced);
            }
            state.heartbeats.remove(worker);
            Ok(())
        };
        self.write("retire", retire).await
    }

    async fn add_stream(&self, stream: &StreamEntry) -> Result<(), Error> {
        let enter = |state: &mut State| {
            state
                .streams
                .entry(stream.stream_arn.clone())
                .or_insert_with(|| stream.clone());
            Ok(())
        };
        self.write("add_stream", enter).await
    }

    async fn mark_seeded(&self, stream_arn: &str) -> Result<(), Error> {
        let mark = |state: &mut State| {
            state
                .streams
                .get_mut(stream_arn)
                .ok_or(Error::Fenced)?
                .seeded = true;
            Ok(())
        };
        self.write("mark_seeded", mark).await
    }

    async fn mark_drained(&self, stream_arn: &str) -> Result<(), Error> {
        let mark = |state: &mut State| {
            state
                .streams
                .get_mut(stream_arn)
                .ok_or(Error::Fenced)?
                .drained = true;
            Ok(())
        };
        self.write("mark_drained", mark).await
    }

    async fn create(&self, lease: &Lease) -> Result<bool, Error> {
        let create = |state: &mut State| Ok(state.leases.create(lease));
        self.write("create", create).await
    }

    async fn take(&self, seen: Seen<'_>, worker: &str) -> Result<Lease, Error> {
        let take = |state: &mut State| state.leases.take(seen, worker);
        self.write("take", take).await
    }

    async fn request_handover(&self, seen: Seen<'_>, worker: &str) -> Result<(), Error> {
        self.write("ask", |state| state.leases.request_handover(seen, worker))
            .await
    }

    async fn checkpoint(
        &self,
        guard: &Guard,
        checkpoint: &str,
        load: u64,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let save = |state: &mut State| {
            state.leases.checkpoint(guard, checkpoint, load, now)?;
            state.saved(guard, Some(checkpoint));
            Ok(())
        };
        self.write("checkpoint", save).await
    }

    async fn release(
        &self,
        guard: &Guard,
        checkpoint: Option<&str>,
        handover_to: Option<&str>,
        read_at: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let release = |state: &mut State| {
            state
                .leases
                .release(guard, checkpoint, handover_to, read_at)?;
            state.saved(guard, checkpoint);
            Ok(())
        };
        self.write("release", release).await
    }

    async fn finish(
        &self,
        guard: &Guard,
        checkpoint: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let finish = |state: &mut State| {
            state.leases.finish(guard, checkpoint, now)?;
            state.saved(guard, checkpoint);
            Ok(())
        };
        self.write("finish", finish).await
    }

    async fn forget(&self, shard: &ShardKey) -> Result<(), Error> {
        self.write("forget", |state| state.leases.forget(shard))
            .await
    }
}
