//! Everything at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::coordination::Coordination;
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
    pub(super) coordination: Coordination,
    /// The calls of its coordinator that are not answered yet, in order.
    pub(super) calls: Vec<Call>,
    pub(super) holds: BTreeMap<ShardNo, Arc<Hold>>,
    /// Leases of shards that its listing has found, to be made.
    pub(super) found: Vec<Lease>,
}

/// A call of a coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Call {
    View,
    Heartbeat(u64),
    ListShards,
    ListChildren(ShardNo),
    Write(Write),
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

impl Worker {
    pub(super) fn call(&mut self, call: Call) {
        let place = self.calls.partition_point(|other| *other <= call);
        self.calls.insert(place, call);
    }

    /// Removes a call that is answered; returns whether it was in flight.
    pub(super) fn answered(&mut self, call: &Call) -> bool {
        let place = self.calls.iter().position(|other| other == call);
        place.map(|place| self.calls.remove(place)).is_some()
    }

    /// The listing in flight.
    pub(super) fn listing(&self) -> Option<Call> {
        // Searches come last, and are answered first: both listings would show the same shards.
        let mut calls = self.calls.iter().rev();
        let listing = calls.find(|call| matches!(call, Call::ListShards | Call::ListChildren(_)));
        listing.cloned()
    }

    /// The writes of its coordinator that are in flight.
    pub(super) fn writes(&self) -> impl Iterator<Item = &Write> {
        self.calls.iter().filter_map(|call| match call {
            Call::Write(write) => Some(write),
            Call::View | Call::Heartbeat(_) | Call::ListShards | Call::ListChildren(_) => None,
        })
    }
}

impl World {
    /// The first two shards are known, and nobody has taken them.
    pub(super) fn new(faults: Faults, table: Table, coordinations: [Coordination; 2]) -> Self {
        let worker = |coordination| Worker {
            phase: Phase::Up,
            draining: false,
            coordination,
            calls: Vec::new(),
            holds: BTreeMap::new(),
            found: Vec::new(),
        };
        Self {
            table: Arc::new(table),
            stream: Stream::default(),
            workers: coordinations.map(worker),
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
