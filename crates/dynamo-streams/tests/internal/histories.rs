//! Random histories of a stream and of one to four workers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use crate::handler::Disposition;
use crate::internal::world::{Worker, World, item, number};
use crate::testing::link::Link;
use crate::testing::memory::Saved;

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Write {
        item: u8,
        times: u8,
    },
    Split {
        nth: usize,
        shown_after: u64,
    },
    RollOver {
        nth: usize,
        shown_after: u64,
    },
    ExpireIterators,
    Throttle(u32),
    EmptyPages(u32),
    Pass {
        milliseconds: u64,
    },
    Start,
    Crash(usize),
    /// A worker is stopped and goes on later: a zombie, if somebody took its shards meanwhile.
    Freeze {
        worker: usize,
        seconds: u64,
    },
    Drain(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_u8..6, 1_u8..4).prop_map(|(item, times)| Step::Write { item, times }),
        2 => (0_usize..4, 0_u64..20).prop_map(|(nth, shown_after)| Step::Split { nth, shown_after }),
        2 => (0_usize..4, 0_u64..20).prop_map(|(nth, shown_after)| Step::RollOver { nth, shown_after }),
        1 => Just(Step::ExpireIterators),
        1 => (1_u32..10).prop_map(Step::Throttle),
        1 => (1_u32..10).prop_map(Step::EmptyPages),
        6 => (1_u64..4_000).prop_map(|milliseconds| Step::Pass { milliseconds }),
        2 => Just(Step::Start),
        1 => (0_usize..4).prop_map(Step::Crash),
        2 => (0_usize..4, 1_u64..15).prop_map(|(worker, seconds)| Step::Freeze { worker, seconds }),
        1 => (0_usize..4).prop_map(Step::Drain),
    ]
}

/// The item whose reactions always fail.
const POISON: &str = "item-0";

struct History {
    world: World,
    workers: Vec<Worker>,
    drains: tokio::task::JoinSet<()>,
    seed: u64,
    percent: u8,
    violations: Arc<Mutex<Vec<String>>>,
}

impl History {
    fn new(seed: u64, percent: u8, poison: bool) -> Self {
        let random = Mutex::new(fastrand::Rng::with_seed(seed));
        let world = World::new().refusing(move |item, _| {
            let retry = || Disposition::Retry {
                reason: "by chance".to_owned(),
            };
            if poison && item == POISON {
                return Some(Disposition::Park {
                    reason: "poison".to_owned(),
                });
            }
            (random.lock().unwrap().u8(0..10) == 0).then(retry)
        });
        let world = World {
            effort: Duration::from_millis(80),
            ..world
        }
        .with(|settings| {
            settings.retry.max_attempts = 30;
            settings.retry.max_delay = Duration::from_secs(2);
        });
        let violations = Arc::default();
        audit(&world, &violations);
        Self {
            world,
            workers: Vec::new(),
            drains: tokio::task::JoinSet::new(),
            seed,
            percent,
            violations,
        }
    }

    async fn apply(&mut self, step: Step) {
        let streams = &self.world.streams;
        match step {
            Step::Write { item, times } => {
                for _ in 0..times {
                    streams.write(&format!("item-{item}"));
                }
            }
            Step::Split { nth, shown_after } => {
                streams.split(nth, 2, Duration::from_secs(shown_after))
            }
            Step::RollOver { nth, shown_after } => {
                streams.split(nth, 1, Duration::from_secs(shown_after))
            }
            Step::ExpireIterators => streams.expire_iterators(),
            Step::Throttle(calls) => streams.throttle(calls),
            Step::EmptyPages(pages) => streams.answer_empty_pages(pages),
            Step::Pass { milliseconds } => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await
            }
            Step::Start => self.start(),
            Step::Crash(nth) => {
                if let Some(worker) = self.pick(nth) {
                    self.workers.remove(worker).crash();
                }
            }
            Step::Freeze { worker, seconds } => {
                if let Some(worker) = self.pick(worker) {
                    let link = self.workers[worker].link.clone();
                    link.freeze();
                    self.drains.spawn(async move {
                        tokio::time::sleep(Duration::from_secs(seconds)).await;
                        link.thaw();
                    });
                }
            }
            Step::Drain(nth) => {
                if let Some(worker) = self.pick(nth) {
                    let worker = self.workers.remove(worker);
                    self.drains.spawn(worker.stop());
                }
            }
        }
    }

    fn pick(&self, nth: usize) -> Option<usize> {
        (!self.workers.is_empty()).then(|| nth % self.workers.len())
    }

    fn start(&mut self) {
        if self.workers.len() < 4 {
            self.seed += 1;
            let link = Link::faulty(self.seed, self.percent, Duration::from_millis(40));
            let name = format!("worker-{}", self.seed);
            self.workers.push(self.world.start_on(&name, link));
        }
    }

    /// Ends the faults and lets the rest be done.
    async fn settle(&mut self) {
        for worker in &self.workers {
            worker.link.heal();
        }
        self.start_sound();
        self.world.settled().await;
    }

    /// A worker may have failed at its start; one that can't is enough.
    fn start_sound(&mut self) {
        self.workers.push(self.world.start("sound"));
    }
}

/// Looks at every checkpoint as it is written: all before it must be done or parked, and it only grows.
fn audit(world: &World, violations: &Arc<Mutex<Vec<String>>>) {
    let (streams, journal) = (world.streams.clone(), world.journal.clone());
    let violations = Arc::clone(violations);
    let last: Mutex<BTreeMap<String, (u64, u64)>> = Mutex::default();
    world.memory.audit(move |saved: &Saved| {
        let mut settled = journal.done_numbers();
        settled.extend(&saved.parked);
        let before = streams.records().into_iter().filter(|(shard, record)| {
            *shard == saved.shard.shard_id && number(record) <= saved.checkpoint
        });
        let open: Vec<u64> = before
            .map(|(_, record)| number(&record))
            .filter(|number| !settled.contains(number))
            .collect();
        if !open.is_empty() {
            violations
                .lock()
                .unwrap()
                .push(format!("{saved:?} passes {open:?}"));
        }
        let mut last = last.lock().unwrap();
        let known = last.entry(saved.shard.shard_id.clone()).or_default();
        if saved.epoch < known.0 || saved.checkpoint < known.1 {
            violations
                .lock()
                .unwrap()
                .push(format!("{saved:?} after {known:?}"));
        }
        *known = (saved.epoch, saved.checkpoint);
    });
}

/// Replays the journal: no reaction begins before every earlier one of its item, and every one of its
/// shard's ancestors, took place or was parked.
fn check_order(world: &World) {
    let records = world.streams.records();
    let shard_of: BTreeMap<u64, &str> = records
        .iter()
        .map(|(shard, record)| (number(record), shard.as_str()))
        .collect();
    let mut of_item: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut of_shard: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (shard, record) in &records {
        of_item
            .entry(item(record))
            .or_default()
            .push(number(record));
        of_shard.entry(shard).or_default().push(number(record));
    }
    let parked = world.memory.ever_parked();
    let mut done = BTreeSet::new();
    for (_, item, number) in world.journal.notes().done {
        let earlier = of_item[&item].iter().filter(|earlier| **earlier < number);
        for earlier in earlier {
            assert!(
                done.contains(earlier) || parked.contains(earlier),
                "{number} overtook {earlier}"
            );
        }
        let mut shard = world.streams.parent_of(shard_of[&number]);
        while let Some(ancestor) = shard {
            for earlier in of_shard.get(ancestor.as_str()).into_iter().flatten() {
                let settled = done.contains(earlier) || parked.contains(earlier);
                assert!(settled, "{number} was done before {earlier} of a parent");
            }
            shard = world.streams.parent_of(&ancestor);
        }
        done.insert(number);
    }
}

async fn run(steps: Vec<Step>, seed: u64, percent: u8, poison: bool) {
    fastrand::seed(seed);
    let mut history = History::new(seed, percent, poison);
    history.start();
    for step in steps {
        history.apply(step).await;
    }
    history.settle().await;
    let world = history.world.clone();
    assert_eq!(*history.violations.lock().unwrap(), Vec::<String>::new());
    check_order(&world);
    let parked = world.memory.ever_parked();
    let expected: BTreeSet<u64> = world
        .streams
        .records()
        .iter()
        .filter(|(_, record)| poison && item(record) == POISON)
        .map(|(_, record)| number(record))
        .collect();
    assert_eq!(
        parked, expected,
        "the poisoned item is parked, and nothing else"
    );
    assert!(world.memory.gaps().is_empty(), "{:?}", world.memory.gaps());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_record_is_delivered_in_order_and_no_checkpoint_passes_unfinished_work(
        steps in prop::collection::vec(step(), 1..60),
        seed in any::<u32>(),
        percent in prop_oneof![Just(0_u8), 1_u8..8],
        poison in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(steps, u64::from(seed), percent, poison));
    }
}
