//! The canonical scenarios: short, and between them they meet every handler.

use std::ops::Range;
use std::time::Duration;

use arthouse::Names;
use arthouse_store::Table;

use crate::fault::Fault;
use crate::node::Role;
use crate::school::Command;
use crate::world::{Report, Setup, World};

/// How long a script waits for what must come although something goes wrong.
const PATIENCE: Duration = Duration::from_secs(45 * 60);
/// How much later than all others the stream processor of a late start begins.
const LATE: Duration = Duration::from_secs(10);
const COURSE: &str = "c";
const STUDENT: &str = "u";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scenario {
    /// From the start of all processes: a student applies, pays and has sessions.
    Enrolling,
    /// A student comes to a session.
    Attending,
    /// A student does not come.
    Skipping,
    /// A student moves a session, and the course gets another title.
    Rescheduling,
    /// Commands come twice, past the queue's own deduplication.
    Duplicate,
    /// Of two workers and two stream processors, one each dies for good while a student enrols.
    TakeOver,
    /// Of two stream processors, one is shut down and hands its shards over.
    HandOver,
    /// Streams are read for the first time when shards have split between two changes of an item.
    LateStart,
    /// Two of each share the work while a student enrols and comes to a session; only the zoo asks for it.
    Sharing,
}

/// One fault at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Case {
    pub(crate) scenario: Scenario,
    pub(crate) node: u32,
    pub(crate) call: u64,
    pub(crate) fault: Fault,
}

impl Scenario {
    pub(crate) const ALL: [Self; 8] = [
        Self::Enrolling,
        Self::Attending,
        Self::Skipping,
        Self::Rescheduling,
        Self::Duplicate,
        Self::TakeOver,
        Self::HandOver,
        Self::LateStart,
    ];

    /// The deployment that the scenario is played on.
    pub(crate) fn setup(self) -> Setup {
        let processes = match self {
            Self::TakeOver | Self::HandOver | Self::Sharing => 2,
            Self::Enrolling
            | Self::Attending
            | Self::Skipping
            | Self::Rescheduling
            | Self::Duplicate
            | Self::LateStart => 1,
        };
        Setup {
            seed: 1,
            workers: processes,
            processors: processes,
            ..Setup::default()
        }
    }

    /// Plays the scenario to its end.
    pub(crate) fn play(self, setup: Setup) -> Report {
        let mut world = World::new(setup);
        self.prepare(&mut world);
        self.act(&mut world);
        world.settle()
    }

    /// Plays it with nothing going wrong; returns each node's calls during the scenario's own part.
    pub(crate) fn calls(self) -> Vec<(u32, Range<u64>)> {
        let mut world = World::new(self.setup());
        self.prepare(&mut world);
        let before = world.network.calls();
        self.act(&mut world);
        let after = world.network.calls();
        let nodes = world.nodes.iter().map(|node| node.id);
        nodes
            .map(|node| {
                let count =
                    |calls: &std::collections::BTreeMap<u32, u64>| *calls.get(&node).unwrap_or(&0);
                (node, count(&before)..count(&after))
            })
            .collect()
    }

    /// What must be there before.
    fn prepare(self, world: &mut World) {
        match self {
            Self::Enrolling | Self::Sharing => {}
            Self::Attending | Self::Skipping | Self::Rescheduling | Self::HandOver => enrol(world),
            Self::LateStart => {
                world.outage(Role::Streams, LATE);
                carry_out(world, &Command::course("course", COURSE, 1_000, 3));
                carry_out(world, &Command::apply("apply", STUDENT, COURSE));
                split_shards(world);
            }
            Self::Duplicate | Self::TakeOver => {
                carry_out(world, &Command::course("course", COURSE, 1_000, 3));
            }
        }
    }

    fn act(self, world: &mut World) {
        match self {
            Self::Enrolling => enrol(world),
            Self::Sharing => {
                enrol(world);
                attend(world);
            }
            Self::Attending => attend(world),
            Self::Skipping => {
                carry_out(world, &Command::skip("skip", STUDENT, COURSE, 3));
                charged(world, 3);
            }
            Self::Rescheduling => {
                let to = "2026-02-20T10:00:00Z";
                carry_out(world, &Command::reschedule("move", STUDENT, COURSE, 2, to));
                carry_out(world, &Command::retitle("retitle", COURSE, "again"));
                world.pass(Duration::from_secs(3));
            }
            Self::Duplicate => {
                let apply = Command::apply("apply", STUDENT, COURSE);
                world.post(&apply);
                world.post(&apply.again(1));
                carry_out(world, &apply.again(2));
                carry_out(world, &Command::pay("pay", STUDENT, COURSE, "r1"));
                carry_out(world, &Command::pay("pay-2", STUDENT, COURSE, "r2"));
            }
            Self::TakeOver => {
                carry_out(world, &Command::apply("apply", STUDENT, COURSE));
                world.kill(1);
                world.kill(3);
                carry_out(world, &Command::pay("pay", STUDENT, COURSE, "r1"));
                initialised(world);
            }
            Self::HandOver => {
                world.stop(3);
                attend(world);
            }
            Self::LateStart => {
                carry_out(world, &Command::pay("pay", STUDENT, COURSE, "r1"));
                initialised(world);
            }
        }
    }
}

fn enrol(world: &mut World) {
    carry_out(world, &Command::course("course", COURSE, 1_000, 3));
    carry_out(world, &Command::apply("apply", STUDENT, COURSE));
    carry_out(world, &Command::pay("pay", STUDENT, COURSE, "r1"));
    initialised(world);
}

fn attend(world: &mut World) {
    carry_out(world, &Command::attend("attend", STUDENT, COURSE, 1));
    charged(world, 1);
}

/// Splits every shard of both streams.
fn split_shards(world: &mut World) {
    world.network.aws.set_now(world.now);
    let tables = Names::default().tables;
    for table in [Table::UsersCourses, Table::Sessions] {
        world.network.aws.split_shards(&tables.name(table));
    }
}

fn initialised(world: &mut World) {
    world.until(PATIENCE, |world| {
        world.network.auditor.is_initialised(STUDENT, COURSE)
    });
    world.pass(Duration::from_secs(3));
}

fn charged(world: &mut World, session: u32) {
    world.until(PATIENCE, |world| {
        world.network.auditor.is_charged(STUDENT, COURSE, session)
    });
    world.pass(Duration::from_secs(3));
}

/// Posts a command and waits for its outcome.
fn carry_out(world: &mut World, command: &Command) {
    world.post(command);
    world.until(PATIENCE, |world| {
        world.network.auditor.has_outcome(&command.id)
    });
}
