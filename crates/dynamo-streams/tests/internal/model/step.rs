//! The steps that may happen next.

mod after;

use super::defect::Defect;
use super::stream::{CHILDREN, ShardNo};
use super::table::{WorkerNo, Write};
use super::world::{Call, Phase, World};
use super::{NAMES, Protocol};

/// One step of somebody. Between any two, everybody else may act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The listings show one child more.
    ListChild,
    /// A write arrives whose sender does not wait for it.
    Arrive(usize),
    /// A record's handler ends.
    Handled(WorkerNo, ShardNo, u64),
    /// A further page is read.
    Read(WorkerNo, ShardNo),
    /// The write of a hold is made and answered.
    Write(WorkerNo, ShardNo),
    /// A write of a coordinator is made and answered.
    Decided(WorkerNo, usize),
    /// The leases of the shards that were found are made, and the listing is answered.
    Create(WorkerNo),
    /// A worker lists the shards and compares them with the leases.
    ListShards(WorkerNo),
    /// A worker looks at the lease table and decides; the other may have been silent for long.
    Look {
        worker: WorkerNo,
        other_is_dead: bool,
    },
    /// A zombie's own clock tells it that its heartbeat is too old, and then its heartbeat arrives. Whoever held it for
    /// dead may act on that later.
    FenceFalls(WorkerNo),
    /// A heartbeat arrives again.
    Beat(WorkerNo),
    Fault(Fault, WorkerNo),
    /// A write is sent again, and what was sent first arrives some time as well.
    Echo(WorkerNo, ShardNo),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Crash,
    Freeze,
    Silence,
    Drain,
}

impl Step {
    /// Whether it happens by itself sooner or later.
    pub(super) fn is_sure(&self) -> bool {
        !matches!(self, Step::Fault(..) | Step::Echo(..))
    }
}

impl Protocol {
    /// The steps that may be taken. One that changes nothing is no step.
    pub(super) fn steps(&self, world: &World, steps: &mut Vec<Step>) {
        if world.stream.children_listed < CHILDREN.len() {
            steps.push(Step::ListChild);
        }
        steps.extend((0..world.late.len()).map(Step::Arrive));
        for no in 0..NAMES.len() {
            self.steps_of(world, no, steps);
            faults_of(world, no, steps);
        }
    }

    fn steps_of(&self, world: &World, no: WorkerNo, steps: &mut Vec<Step>) {
        let worker = &world.workers[no];
        for (shard, hold) in &worker.holds {
            let running = hold.running.keys();
            steps.extend(running.map(|number| Step::Handled(no, *shard, *number)));
            if hold.reading.is_some() {
                steps.push(Step::Read(no, *shard));
            }
            if hold.write.is_some() {
                steps.push(Step::Write(no, *shard));
            }
        }
        match worker.phase {
            Phase::Gone => return,
            Phase::Zombie => steps.push(Step::FenceFalls(no)),
            Phase::Fenced | Phase::Heedless => steps.push(Step::Beat(no)),
            Phase::Up => {}
        }
        for (place, call) in worker.calls.iter().enumerate() {
            if let Call::Write(write) = call
                && !self.is_ignored(world, write)
            {
                steps.push(Step::Decided(no, place));
            }
        }
        // A zombie's fence falls before it hears of another look, and under a fallen fence a look changes nothing.
        if worker.draining || matches!(worker.phase, Phase::Zombie | Phase::Fenced) {
            return;
        }
        if !worker.found.is_empty() {
            steps.push(Step::Create(no));
        } else if worker.listing().is_some() {
            steps.push(Step::ListShards(no));
        }
        if worker.calls.contains(&Call::View) && worker.writes().next().is_none() {
            let other = world.workers[1 - no].phase;
            let may_be_dead = other != Phase::Up || self.has(Defect::SuspectsTheLiving);
            // Who is held for dead stays so until a heartbeat arrives.
            let may_be_alive = other == Phase::Up || !worker.coordination.other_is_dead;
            for (may_be, other_is_dead) in [(may_be_alive, false), (may_be_dead, true)] {
                if may_be {
                    steps.push(Step::Look {
                        worker: no,
                        other_is_dead,
                    });
                }
            }
        }
    }
}

impl Protocol {
    /// Whether a worker does not take what was handed over to it: a defect.
    pub(super) fn is_ignored(&self, world: &World, write: &Write) -> bool {
        let Write::Take { seen, worker } = write else {
            return false;
        };
        let row = world.table.row(seen.shard);
        let mine = row.is_some_and(|row| row.owner.as_deref() == Some(NAMES[*worker]));
        self.has(Defect::IgnoresHandedOver) && mine
    }
}

fn faults_of(world: &World, no: WorkerNo, steps: &mut Vec<Step>) {
    let (worker, other) = (&world.workers[no], &world.workers[1 - no]);
    let faults = world.faults;
    if worker.phase == Phase::Gone || (no > 0 && !faults.struck) {
        return;
    }
    // Somebody stays.
    let may_go = other.phase != Phase::Gone && !other.draining;
    if faults.crash > 0 && may_go {
        steps.push(Step::Fault(Fault::Crash, no));
    }
    if faults.drain > 0 && may_go && !worker.draining {
        steps.push(Step::Fault(Fault::Drain, no));
    }
    if worker.phase == Phase::Up {
        let busy = !worker.holds.is_empty() || worker.writes().next().is_some();
        if faults.zombie > 0 && busy {
            steps.push(Step::Fault(Fault::Freeze, no));
        }
        if faults.silence > 0 && busy {
            steps.push(Step::Fault(Fault::Silence, no));
        }
    }
    if faults.echo > 0 {
        let writing = worker.holds.iter().filter(|(_, hold)| hold.write.is_some());
        steps.extend(writing.map(|(shard, _)| Step::Echo(no, *shard)));
    }
}
