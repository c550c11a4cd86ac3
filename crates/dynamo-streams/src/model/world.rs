//! Everything at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fault::Faults;
use super::hold::Hold;
use super::stream::{Records, ShardNo, Stream};
use super::table::{Table, WorkerNo, Write};
use crate::lease::Lease;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct World {
    pub(super) table: Arc<Table>,
    pub(super) stream: Stream,
    pub(super) workers: [Worker; 2],
    /// Writes whose sender does not wait for them any more, in order; each may arrive at any time.
    pub(super) late: Vec<Write>,
    pub(super) faults: Faults,
    /// The records that were handled, by whomever.
    pub(super) handled: Records,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Worker {
    pub(super) phase: Phase,
    pub(super) draining: bool,
    pub(super) holds: BTreeMap<ShardNo, Arc<Hold>>,
    /// What it asked for and was not given yet.
    pub(super) requested: BTreeSet<ShardNo>,
    /// The writes it has decided on when it last looked, to be made one by one.
    pub(super) plan: Vec<Write>,
    /// Whether the fence fell since.
    pub(super) plan_fenced: bool,
    /// Leases of shards it has found, to be made one by one.
    pub(super) found: Vec<Lease>,
}

/// What a worker is, and what it knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// Its heartbeats arrive.
    Up,
    /// It was frozen for longer than its lease and acts as if it were not, be it at once or later.
    Zombie,
    /// Its heartbeats do not arrive, its fence is down, and it holds nothing.
    Fenced,
    /// Its heartbeats do not arrive, and it goes on: a defect.
    Heedless,
    /// It crashed, or it has left.
    Gone,
}

impl World {
    /// The first two shards are known, and nobody has taken them.
    pub(super) fn new(faults: Faults, table: Table) -> Self {
        let worker = Worker {
            phase: Phase::Up,
            draining: false,
            holds: BTreeMap::new(),
            requested: BTreeSet::new(),
            plan: Vec::new(),
            plan_fenced: false,
            found: Vec::new(),
        };
        Self {
            table: Arc::new(table),
            stream: Stream::default(),
            workers: [worker.clone(), worker],
            late: Vec::new(),
            faults,
            handled: Records::default(),
        }
    }

    pub(super) fn holds(&self) -> impl Iterator<Item = &Hold> {
        let workers = self.workers.iter();
        workers.flat_map(|worker| worker.holds.values().map(|hold| &**hold))
    }

    /// Leaves a write to itself.
    pub(super) fn abandon(&mut self, write: Write) {
        let place = self.late.partition_point(|late| *late <= write);
        self.late.insert(place, write);
    }

    /// Ends a hold without its last word. What it has sent may still arrive.
    pub(super) fn drop_hold(&mut self, worker: WorkerNo, shard: ShardNo) {
        let hold = self.workers[worker].holds.remove(&shard);
        if let Some(write) = hold.and_then(|hold| hold.write.clone()) {
            self.abandon(write);
        }
    }

    pub(super) fn drop_holds(&mut self, worker: WorkerNo) {
        let held: Vec<ShardNo> = self.workers[worker].holds.keys().copied().collect();
        for shard in held {
            self.drop_hold(worker, shard);
        }
    }
}
