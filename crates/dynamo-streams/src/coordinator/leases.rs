//! What follows from a view of the lease table: which leases are lost, handed over, taken and requested.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::{Command, Coordinator, Held, Phase, Requested, Taking};
use crate::error::Error;
use crate::lease::balance::{Move, Situation, moves};
use crate::lease::check::{LeaseCheck, check_lease};
use crate::lease::{Lease, View};
use crate::lineage;
use crate::source::ShardKey;

/// The most takes, and the most removals of dead workers, in flight: they take milliseconds, and a thousand leases are taken within a second.
const MAX_WRITES: usize = 16;

impl Coordinator {
    pub(super) fn may_view(&self) -> bool {
        !self.view.in_flight && self.phase > Phase::Joining && self.drain.is_none()
    }

    pub(super) fn view(&mut self, now: Instant) {
        if self.may_view() && self.view.due <= now {
            self.view.in_flight = true;
            for requested in self.requested.values_mut() {
                requested.in_view = !requested.in_flight;
            }
            self.commands.push(Command::View);
        }
    }

    pub(super) fn viewed(&mut self, result: Result<View, Error>, now: Instant) {
        self.view.in_flight = false;
        self.view.due = now + self.settings.sync_interval;
        if self.drain.is_some() {
            return;
        }
        let view = match result {
            Ok(view) => view,
            Err(error) => {
                if self.phase == Phase::Viewing {
                    self.fail(error, now);
                }
                return;
            }
        };
        self.liveness.observe(&view.heartbeats, &view.leases, now);
        let leads = self.leads(now);
        if self.phase == Phase::Viewing {
            self.phase = if leads {
                Phase::Listing
            } else {
                Phase::Running
            };
        }
        self.compare(&view, now);
        if self.heartbeats.is_valid() {
            self.plan(&view, now);
        }
        if leads {
            self.remove_dead_workers(now);
        }
        if !self.requested.is_empty() {
            // While a handover is awaited the table is read more often.
            self.view.due = now + self.settings.sync_interval / 5;
        }
    }

    /// Gives up shards whose lease is lost, and hands over those that a live worker requests.
    fn compare(&mut self, view: &View, now: Instant) {
        let leases: BTreeMap<&ShardKey, &Lease> = view
            .leases
            .iter()
            .map(|lease| (&lease.shard, lease))
            .collect();
        for (shard, held) in &mut self.held {
            let lease = leases.get(shard).copied();
            let is_live = |worker: &str| self.liveness.is_live(worker, now);
            match check_lease(lease, &self.me, held.epoch, is_live) {
                LeaseCheck::Held => {}
                LeaseCheck::Lost if held.lost => {}
                LeaseCheck::Lost => {
                    held.lost = true;
                    self.commands.push(Command::GiveUp(shard.clone()));
                }
                LeaseCheck::HandoverRequested(_) if held.stopping => {}
                LeaseCheck::HandoverRequested(worker) => {
                    held.stopping = true;
                    self.commands.push(Command::Stop {
                        shard: shard.clone(),
                        handover_to: Some(worker.to_owned()),
                    });
                }
            }
        }
        self.requested.retain(|shard, requested| {
            let lease = leases.get(shard);
            !requested.in_view || lease.is_some_and(|lease| lease.is_requested_by(&self.me))
        });
    }

    fn plan(&mut self, view: &View, now: Instant) {
        let ready = lineage::ready(&view.leases, &view.streams);
        let held: BTreeSet<ShardKey> = self.held.keys().cloned().collect();
        let requested = self.requested.iter();
        let requested = requested.map(|(shard, requested)| (shard.clone(), requested.at));
        let moves = moves(&Situation {
            me: &self.me,
            ready: &ready,
            liveness: &self.liveness,
            held: &held,
            requested: &requested.collect(),
            handover_timeout: self.settings.handover_timeout,
            now,
        });
        let seen = moves.into_iter().filter_map(|step| {
            let (Move::Take(shard) | Move::RequestHandover(shard)) = &step;
            let lease = ready.iter().find(|lease| lease.shard == *shard)?;
            let lease = Lease::clone(lease);
            Some((step, lease))
        });
        self.planned = seen.collect();
    }

    /// Starts the writes that follow from the last view.
    pub(super) fn start_moves(&mut self, now: Instant) {
        while self.taking.len() < MAX_WRITES
            && let Some((step, lease)) = self.planned.pop_front()
        {
            // A second reader of a shard could not be stopped.
            let busy =
                self.held.contains_key(&lease.shard) || self.taking.contains_key(&lease.shard);
            match step {
                Move::Take(_) if busy => {}
                Move::Take(shard) => {
                    self.taking.insert(shard, Taking { expired: false });
                    self.commands.push(Command::Take(lease));
                }
                Move::RequestHandover(shard) => {
                    let requested = Requested {
                        at: now,
                        in_flight: true,
                        in_view: false,
                    };
                    self.requested.insert(shard, requested);
                    self.commands.push(Command::RequestHandover(lease));
                }
            }
        }
    }

    pub(super) fn handover_requested(&mut self, shard: &ShardKey, result: &Result<(), Error>) {
        match (self.requested.get_mut(shard), result) {
            (Some(requested), Ok(())) => requested.in_flight = false,
            (_, Err(_)) => {
                self.requested.remove(shard);
            }
            (None, Ok(())) => {}
        }
    }

    pub(super) fn taken(&mut self, shard: &ShardKey, result: Result<Lease, Error>) {
        let Some(taking) = self.taking.remove(shard) else {
            return;
        };
        let Ok(lease) = result else {
            return;
        };
        self.requested.remove(shard);
        if taking.expired {
            return;
        }
        let held = Held {
            epoch: lease.epoch,
            stopping: false,
            lost: false,
        };
        self.held.insert(shard.clone(), held);
        self.commands.push(Command::Read(lease));
        if self.drain.is_some() {
            self.stop_all();
        }
    }

    /// Removes the heartbeats of workers that died long ago.
    fn remove_dead_workers(&mut self, now: Instant) {
        for (worker, beat) in self.liveness.long_dead(now) {
            if self.removing.len() < MAX_WRITES && self.removing.insert(worker.clone()) {
                self.commands
                    .push(Command::RemoveDeadWorker { worker, beat });
            }
        }
    }
}
