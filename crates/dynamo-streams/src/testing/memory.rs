//! A lease store in memory, with the same conditions as the table.

mod parked;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};

use super::link::Link;
use crate::error::Error;
use crate::lease::{Checkpoint, Guard, Heartbeat, Lease, Seen, StreamEntry, View};
use crate::observer::GapRecord;
use crate::record::LaneId;
use crate::sequence::padded;
use crate::source::ShardKey;
use crate::store::LeaseStore;
use parked::Lane;

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
    pub(crate) reached: u64,
    /// What had been parked when it was written.
    pub(crate) parked: BTreeSet<u64>,
}

type SaveAudit = Arc<dyn Fn(&Saved) + Send + Sync>;

#[derive(Default)]
struct State {
    leases: BTreeMap<ShardKey, Lease>,
    heartbeats: BTreeMap<String, Heartbeat>,
    streams: BTreeMap<String, StreamEntry>,
    lanes: BTreeMap<LaneId, Lane>,
    gaps: BTreeMap<(String, String, Option<String>), GapRecord>,
    writes: u64,
    audit: Option<SaveAudit>,
    ever_parked: BTreeSet<u64>,
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

    /// Looks at every checkpoint as it is written.
    pub(crate) fn audit(&self, audit: impl Fn(&Saved) + Send + Sync + 'static) {
        self.0.lock().unwrap().audit = Some(Arc::new(audit));
    }

    pub(crate) fn leases(&self) -> Vec<Lease> {
        self.0.lock().unwrap().leases.values().cloned().collect()
    }

    pub(crate) fn lease(&self, shard_id: &str) -> Option<Lease> {
        self.leases()
            .into_iter()
            .find(|lease| lease.shard.shard_id == shard_id)
    }

    pub(crate) fn gaps(&self) -> Vec<GapRecord> {
        self.0.lock().unwrap().gaps.values().cloned().collect()
    }

    pub(crate) fn streams(&self) -> Vec<StreamEntry> {
        self.0.lock().unwrap().streams.values().cloned().collect()
    }

    /// The numbers of all records that were ever parked.
    pub(crate) fn ever_parked(&self) -> BTreeSet<u64> {
        self.0.lock().unwrap().ever_parked.clone()
    }

    /// Writes that were applied.
    pub(crate) fn writes(&self) -> u64 {
        self.0.lock().unwrap().writes
    }
}

impl State {
    fn held(&mut self, guard: &Guard) -> Result<&mut Lease, Error> {
        let lease = self.leases.get_mut(&guard.shard).ok_or(Error::Fenced)?;
        let held = lease.owner.as_ref() == Some(&guard.owner) && lease.epoch == guard.epoch;
        if held { Ok(lease) } else { Err(Error::Fenced) }
    }

    fn as_seen(&mut self, seen: Seen<'_>) -> Result<&mut Lease, Error> {
        let lease = self.leases.get_mut(seen.shard).ok_or(Error::Fenced)?;
        let same = lease.owner.as_deref() == seen.owner
            && lease.epoch == seen.epoch
            && !lease.is_finished();
        if same { Ok(lease) } else { Err(Error::Fenced) }
    }

    fn save(
        &mut self,
        guard: &Guard,
        reached: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let lease = self.held(guard)?;
        lease.checkpointed_at = now;
        let Some(number) = reached else {
            return Ok(());
        };
        lease.checkpoint = Checkpoint::After(number.to_owned());
        if let Some(audit) = self.audit.clone() {
            audit(&Saved {
                shard: guard.shard.clone(),
                owner: guard.owner.clone(),
                epoch: guard.epoch,
                reached: number.parse().unwrap(),
                parked: self.ever_parked.clone(),
            });
        }
        Ok(())
    }

    fn end(
        &mut self,
        guard: &Guard,
        reached: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<&mut Lease, Error> {
        self.save(guard, reached, now)?;
        let lease = self.held(guard)?;
        lease.owner = None;
        lease.handover_to = None;
        lease.epoch += 1;
        Ok(lease)
    }
}

impl MemoryStore {
    async fn write<T>(
        &self,
        operation: &'static str,
        apply: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let write = || {
            let mut state = self.memory.0.lock().unwrap();
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
            .call(operation, || Ok(look(&self.memory.0.lock().unwrap())))
            .await
    }
}

impl LeaseStore for MemoryStore {
    async fn view(&self) -> Result<View, Error> {
        let look = |state: &State| View {
            leases: state.leases.values().cloned().collect(),
            heartbeats: state.heartbeats.values().cloned().collect(),
            streams: state.streams.values().cloned().collect(),
        };
        self.read("view", look).await
    }

    async fn beat(&self, heartbeat: &Heartbeat) -> Result<(), Error> {
        let beat = |state: &mut State| {
            state
                .heartbeats
                .insert(heartbeat.worker.clone(), heartbeat.clone());
            Ok(())
        };
        self.write("beat", beat).await
    }

    async fn retire(&self, worker: &str, beat: Option<u64>) -> Result<(), Error> {
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

    async fn enter_stream(&self, stream: &StreamEntry) -> Result<(), Error> {
        let enter = |state: &mut State| {
            state
                .streams
                .entry(stream.stream_arn.clone())
                .or_insert_with(|| stream.clone());
            Ok(())
        };
        self.write("enter_stream", enter).await
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
        let create = |state: &mut State| {
            let new = !state.leases.contains_key(&lease.shard);
            if new {
                state.leases.insert(lease.shard.clone(), lease.clone());
            }
            Ok(new)
        };
        self.write("create", create).await
    }

    async fn take(&self, seen: Seen<'_>, worker: &str) -> Result<Lease, Error> {
        let take = |state: &mut State| {
            let lease = state.as_seen(seen)?;
            lease.owner = Some(worker.to_owned());
            lease.epoch += 1;
            lease.handover_to = None;
            Ok(lease.clone())
        };
        self.write("take", take).await
    }

    async fn ask(&self, seen: Seen<'_>, worker: &str) -> Result<(), Error> {
        let ask = |state: &mut State| {
            let lease = state.as_seen(seen)?;
            let asked = lease.handover_to.as_deref();
            if asked.is_some() && asked != Some(worker) && asked != seen.handover_to {
                return Err(Error::Fenced);
            }
            lease.handover_to = Some(worker.to_owned());
            Ok(())
        };
        self.write("ask", ask).await
    }

    async fn checkpoint(
        &self,
        guard: &Guard,
        reached: &str,
        load: u64,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let save = |state: &mut State| {
            let lease = state.held(guard)?;
            if let Checkpoint::After(later) = &lease.checkpoint
                && padded(later) > padded(reached)
            {
                return Err(Error::Fenced);
            }
            lease.load = load;
            state.save(guard, Some(reached), now)
        };
        self.write("checkpoint", save).await
    }

    async fn release(
        &self,
        guard: &Guard,
        reached: Option<&str>,
        handover_to: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let release = |state: &mut State| {
            state.end(guard, reached, now)?.owner = handover_to.map(str::to_owned);
            Ok(())
        };
        self.write("release", release).await
    }

    async fn finish(
        &self,
        guard: &Guard,
        reached: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let finish = |state: &mut State| {
            state.end(guard, reached, now)?.finished_at = Some(now);
            Ok(())
        };
        self.write("finish", finish).await
    }

    async fn forget(&self, shard: &ShardKey) -> Result<(), Error> {
        let forget = |state: &mut State| {
            if !state.leases.get(shard).is_some_and(Lease::is_finished) {
                return Err(Error::Fenced);
            }
            state.leases.remove(shard);
            Ok(())
        };
        self.write("forget", forget).await
    }
}
