//! A model of the protocol by which workers share shards, for a model checker: every interleaving of two workers,
//! two shards, a split, and faults.
//!
//! What decides in the model is the product's own: `Shard` says what a holder does next, `lineage` which shards
//! there are and may be read, `balance` what to take and to ask for, `standing` what to give up, and the rows of the
//! lease table have the conditions that the conformance suite holds both stores to. The model's own are the loops around
//! them, which here may stop between any two steps, the service, and the faults.

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

use crate::lease::liveness::Liveness;
use crate::lease::{Checkpoint, StreamEntry};
use crate::lineage;
use crate::settings::Settings;
use crate::testing::{STREAM, epoch_time, heartbeat};

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
        Self {
            layout,
            faults,
            defect: None,
            settings: Settings {
                poll_interval: Duration::ZERO,
                idle_poll_interval: Duration::ZERO,
                checkpoint_interval: Duration::ZERO,
                ..Settings::default()
            },
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
        let defect = Some(defect);
        Self { defect, ..self }
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
        vec![World::new(self.faults, table)]
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
