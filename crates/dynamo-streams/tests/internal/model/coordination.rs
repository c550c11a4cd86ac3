//! A worker's coordinator: the product's own state machine, and the calls it has in flight.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::defect::Defect;
use super::stream::{PARENT, number};
use super::table::{Sight, WorkerNo, Write};
use super::world::{Call, Phase, World};
use super::{NAMES, Protocol};
use crate::coordinator::{Command, Coordinator, Event};
use crate::internal::samples::heartbeat;
use crate::lease::View;
use crate::shard::Exit;

#[derive(Clone, Debug)]
pub(super) struct Coordination {
    pub(super) machine: Arc<Coordinator>,
    pub(super) digest: u64,
    /// Whether it holds the other worker for dead.
    pub(super) other_is_dead: bool,
}

impl PartialEq for Coordination {
    fn eq(&self, other: &Self) -> bool {
        (self.digest, self.other_is_dead) == (other.digest, other.other_is_dead)
    }
}

impl Protocol {
    pub(super) fn coordination(&self, no: WorkerNo) -> Coordination {
        let name = NAMES[no].to_owned();
        Coordination {
            machine: Arc::new(Coordinator::new(self.settings.clone(), name, self.now)),
            digest: 0,
            other_is_dead: false,
        }
    }

    /// Lets a worker write its first heartbeat, see an empty lease table, and list no shards.
    pub(super) fn begin(&self, world: &mut World, no: WorkerNo) {
        self.tell(world, no, Event::Tick);
        self.beat(world, no);
        self.suppose(world, no, false);
        world.workers[no].answered(&Call::View);
        let view = View {
            leases: Vec::new(),
            ..self.view(world, no, false)
        };
        self.tell(world, no, Event::Viewed(Ok(view)));
        if world.workers[no].answered(&Call::ListShards) {
            self.tell(world, no, Event::ShardsListed(Ok(())));
        }
    }

    /// Answers the heartbeat in flight.
    pub(super) fn beat(&self, world: &mut World, no: WorkerNo) {
        world.workers[no].phase = Phase::Up;
        let calls = &mut world.workers[no].calls;
        let place = calls
            .iter()
            .position(|call| matches!(call, Call::Heartbeat(_)));
        if let Some(Call::Heartbeat(beat)) = place.map(|place| calls.remove(place)) {
            let result = Ok(());
            self.tell(world, no, Event::HeartbeatWritten { beat, result });
        }
    }

    /// The last heartbeat becomes too old: everything that is held is given up, at once.
    pub(super) fn fence_falls(&self, world: &mut World, no: WorkerNo) {
        world.workers[no].phase = Phase::Fenced;
        self.tell_at(world, no, Event::Tick, self.later);
    }

    /// Reads the lease table; the other worker may have been silent for long.
    pub(super) fn look(&self, world: &mut World, no: WorkerNo, other_is_dead: bool) {
        self.suppose(world, no, other_is_dead);
        world.workers[no].answered(&Call::View);
        let view = self.view(world, no, other_is_dead);
        self.tell(world, no, Event::Viewed(Ok(view)));
    }

    fn suppose(&self, world: &mut World, no: WorkerNo, other_is_dead: bool) {
        let liveness = if other_is_dead {
            &self.dead[1 - no]
        } else {
            &self.alive
        };
        let coordination = &mut world.workers[no].coordination;
        coordination.other_is_dead = other_is_dead;
        Arc::make_mut(&mut coordination.machine).suppose(liveness.clone());
    }

    fn view(&self, world: &World, no: WorkerNo, other_is_dead: bool) -> View {
        let mut leases: Vec<_> = world.table.rows.iter().cloned().collect();
        for lease in &mut leases {
            if self.has(Defect::ChildrenBeforeParents) {
                lease.parents.clear();
            }
            if self.has(Defect::TakesFinishedShards) {
                lease.finished_at = None;
            }
        }
        let beat = |other: WorkerNo| if other_is_dead && other != no { 1 } else { 2 };
        View {
            leases,
            heartbeats: [0, 1].map(|no| heartbeat(NAMES[no], beat(no))).into(),
            streams: vec![self.stream.clone()],
        }
    }

    pub(super) fn tell(&self, world: &mut World, no: WorkerNo, event: Event) {
        self.tell_at(world, no, event, self.now);
    }

    /// Passes an event to a coordinator and carries out its commands.
    fn tell_at(&self, world: &mut World, no: WorkerNo, event: Event, now: Instant) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let coordination = &mut world.workers[no].coordination;
            let machine = Arc::make_mut(&mut coordination.machine);
            let commands = machine.step(event, now);
            coordination.digest = machine.digest();
            for command in commands {
                events.extend(self.command(world, no, command));
            }
        }
    }

    /// Carries out a command, or leaves it in flight.
    fn command(&self, world: &mut World, no: WorkerNo, command: Command) -> Option<Event> {
        let worker = &mut world.workers[no];
        match command {
            Command::WriteHeartbeat { beat, .. } => worker.call(Call::Heartbeat(beat)),
            Command::View => worker.call(Call::View),
            Command::Take(lease) => {
                let seen = Sight::of(&lease);
                worker.call(Call::Write(Write::Take { seen, worker: no }));
            }
            Command::RequestHandover(lease) => {
                let seen = Sight::of(&lease);
                worker.call(Call::Write(Write::Ask { seen, worker: no }));
            }
            Command::ListShards => worker.call(Call::ListShards),
            Command::ListChildren(shard) if number(&shard) == PARENT => {
                worker.call(Call::ListChildren(PARENT));
            }
            // Shards that never have children: that the answer is "not yet" makes no difference to anything, whenever it comes.
            Command::ListChildren(shard) => {
                let result = Ok(false);
                return Some(Event::ChildrenListed { shard, result });
            }
            Command::Read(lease) => self.hold(world, no, &lease),
            Command::Stop { shard, handover_to } => {
                self.stop(world, no, number(&shard), handover_to.as_deref());
            }
            Command::GiveUp(shard) => {
                world.drop_hold(no, number(&shard));
                let exit = Exit::Lost;
                return Some(Event::ShardEnded { shard, exit });
            }
            Command::Leave => return Some(Event::Left(Ok(()))),
            Command::End => self.leave(world, no),
            Command::RemoveDeadWorker { .. } | Command::Fail(_) => {
                unreachable!("nobody is dead for long, and every start succeeds")
            }
        }
        None
    }

    /// Ends a worker, whatever it was at.
    pub(super) fn leave(&self, world: &mut World, no: WorkerNo) {
        let worker = &mut world.workers[no];
        worker.phase = Phase::Gone;
        worker.calls.clear();
        worker.found.clear();
        worker.coordination = self.coordination(no);
    }
}
