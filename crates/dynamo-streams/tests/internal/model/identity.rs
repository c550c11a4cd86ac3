//! Which worlds are the same for all that can still happen.
//!
//! Epochs are compared and counted up, and nothing else: so what counts of an epoch is its place among those of the same
//! shard that still occur. Of a finished shard nothing counts any more.

use std::hash::{Hash, Hasher};

use super::stream::{ShardNo, number, position};
use super::table::{Table, Write};
use super::world::{Call, Worker, World};

impl Hash for World {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Self {
            table,
            stream,
            workers,
            late,
            faults,
            handled,
        } = self;
        let places = Places::of(self);
        hash_table(table, &places, hasher);
        for worker in workers {
            hash_worker(worker, &places, hasher);
        }
        hash_writes(late, &places, hasher);
        (stream, faults, handled).hash(hasher);
    }
}

/// The epochs of each shard that occur, in order.
struct Places(Vec<(ShardNo, u64)>);

impl Places {
    fn of(world: &World) -> Self {
        let rows = world.table.rows.iter();
        let rows = rows.map(|row| (number(&row.shard), row.epoch));
        let holds = world
            .holds()
            .map(|hold| (hold.token.shard, hold.token.epoch));
        let calls = world.workers.iter().flat_map(Worker::writes);
        let under_way = world.holds().filter_map(|hold| hold.write.as_ref());
        let writes = calls.chain(under_way).chain(&world.late);
        let writes = writes.map(|write| (write.shard(), write.epoch()));
        let mut places: Vec<_> = rows.chain(holds).chain(writes).collect();
        places.sort_unstable();
        places.dedup();
        Self(places)
    }

    fn place(&self, shard: ShardNo, epoch: u64) -> usize {
        let first = self.0.partition_point(|(other, _)| *other < shard);
        self.0.partition_point(|place| *place < (shard, epoch)) - first
    }
}

fn hash_table<H: Hasher>(table: &Table, places: &Places, hasher: &mut H) {
    let Table { rows, breaches } = table;
    for row in rows.iter() {
        let shard = number(&row.shard);
        (shard, row.is_finished()).hash(hasher);
        let place = places.place(shard, row.epoch);
        // Of what is left out, the parents never change and the rest is for people.
        if !row.is_finished() {
            let checkpoint = position(&row.checkpoint);
            (&row.owner, place, checkpoint, &row.handover_to).hash(hasher);
        }
    }
    breaches.hash(hasher);
}

fn hash_worker<H: Hasher>(worker: &Worker, places: &Places, hasher: &mut H) {
    let Worker {
        phase,
        draining,
        coordination,
        calls,
        holds,
        found,
    } = worker;
    for (shard, hold) in holds {
        (shard, places.place(*shard, hold.token.epoch)).hash(hasher);
        hold.state().hash(hasher);
        hash_writes(&hold.write, places, hasher);
    }
    hash_writes(worker.writes(), places, hasher);
    for call in calls {
        match call {
            Call::Write(_) => {}
            call @ (Call::View | Call::Heartbeat(_) | Call::ListShards | Call::ListChildren(_)) => {
                call.hash(hasher);
            }
        }
    }
    for lease in found {
        lease.shard.hash(hasher);
    }
    (
        phase,
        draining,
        holds.len(),
        (coordination.digest, coordination.other_is_dead),
        calls.len(),
        found.len(),
    )
        .hash(hasher);
}

fn hash_writes<'a, H: Hasher>(
    writes: impl IntoIterator<Item = &'a Write>,
    places: &Places,
    hasher: &mut H,
) {
    let mut count = 0;
    for write in writes {
        count += 1;
        places.place(write.shard(), write.epoch()).hash(hasher);
        match write {
            Write::Take { seen, worker } => {
                (0, seen.shard, &seen.owner, &seen.handover_to, worker).hash(hasher);
            }
            Write::Ask { seen, worker } => {
                (1, seen.shard, &seen.owner, &seen.handover_to, worker).hash(hasher);
            }
            Write::Checkpoint { token, checkpoint } => {
                (2, token.shard, token.worker, checkpoint).hash(hasher);
            }
            Write::Finish { token, checkpoint } => {
                (3, token.shard, token.worker, checkpoint).hash(hasher);
            }
            Write::Release {
                token,
                checkpoint,
                to,
            } => {
                (4, token.shard, token.worker, checkpoint, to).hash(hasher);
            }
        }
    }
    count.hash(hasher);
}
