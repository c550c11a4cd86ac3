//! A model of the protocol by which workers share shards, for a model checker: every interleaving of two workers,
//! two shards, a split, and faults.
//!
//! What decides in the model is the product's own: `Coordinator` says what a worker does next, `Shard` what a holder does, `lineage` which
//! shards there are, and the rows of the lease table have the conditions that the conformance suite holds both stores to. The model's own are
//! the loops around the two, which answer a call at any time, the service, and the faults.

mod coordination;
mod defect;
mod fault;
mod hold;
mod identity;
mod properties;
mod step;
mod stream;
mod table;
mod tests;
mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use stateright::{Model, Property};
use tokio::time::Instant;

use crate::internal::samples::{STREAM, epoch_time, heartbeat};
use crate::lease::liveness::Liveness;
use crate::lease::{Checkpoint, StreamEntry};
use crate::lineage;
use crate::settings::Settings;

use defect::Defect;
use fault::Faults;
use step::Step;
use stream::{Layout, Stream};
use table::Table;
use world::World;

/// The workers, by number.
const NAMES: [&str; 2] = ["a", "b"];
const LEASE: Duration = Duration::from_secs(25);

/// What the checker explores.
struct Protocol {
    layout: Layout,
    faults: Faults,
    defect: Option<Defect>,
    settings: Settings,
    stream: StreamEntry,
    /// What each worker may know of the other: that it is alive, or that it is dead.
    alive: Liveness,
    dead: [Liveness; 2],
    /// The one moment at which everything happens: timers fire when the checker says so.
    now: Instant,
    /// When a heartbeat of that moment is too old.
    later: Instant,
}

impl Protocol {
    fn new(layout: Layout, faults: Faults) -> Self {
        let first = Instant::now();
        let now = first + LEASE;
        let observed = |silent: Option<&str>| {
            let mut liveness = Liveness::new(LEASE);
            let beats = |beat: u64| {
                NAMES.map(|name| heartbeat(name, if silent == Some(name) { 1 } else { beat }))
            };
            liveness.observe(&beats(1), &[], first);
            liveness.observe(&beats(2), &[], now);
            liveness
        };
        let settings = Settings {
            poll_interval: Duration::ZERO,
            idle_poll_interval: Duration::ZERO,
            checkpoint_interval: Duration::ZERO,
            sync_interval: Duration::ZERO,
            list_shards_interval: Duration::ZERO,
            ..Settings::default()
        };
        Self {
            layout,
            faults,
            defect: None,
            later: now + settings.self_fence_after(),
            settings,
            stream: StreamEntry {
                stream_arn: STREAM.to_owned(),
                start: Checkpoint::TrimHorizon,
                seeded: true,
                drained: false,
            },
            alive: observed(None),
            dead: NAMES.map(|name| observed(Some(name))),
            now,
        }
    }

    fn with(self, defect: Defect) -> Self {
        let mut protocol = Self {
            defect: Some(defect),
            ..self
        };
        if defect == Defect::OverdueTooSoon {
            protocol.settings.handover_timeout = Duration::ZERO;
        }
        protocol
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let mut table = Table::default();
        let listing = Stream::default().listing();
        let new = lineage::new_leases(
            &self.stream,
            &listing,
            &BTreeMap::new(),
            |_| false,
            epoch_time(0),
        );
        for lease in new.leases {
            table.create(lease, None);
        }
        let mut world = World::new(self.faults, table, [0, 1].map(|no| self.coordination(no)));
        for no in 0..NAMES.len() {
            self.begin(&mut world, no);
        }
        vec![world]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        self.steps(world, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let next = self.after(world, step);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }
}
