//! What a step does to the world.

use std::sync::Arc;

use super::{Fault, Step};
use crate::lease::{Checkpoint, Lease};
use crate::lineage;
use crate::model::defect::Defect;
use crate::model::hold::Hold;
use crate::model::stream::{CHILDREN, ShardNo, is_child, number, page};
use crate::model::table::{Token, WorkerNo, Write};
use crate::model::world::{Phase, World};
use crate::model::{NAMES, Protocol};
use crate::testing::epoch_time;

impl Protocol {
    pub(in crate::model) fn after(&self, world: &World, step: Step) -> World {
        let mut next = world.clone();
        match step {
            Step::ListChild => next.stream.children_listed += 1,
            Step::Arrive(place) => {
                let write = next.late.remove(place);
                // Nobody hears of the answer.
                let _ = Arc::make_mut(&mut next.table).apply(&write, self.defect);
            }
            Step::Handled(no, shard, number) => {
                next.handled.add(number);
                self.with_hold(&mut next, no, shard, |hold| hold.handled(number));
            }
            Step::Read(no, shard) => self.read(&mut next, no, shard),
            Step::Write(no, shard) => self.write(&mut next, no, shard),
            Step::Next(no) => self.carry_out(&mut next, no, 0),
            Step::Create(no) => self.create(&mut next, no),
            Step::ListShards(no) => self.list_shards(&mut next, no),
            Step::Look {
                worker,
                other_is_dead,
            } => self.look(&mut next, worker, other_is_dead),
            Step::FenceFalls(no) => {
                fence_falls(&mut next, no);
                next.workers[no].phase = Phase::Up;
            }
            Step::Beat(no) => next.workers[no].phase = Phase::Up,
            Step::Fault(fault, no) => self.strike(&mut next, fault, no),
            Step::Echo(no, shard) => {
                next.faults.echo -= 1;
                next.faults.struck = true;
                let hold = &next.workers[no].holds[&shard];
                let write = hold.write.clone().expect("it is under way");
                next.abandon(write);
            }
        }
        self.arrive_in_vain(&mut next);
        for worker in &mut next.workers {
            if worker.draining && worker.holds.is_empty() {
                worker.phase = Phase::Gone;
            }
        }
        next
    }

    /// Lets writes arrive at once that come too late: since epochs only grow, which is one of the properties, it is all
    /// the same when they are refused.
    fn arrive_in_vain(&self, world: &mut World) {
        while let Some(place) = world.late.iter().position(|write| is_stale(world, write)) {
            let write = world.late.remove(place);
            let _ = Arc::make_mut(&mut world.table).apply(&write, self.defect);
        }
        for no in 0..NAMES.len() {
            let stale = |world: &World| {
                let mut plan = world.workers[no].plan.iter();
                plan.position(|write| is_stale(world, write))
            };
            while let Some(place) = stale(world) {
                self.carry_out(world, no, place);
            }
        }
    }

    /// Lets something happen to a hold, and notes what has begun.
    fn with_hold(
        &self,
        world: &mut World,
        no: WorkerNo,
        shard: ShardNo,
        change: impl FnOnce(&mut Hold),
    ) {
        let holds = &mut world.workers[no].holds;
        let hold = Arc::make_mut(holds.get_mut(&shard).expect("it is held"));
        change(hold);
        let begun: Vec<u64> = hold.running.keys().copied().collect();
        if self.has(Defect::CheckpointsWhatIsBegun)
            && let Some(Write::Checkpoint { checkpoint, .. }) = &mut hold.write
        {
            let newest = hold.running.keys().next_back().copied();
            *checkpoint = newest.unwrap_or(0).max(*checkpoint);
        }
        if hold.exit().is_some() {
            holds.remove(&shard);
        }
        self.begun(world, &begun);
    }

    /// Notes a record that is begun before the one before it of its item was handled.
    fn begun(&self, world: &mut World, records: &[u64]) {
        let early = records.iter().any(|record| {
            let before = self.layout.predecessor(*record);
            before.is_some_and(|before| !world.handled.has(before))
        });
        if early {
            Arc::make_mut(&mut world.table).breaches.out_of_order = true;
        }
    }

    fn read(&self, world: &mut World, no: WorkerNo, shard: ShardNo) {
        let hold = &world.workers[no].holds[&shard];
        let (token, after) = (hold.token, hold.reading.expect("a page is asked for"));
        let page = page(self.layout, shard, after);
        let ends = page.next.is_none();
        self.with_hold(world, no, shard, |hold| hold.page_read(page));
        if self.has(Defect::IgnoresItems) {
            let records: Vec<u64> = self.layout.of_shard(shard).collect();
            self.begun(world, &records);
        }
        if self.has(Defect::FinishesWhatIsRead) && ends {
            let checkpoint = self.layout.of_shard(shard).last();
            let finish = Write::Finish { token, checkpoint };
            let _ = Arc::make_mut(&mut world.table).apply(&finish, None);
            world.drop_hold(no, shard);
        }
    }

    fn write(&self, world: &mut World, no: WorkerNo, shard: ShardNo) {
        let hold = &world.workers[no].holds[&shard];
        let write = hold.write.clone().expect("it is under way");
        let result = Arc::make_mut(&mut world.table).apply(&write, self.defect);
        self.with_hold(world, no, shard, |hold| {
            hold.written(&write, result.map(|_| ()));
        });
    }

    /// Makes a write of the plan.
    fn carry_out(&self, world: &mut World, no: WorkerNo, place: usize) {
        let worker = &mut world.workers[no];
        let write = worker.plan.remove(place);
        let fenced = worker.plan_fenced;
        worker.plan_fenced &= !worker.plan.is_empty();
        let shard = write.shard();
        match Arc::make_mut(&mut world.table).apply(&write, self.defect) {
            Ok(Some(lease)) => {
                worker.requested.remove(&shard);
                // Under a fence that fell meanwhile the hold ends before it begins.
                if !fenced {
                    self.hold(world, no, shard, &lease);
                }
            }
            Ok(None) => {
                worker.requested.insert(shard);
            }
            Err(_) => {}
        }
    }

    fn hold(&self, world: &mut World, worker: WorkerNo, shard: ShardNo, lease: &Lease) {
        let token = Token {
            shard,
            worker,
            epoch: lease.epoch,
        };
        let hold = Hold::begin(token, &self.settings, lease, self.now);
        let holds = &mut world.workers[worker].holds;
        holds.insert(shard, Arc::new(hold));
        // The first page depends on nothing that could come between.
        self.read(world, worker, shard);
    }

    fn list_shards(&self, world: &mut World, no: WorkerNo) {
        let known = world.table.rows.iter();
        let known = known
            .map(|lease| (lease.shard.shard_id.as_str(), lease))
            .collect();
        let listing = world.stream.listing();
        let new = lineage::new_leases(&self.stream, &listing, &known, |_| false, epoch_time(0));
        let forgets = self.has(Defect::ForgetsLateChildren)
            && CHILDREN
                .iter()
                .any(|child| world.table.row(*child).is_some());
        if !forgets {
            world.workers[no].found = new.leases;
        }
    }

    fn create(&self, world: &mut World, no: WorkerNo) {
        for mut lease in std::mem::take(&mut world.workers[no].found) {
            let shard = number(&lease.shard);
            if self.has(Defect::ChildrenAtLatest) && is_child(shard) {
                let newest = self.layout.of_shard(shard).last().unwrap_or(0);
                lease.checkpoint = Checkpoint::After(newest.to_string());
            }
            Arc::make_mut(&mut world.table).create(lease, self.defect);
        }
    }

    fn strike(&self, world: &mut World, fault: Fault, no: WorkerNo) {
        world.faults.struck = true;
        match fault {
            Fault::Crash => {
                world.faults.crash -= 1;
                world.drop_holds(no);
                let worker = &mut world.workers[no];
                worker.phase = Phase::Gone;
                worker.found = Vec::new();
                worker.requested.clear();
                // What it had not sent yet is never sent.
                let sent = std::mem::take(&mut worker.plan).into_iter().next();
                worker.plan_fenced = false;
                if let Some(write) = sent {
                    world.abandon(write);
                }
            }
            Fault::Freeze => {
                world.faults.zombie -= 1;
                world.workers[no].phase = Phase::Zombie;
            }
            Fault::Silence => {
                world.faults.silence -= 1;
                if self.has(Defect::NoSelfFence) {
                    world.workers[no].phase = Phase::Heedless;
                } else {
                    fence_falls(world, no);
                }
            }
            Fault::Drain => {
                world.faults.drain -= 1;
                let worker = &mut world.workers[no];
                worker.draining = true;
                worker.found = Vec::new();
                for shard in worker.holds.keys().copied().collect::<Vec<_>>() {
                    self.stop(world, no, shard, None);
                }
            }
        }
    }

    /// Tells a hold to stop, for another worker or for anybody.
    pub(super) fn stop(
        &self,
        world: &mut World,
        no: WorkerNo,
        shard: ShardNo,
        for_whom: Option<&str>,
    ) {
        let token = world.workers[no].holds[&shard].token;
        self.with_hold(world, no, shard, |hold| hold.stop(for_whom));
        if self.has(Defect::ReleasesWithoutDraining) {
            let release = Write::Release {
                token,
                checkpoint: None,
                to: for_whom.map(str::to_owned),
            };
            let _ = Arc::make_mut(&mut world.table).apply(&release, None);
        }
    }
}

/// Whether the lease was written since by somebody else.
fn is_stale(world: &World, write: &Write) -> bool {
    let row = world.table.row(write.shard());
    row.is_none_or(|row| row.epoch > write.epoch())
}

/// Everything that is held is given up, at once.
fn fence_falls(world: &mut World, no: WorkerNo) {
    world.drop_holds(no);
    let worker = &mut world.workers[no];
    worker.phase = Phase::Fenced;
    worker.plan_fenced = !worker.plan.is_empty();
}
