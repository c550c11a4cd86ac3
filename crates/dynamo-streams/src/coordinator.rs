//! The coordinator of one worker: decides when to write a heartbeat and to read the lease table, which leases to take, to request and to give
//! up, and which shards to list. It handles an event at a given time and returns commands, without any IO.

#[cfg(test)]
#[path = "../tests/internal/digest/coordinator.rs"]
mod digest;
mod drain;
pub(crate) mod driver;
mod event;
mod heartbeats;
mod leases;
mod listings;
mod searches;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::time::Instant;

use crate::lease::Lease;
use crate::lease::balance::Move;
use crate::lease::liveness::Liveness;
use crate::settings::Settings;
use crate::shard::Exit;
use crate::source::ShardKey;
use drain::Drain;
pub(crate) use event::{Command, Event};
use heartbeats::Heartbeats;
use listings::Listings;

/// The state of one worker. Feed it events; carry out what `step` returns.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Coordinator {
    settings: Settings,
    me: String,
    phase: Phase,
    heartbeats: Heartbeats,
    liveness: Liveness,
    view: Viewing,
    /// The shards that are read, until their readers have ended.
    held: BTreeMap<ShardKey, Held>,
    /// The writes that follow from the last view, in order.
    planned: VecDeque<(Move, Lease)>,
    taking: BTreeMap<ShardKey, Taking>,
    /// The leases that this worker requested and has not got yet.
    requested: BTreeMap<ShardKey, Requested>,
    /// Dead workers whose heartbeats are being removed.
    removing: BTreeSet<String>,
    listings: Listings,
    drain: Option<Drain>,
    commands: Vec<Command>,
}

/// How far the start has come. Until it is over, a failure ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// The first heartbeat is not accepted yet.
    Joining,
    /// The lease table has not been read yet.
    Viewing,
    /// The shards are listed for the first time.
    Listing,
    Running,
}

/// The reads of the lease table, one at a time.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Viewing {
    in_flight: bool,
    due: Instant,
}

/// A shard that is read.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Held {
    epoch: u64,
    stopping: bool,
    lost: bool,
}

/// A take in flight.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Taking {
    /// Whether the heartbeat expired meanwhile: others may have taken the lease since.
    expired: bool,
}

/// A lease that was requested.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Requested {
    at: Instant,
    in_flight: bool,
    /// Whether it was answered before the view in flight was requested, which therefore shows it.
    in_view: bool,
}

impl Coordinator {
    pub(crate) fn new(settings: Settings, me: String, now: Instant) -> Self {
        Self {
            me,
            phase: Phase::Joining,
            heartbeats: Heartbeats::new(&settings, now),
            liveness: Liveness::new(settings.lease_duration),
            view: Viewing {
                in_flight: false,
                due: now,
            },
            held: BTreeMap::new(),
            planned: VecDeque::new(),
            taking: BTreeMap::new(),
            requested: BTreeMap::new(),
            removing: BTreeSet::new(),
            listings: Listings::new(now),
            drain: None,
            commands: Vec::new(),
            settings,
        }
    }

    /// Handles an event and returns the commands to carry out now, in this order.
    pub(crate) fn step(&mut self, event: Event, now: Instant) -> Vec<Command> {
        if self.heartbeats.expire(now) {
            self.give_up_all();
        }
        self.heartbeats.time_out(now);
        match event {
            Event::Tick => {}
            Event::Shutdown => self.begin_drain(now),
            Event::HeartbeatWritten { beat, result } => self.heartbeat_written(beat, result, now),
            Event::Viewed(result) => self.viewed(result, now),
            Event::Taken { shard, result } => self.taken(&shard, result),
            Event::HandoverRequested { shard, result } => self.handover_requested(&shard, &result),
            Event::DeadWorkerRemoved { worker, result: _ } => {
                self.removing.remove(&worker);
            }
            Event::ShardsListed(result) => self.shards_listed(result, now),
            Event::ChildrenListed { shard, result } => self.children_listed(&shard, &result, now),
            Event::ShardEnded { shard, exit } => self.shard_ended(shard, exit, now),
            Event::Left(_) => self.left(),
        }
        self.advance_drain(now);
        self.beat(now);
        self.view(now);
        self.start_moves(now);
        self.list(now);
        std::mem::take(&mut self.commands)
    }

    /// Returns when the next [`Event::Tick`] is due if no other event comes before.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let heartbeat = self.heartbeats.wake_at();
        if let Some(drain) = &self.drain {
            return Some(drain.wake_at(heartbeat));
        }
        let view = self.may_view().then_some(self.view.due);
        let listing = self.listings.due().filter(|_| self.may_list());
        [heartbeat, view, listing].into_iter().flatten().min()
    }

    /// Whether this worker lists the shards for all: it is the first of the live workers.
    fn leads(&self, now: Instant) -> bool {
        let live = self.liveness.live(now);
        live.first().is_none_or(|first| *first >= self.me)
    }

    fn shard_ended(&mut self, shard: ShardKey, exit: Exit, now: Instant) {
        self.held.remove(&shard);
        if exit == Exit::Finished {
            self.listings.searches.begin(shard, now);
            // Its children may have leases already.
            self.view.due = now;
        }
    }
}
