//! A worker's look at the lease table, as its coordinator does it.

use std::collections::{BTreeMap, BTreeSet};

use crate::lease::Lease;
use crate::lease::balance::{Move, Situation, moves};
use crate::lease::check::{LeaseCheck, check_lease};
use crate::lease::liveness::Liveness;
use crate::lineage;
use crate::model::defect::Defect;
use crate::model::stream::{ShardNo, key, number};
use crate::model::table::{Sight, WorkerNo, Write};
use crate::model::world::World;
use crate::model::{NAMES, Protocol};
use crate::source::ShardKey;

impl Protocol {
    pub(super) fn look(&self, world: &mut World, no: WorkerNo, other_is_dead: bool) {
        let liveness = if other_is_dead {
            &self.dead[1 - no]
        } else {
            &self.alive
        };
        self.compare(world, no, liveness);
        let leases: Vec<Lease> = world.table.rows.iter().cloned().collect();
        world.workers[no].plan = self.plan(world, no, leases, liveness);
    }

    /// Gives up what another worker has by now, and stops what a live one asks for.
    fn compare(&self, world: &mut World, no: WorkerNo, liveness: &Liveness) {
        let me = NAMES[no];
        let held: Vec<ShardNo> = world.workers[no].holds.keys().copied().collect();
        for shard in held {
            let epoch = world.workers[no].holds[&shard].token.epoch;
            let row = world.table.row(shard).cloned();
            let is_live = |worker: &str| liveness.is_live(worker, self.now);
            match check_lease(row.as_ref(), me, epoch, is_live) {
                LeaseCheck::Held => {}
                LeaseCheck::Lost => world.drop_hold(no, shard),
                LeaseCheck::HandoverRequested(asker) => self.stop(world, no, shard, Some(asker)),
            }
        }
        let table = world.table.clone();
        let requested = &mut world.workers[no].requested;
        requested.retain(|shard| {
            let row = table.row(*shard);
            row.is_some_and(|row| row.is_requested_by(me))
        });
    }

    fn plan(
        &self,
        world: &World,
        no: WorkerNo,
        mut leases: Vec<Lease>,
        liveness: &Liveness,
    ) -> Vec<Write> {
        for lease in &mut leases {
            if self.has(Defect::ChildrenBeforeParents) {
                lease.parents.clear();
            }
            if self.has(Defect::TakesFinishedShards) {
                lease.finished_at = None;
            }
        }
        let worker = &world.workers[no];
        let held: BTreeSet<ShardKey> = worker.holds.keys().map(|shard| key(*shard)).collect();
        let requested: BTreeMap<ShardKey, _> = worker
            .requested
            .iter()
            .map(|shard| (key(*shard), self.now))
            .collect();
        let ready = lineage::ready(&leases, std::slice::from_ref(&self.stream));
        let moves = moves(&Situation {
            me: NAMES[no],
            ready: &ready,
            liveness,
            held: &held,
            requested: &requested,
            handover_timeout: self.settings.handover_timeout,
            now: self.now,
        });
        let sight = |shard: &ShardKey| {
            Sight::of(
                leases
                    .iter()
                    .find(|lease| lease.shard == *shard)
                    .expect("it was seen"),
            )
        };
        let mine = |shard: &ShardKey| {
            let row = world.table.row(number(shard));
            row.is_some_and(|row| row.owner.as_deref() == Some(NAMES[no]))
        };
        let wanted = moves.into_iter().filter(|step| match step {
            Move::Take(shard) => {
                let left = self.has(Defect::IgnoresHandedOver) && mine(shard);
                !held.contains(shard) && !left
            }
            Move::RequestHandover(_) => true,
        });
        wanted
            .map(|step| match step {
                Move::Take(shard) => Write::Take {
                    seen: sight(&shard),
                    worker: no,
                },
                Move::RequestHandover(shard) => Write::Ask {
                    seen: sight(&shard),
                    worker: no,
                },
            })
            .collect()
    }
}
