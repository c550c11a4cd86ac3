//! What a step does to the world.

use std::sync::Arc;

use super::{Fault, Step};
use crate::coordinator::Event;
use crate::internal::model::defect::Defect;
use crate::internal::model::hold::Hold;
use crate::internal::model::stream::{CHILDREN, ShardNo, is_child, key, number, page};
use crate::internal::model::table::{Token, WorkerNo, Write};
use crate::internal::model::world::{Call, Phase, World};
use crate::internal::model::{NAMES, Protocol};
use crate::internal::samples::epoch_time;
use crate::lease::{Checkpoint, Lease};
use crate::lineage;
use crate::shard::Exit;

impl Protocol {
    pub(in crate::internal::model) fn after(&self, world: &World, step: Step) -> World {
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
            Step::Decided(no, place) => self.carry_out(&mut next, no, place),
            Step::Create(no) => self.create(&mut next, no),
            Step::ListShards(no) => self.list_shards(&mut next, no),
            Step::Look {
                worker,
                other_is_dead,
            } => self.look(&mut next, worker, other_is_dead),
            Step::FenceFalls(no) => {
                self.fence_falls(&mut next, no);
                self.beat(&mut next, no);
            }
            Step::Beat(no) => self.beat(&mut next, no),
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
                let mut calls = world.workers[no].calls.iter();
                calls.position(|call| match call {
                    Call::Write(write) => is_stale(world, write) && !self.is_ignored(world, write),
                    Call::View | Call::Heartbeat(_) | Call::ListShards | Call::ListChildren(_) => {
                        false
                    }
                })
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
        let exit = hold.exit();
        if exit.is_some() {
            holds.remove(&shard);
        }
        self.begun(world, &begun);
        if let Some(exit) = exit {
            let shard = key(shard);
            self.tell(world, no, Event::ShardEnded { shard, exit });
        }
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
            let (shard, exit) = (key(shard), Exit::Finished);
            self.tell(world, no, Event::ShardEnded { shard, exit });
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

    /// Makes a write of a coordinator and answers it.
    fn carry_out(&self, world: &mut World, no: WorkerNo, place: usize) {
        let Call::Write(write) = world.workers[no].calls.remove(place) else {
            unreachable!("it is a write")
        };
        let shard = key(write.shard());
        let result = Arc::make_mut(&mut world.table).apply(&write, self.defect);
        let event = match write {
            Write::Take { .. } => Event::Taken {
                shard,
                result: result.map(|lease| lease.expect("a take answers with the lease")),
            },
            Write::Ask { .. } => Event::HandoverRequested {
                shard,
                result: result.map(|_| ()),
            },
            Write::Checkpoint { .. } | Write::Finish { .. } | Write::Release { .. } => {
                unreachable!("a hold writes it")
            }
        };
        self.tell(world, no, event);
    }

    pub(in crate::internal::model) fn hold(
        &self,
        world: &mut World,
        worker: WorkerNo,
        lease: &Lease,
    ) {
        let shard = number(&lease.shard);
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
        if forgets || new.leases.is_empty() {
            self.listed(world, no);
        } else {
            world.workers[no].found = new.leases;
        }
    }

    /// Answers the listing in flight.
    fn listed(&self, world: &mut World, no: WorkerNo) {
        let Some(call) = world.workers[no].listing() else {
            return;
        };
        world.workers[no].answered(&call);
        let event = if let Call::ListChildren(shard) = call {
            let listed = world.stream.listing();
            let parent = key(shard).shard_id;
            let found = listed
                .iter()
                .any(|shard| shard.parent.as_ref() == Some(&parent));
            Event::ChildrenListed {
                shard: key(shard),
                result: Ok(found),
            }
        } else {
            Event::ShardsListed(Ok(()))
        };
        self.tell(world, no, event);
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
        self.listed(world, no);
    }

    fn strike(&self, world: &mut World, fault: Fault, no: WorkerNo) {
        world.faults.struck = true;
        match fault {
            Fault::Crash => {
                world.faults.crash -= 1;
                world.drop_holds(no);
                let sent: Vec<Write> = world.workers[no].writes().cloned().collect();
                sent.into_iter().for_each(|write| world.abandon(write));
                self.leave(world, no);
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
                    self.fence_falls(world, no);
                }
            }
            Fault::Drain => {
                world.faults.drain -= 1;
                let worker = &mut world.workers[no];
                worker.draining = true;
                worker.found = Vec::new();
                self.tell(world, no, Event::Shutdown);
            }
        }
    }

    /// Tells a hold to stop, for another worker or for anybody.
    pub(in crate::internal::model) fn stop(
        &self,
        world: &mut World,
        no: WorkerNo,
        shard: ShardNo,
        for_whom: Option<&str>,
    ) {
        let token = world.workers[no].holds[&shard].token;
        if self.has(Defect::AbandonsAtDrain) && for_whom.is_none() {
            world.drop_hold(no, shard);
            let (shard, exit) = (key(shard), Exit::Lost);
            return self.tell(world, no, Event::ShardEnded { shard, exit });
        }
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
