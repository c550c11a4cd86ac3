//! The steps that may happen next.

mod after;
mod look;

use super::defect::Defect;
use super::stream::{CHILDREN, ShardNo};
use super::table::WorkerNo;
use super::world::{Phase, World};
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
    /// The next write that was decided on is made and answered.
    Next(WorkerNo),
    /// The leases of the shards that were found are made.
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
        if !worker.plan.is_empty() {
            steps.push(Step::Next(no));
        }
        // A zombie's fence falls before it hears of another look, and under a fallen fence a look changes nothing.
        if worker.draining || matches!(worker.phase, Phase::Zombie | Phase::Fenced) {
            return;
        }
        if worker.found.is_empty() {
            steps.push(Step::ListShards(no));
        } else {
            steps.push(Step::Create(no));
        }
        if worker.plan.is_empty() {
            let other = world.workers[1 - no].phase;
            let dead = other != Phase::Up || self.has(Defect::SuspectsTheLiving);
            for other_is_dead in [false, true].into_iter().take(1 + usize::from(dead)) {
                steps.push(Step::Look {
                    worker: no,
                    other_is_dead,
                });
            }
        }
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
    if faults.drain > 0 && may_go && !worker.draining && worker.plan.is_empty() {
        steps.push(Step::Fault(Fault::Drain, no));
    }
    if worker.phase == Phase::Up {
        let busy = !worker.holds.is_empty() || !worker.plan.is_empty();
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
