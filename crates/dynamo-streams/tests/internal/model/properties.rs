//! What must hold at every moment, and what must happen at some.

use stateright::Property;

use super::stream::{CHILDREN, PARENT, ShardNo, is_child, number, position};
use super::table::{Token, Write};
use super::world::{Phase, World};
use super::{NAMES, Protocol};

pub(super) const DELIVERED: &str = "a shard is finished after each of its records was handled";
pub(super) const CONTIGUOUS: &str = "a checkpoint never passes unfinished work";
pub(super) const FORWARD: &str = "a stored checkpoint never goes back";
pub(super) const IN_ORDER: &str = "records of one item are handled in order";
pub(super) const ONE_AT_A_TIME: &str = "records of one item are handled one at a time";
pub(super) const PARENTS_FIRST: &str = "a child is read after its parent is finished";
pub(super) const FENCED: &str = "a write under a lost lease is refused";
pub(super) const ONE_HOLDER: &str = "a shard has one holder an epoch";
pub(super) const STOPS_ON_LOSS: &str = "who loses a lease stops before its next side effect";
pub(super) const STAYS_FINISHED: &str = "a finished shard is not taken again";
pub(super) const LEAVES_NOTHING: &str = "who has drained and left holds no lease";
pub(super) const SETTLES: &str = "whatever happened, every shard is finished in the end";

type Condition = fn(&Protocol, &World) -> bool;

/// What holds at every moment.
pub(super) const ALWAYS: [(&str, Condition); 12] = [
    (DELIVERED, delivered),
    (CONTIGUOUS, contiguous),
    (FORWARD, |_, world| !world.table.breaches.went_back),
    (IN_ORDER, |_, world| !world.table.breaches.out_of_order),
    (ONE_AT_A_TIME, one_at_a_time),
    (PARENTS_FIRST, parents_first),
    (FENCED, |_, world| !world.table.breaches.stale_write),
    (ONE_HOLDER, one_holder),
    (STOPS_ON_LOSS, stops_on_loss),
    (STAYS_FINISHED, |_, world| {
        !world.table.breaches.finished_taken
    }),
    (LEAVES_NOTHING, leaves_nothing),
    (SETTLES, settles),
];

/// The properties of a protocol. What must happen at some moment depends on the faults there are; without it, the others
/// could hold of a model in which nothing happens.
pub(super) fn of(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let faults = protocol.faults;
    let silent = faults.zombie + faults.silence;
    let lossy = faults.crash + silent;
    let sometimes: [(bool, &'static str, Condition); 9] = [
        (true, "a child is read", child_read),
        (true, "everything is finished", is_done),
        (lossy > 0, "a record is handled again", handled_again),
        (
            lossy > 0,
            "a write outlives its hold and may still be accepted",
            orphaned,
        ),
        (
            faults.zombie > 0,
            "a zombie's write is about to be refused",
            refused,
        ),
        (
            faults.zombie > 0,
            "a zombie handles what its successor handles",
            both_handle,
        ),
        (silent > 0, "a shard is handed over", handed_over),
        (
            faults.echo > 0,
            "a checkpoint arrives after a later one",
            overtaken,
        ),
        (
            faults.drain > 0,
            "a worker has drained and left",
            has_drained,
        ),
    ];
    let always = ALWAYS.map(|(name, condition)| Property::always(name, condition));
    let sometimes = sometimes.into_iter().filter(|(expected, ..)| *expected);
    let sometimes = sometimes.map(|(_, name, condition)| Property::sometimes(name, condition));
    always.into_iter().chain(sometimes).collect()
}

/// The checkpoint of a shard, 0 at the beginning.
fn checkpoint_of(world: &World, shard: ShardNo) -> u64 {
    let row = world.table.row(shard);
    row.map_or(0, |row| position(&row.checkpoint))
}

/// The records that a worker handles now.
fn running(world: &World, no: usize) -> impl Iterator<Item = u64> {
    let holds = world.workers[no].holds.values();
    holds.flat_map(|hold| hold.running.keys().copied())
}

/// The workers whose knowledge of their leases is not older than the leases.
fn aware(world: &World) -> impl Iterator<Item = usize> {
    (0..NAMES.len()).filter(|no| world.workers[*no].phase != Phase::Zombie)
}

fn delivered(model: &Protocol, world: &World) -> bool {
    let mut finished = world.table.rows.iter().filter(|row| row.is_finished());
    finished.all(|row| {
        let mut records = model.layout.of_shard(number(&row.shard));
        records.all(|record| world.handled.has(record))
    })
}

fn contiguous(model: &Protocol, world: &World) -> bool {
    model.layout.numbers().all(|record| {
        let passed = record <= checkpoint_of(world, model.layout.shard_of(record));
        !passed || world.handled.has(record)
    })
}

fn one_at_a_time(model: &Protocol, world: &World) -> bool {
    let records = aware(world).flat_map(|no| running(world, no));
    let mut items: Vec<&str> = records.map(|record| model.layout.item_of(record)).collect();
    let count = items.len();
    items.sort_unstable();
    items.dedup();
    items.len() == count
}

fn parents_first(_: &Protocol, world: &World) -> bool {
    let parent = world.table.row(PARENT);
    parent.is_some_and(|parent| parent.is_finished())
        || !world.holds().any(|hold| is_child(hold.token.shard))
}

fn one_holder(_: &Protocol, world: &World) -> bool {
    let place = |token: Token| (token.shard, token.epoch);
    world.holds().all(|hold| {
        let mut others = world
            .holds()
            .filter(|other| other.token.worker != hold.token.worker);
        others.all(|other| place(other.token) != place(hold.token))
    })
}

fn stops_on_loss(_: &Protocol, world: &World) -> bool {
    let mut holds = aware(world).flat_map(|no| world.workers[no].holds.values());
    holds.all(|hold| hold.running.is_empty() || world.table.holds(hold.token))
}

fn leaves_nothing(_: &Protocol, world: &World) -> bool {
    world.workers.iter().zip(NAMES).all(|(worker, name)| {
        let has_left = worker.draining && worker.phase == Phase::Gone;
        let mut rows = world.table.rows.iter();
        !has_left || rows.all(|row| row.owner.as_deref() != Some(name))
    })
}

/// Where nothing more happens by itself, everything is done.
fn settles(model: &Protocol, world: &World) -> bool {
    let mut steps = Vec::new();
    model.steps(world, &mut steps);
    let mut sure = steps.into_iter().filter(|step| step.is_sure());
    sure.any(|step| model.after(world, step) != *world) || is_done(model, world)
}

fn is_done(model: &Protocol, world: &World) -> bool {
    let rows = &world.table.rows;
    rows.iter().count() == 2 + CHILDREN.len()
        && rows.iter().all(|row| row.is_finished())
        && model
            .layout
            .numbers()
            .all(|record| world.handled.has(record))
}

fn child_read(_: &Protocol, world: &World) -> bool {
    let mut holds = world.holds();
    holds.any(|hold| is_child(hold.token.shard) && !hold.running.is_empty())
}

fn handled_again(_: &Protocol, world: &World) -> bool {
    let mut records = (0..NAMES.len()).flat_map(|no| running(world, no));
    records.any(|record| world.handled.has(record))
}

fn refused(_: &Protocol, world: &World) -> bool {
    let mut holds = world.holds();
    holds.any(|hold| hold.write.is_some() && !world.table.holds(hold.token))
}

fn orphaned(_: &Protocol, world: &World) -> bool {
    let mut tokens = world.late.iter().filter_map(Write::token);
    tokens.any(|token| !world.holds().any(|hold| hold.token == token))
}

fn both_handle(_: &Protocol, world: &World) -> bool {
    running(world, 0).any(|record| running(world, 1).any(|other| other == record))
}

fn handed_over(_: &Protocol, world: &World) -> bool {
    world.workers.iter().zip(NAMES).any(|(worker, name)| {
        let mut rows = world.table.rows.iter();
        rows.any(|row| {
            let requested = worker.coordination.machine.has_requested(&row.shard);
            requested && row.owner.as_deref() == Some(name)
        })
    })
}

fn overtaken(_: &Protocol, world: &World) -> bool {
    world.late.iter().any(|write| match *write {
        Write::Checkpoint { token, checkpoint } => {
            world.table.holds(token) && checkpoint < checkpoint_of(world, token.shard)
        }
        Write::Take { .. } | Write::Ask { .. } | Write::Finish { .. } | Write::Release { .. } => {
            false
        }
    })
}

fn has_drained(_: &Protocol, world: &World) -> bool {
    let mut workers = world.workers.iter();
    workers.any(|worker| worker.draining && worker.phase == Phase::Gone)
}
