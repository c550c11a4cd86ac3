//! Random arrivals, handler times, failures, faults of the queue and drains, under paused time.

mod watcher;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use sqs_consumer::testing::{FakeQueue, Fault, Operation};
use sqs_consumer::{Consumer, ErrorKind, RetryPolicy, Settings, Snapshot};
use tokio_util::sync::CancellationToken;

use crate::rig::{grouped, ms, secs};
use watcher::{Handling, Watcher};

/// What happens in one case.
#[derive(Debug, Clone)]
struct Plan {
    fifo: bool,
    concurrency: usize,
    concurrency_per_group: Option<usize>,
    messages: Vec<Planned>,
    /// How long each consumer runs before it is drained and the next takes over; the last runs to the end.
    shifts: Vec<Duration>,
    /// How many of a hundred requests go wrong, and the seed of which.
    faults: Option<(u8, u64)>,
    repeat_every: usize,
}

#[derive(Debug, Clone)]
struct Planned {
    group: u8,
    at: Duration,
    /// What its handler does at each run; once that is used up it is done at once.
    runs: Vec<(Duration, Step)>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Done,
    Retry,
    Defer,
    DeadLetter,
    Panic,
}

fn plans(faults: bool) -> impl Strategy<Value = Plan> {
    let step = prop_oneof![
        8 => Just(Step::Done),
        2 => Just(Step::Retry),
        1 => Just(Step::Defer),
        1 => Just(Step::DeadLetter),
        1 => Just(Step::Panic),
    ];
    let time = prop_oneof![6 => 0..300_u64, 2 => 0..5_000_u64, 1 => 0..90_000_u64]
        .prop_map(Duration::from_millis);
    let message = (
        0..4_u8,
        0..40_000_u64,
        prop::collection::vec((time, step), 1..4),
    )
        .prop_map(|(group, at, runs)| Planned {
            group,
            at: Duration::from_millis(at),
            runs,
        });
    let faulty = if faults {
        (1..25_u8, any::<u64>()).prop_map(Some).boxed()
    } else {
        Just(None).boxed()
    };
    (
        any::<bool>(),
        1..14_usize,
        prop::option::of(1..4_usize),
        prop::collection::vec(message, 1..60),
        prop::collection::vec((0..60_000_u64).prop_map(Duration::from_millis), 0..3),
        faulty,
        prop_oneof![Just(0_usize), 2..9_usize],
    )
        .prop_map(
            |(fifo, concurrency, concurrency_per_group, messages, shifts, faults, repeat_every)| {
                Plan {
                    fifo,
                    concurrency,
                    concurrency_per_group,
                    messages,
                    shifts,
                    faults,
                    repeat_every: if fifo { 0 } else { repeat_every },
                }
            },
        )
}

fn settings(plan: &Plan) -> Settings {
    Settings::default()
        .with_concurrency(plan.concurrency)
        .with_concurrency_per_group(plan.concurrency_per_group)
        .with_retry(
            RetryPolicy::default()
                .with_first_delay(secs(1))
                .with_max_delay(secs(20)),
        )
}

fn faults(rate: u8, seed: u64) -> impl FnMut(Operation, u64) -> Fault + Send + 'static {
    let mut rng = fastrand::Rng::with_seed(seed);
    move |_, _| match rng.u8(0..100) {
        chance if chance >= rate => Fault::None,
        _ => match rng.u8(0..5) {
            0 => Fault::Refused(ErrorKind::Throttled),
            1 => Fault::Refused(ErrorKind::Unavailable),
            2 => Fault::AnswerLost,
            3 => Fault::Entry(rng.usize(0..10)),
            _ => Fault::Slow(ms(rng.u64(0..3_000))),
        },
    }
}

/// What a case came to.
struct Outcome {
    plan: Plan,
    queue: FakeQueue,
    dead_letters: FakeQueue,
    ids: Vec<String>,
    snapshots: Vec<Snapshot>,
    unsettled: usize,
    watcher: Watcher,
}

async fn run(plan: Plan) -> Outcome {
    let suffix = if plan.fifo { ".fifo" } else { "" };
    let queue = FakeQueue::with_latency(format!("source{suffix}"), ms(3));
    let dead_letters = FakeQueue::with_latency(format!("dead{suffix}"), ms(3));
    queue.repeat_deliveries(plan.repeat_every);
    if let Some((rate, seed)) = plan.faults {
        queue.set_faults(faults(rate, seed));
        dead_letters.set_faults(faults(rate, seed.wrapping_add(1)));
    }
    let watcher = Watcher::new(&plan, &queue);
    let arrivals = tokio::spawn(arrive(plan.clone(), queue.clone()));
    let (mut snapshots, mut unsettled) = (Vec::new(), 0);
    for shift in plan.shifts.iter().map(Some).chain([None]) {
        let handler = Handling {
            watcher: watcher.clone(),
            dead_letters: dead_letters.clone(),
        };
        let consumer =
            Consumer::over(queue.clone(), Some(dead_letters.clone()), settings(&plan)).unwrap();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(consumer.run(handler, shutdown.clone()));
        match shift {
            Some(shift) => tokio::time::sleep(*shift).await,
            None => {
                queue.set_faults(|_, _| Fault::None);
                dead_letters.set_faults(|_, _| Fault::None);
                until_empty(&queue, &arrivals).await;
            }
        }
        shutdown.cancel();
        let snapshot = task.await.unwrap().unwrap();
        assert!(snapshot.draining_for.unwrap() <= settings(&plan).shutdown_timeout);
        unsettled += snapshot.in_flight;
        snapshots.push(snapshot);
    }
    let ids = arrivals.await.unwrap();
    Outcome {
        plan,
        queue,
        dead_letters,
        ids,
        snapshots,
        unsettled,
        watcher,
    }
}

/// Sends the messages at their times and returns their ids by index.
async fn arrive(plan: Plan, queue: FakeQueue) -> Vec<String> {
    let mut order: Vec<usize> = (0..plan.messages.len()).collect();
    order.sort_by_key(|index| (plan.messages[*index].at, *index));
    let start = tokio::time::Instant::now();
    let mut ids = vec![String::new(); order.len()];
    for index in order {
        let Planned { group, at, .. } = plan.messages[index];
        tokio::time::sleep_until(start + at).await;
        ids[index] = queue
            .put(grouped(&group.to_string(), &index.to_string()))
            .unwrap();
    }
    ids
}

async fn until_empty(queue: &FakeQueue, arrivals: &tokio::task::JoinHandle<Vec<String>>) {
    let limit = tokio::time::Instant::now() + secs(6 * 3_600);
    while !(arrivals.is_finished() && queue.is_empty()) {
        assert!(
            tokio::time::Instant::now() < limit,
            "the queue does not empty: {} messages left",
            queue.len()
        );
        tokio::time::sleep(secs(1)).await;
    }
}

fn check(outcome: &Outcome) {
    let seen = outcome.watcher.seen();
    assert_eq!(seen.violations, Vec::<String>::new());
    let lost: u64 = outcome
        .snapshots
        .iter()
        .map(|snapshot| snapshot.counters.lost_leases)
        .sum();
    if outcome.plan.faults.is_none() {
        assert_eq!(
            (lost, outcome.unsettled),
            (0, 0),
            "without faults nothing is lost or left"
        );
    }
    if lost == 0 && outcome.unsettled == 0 {
        assert_eq!(seen.unless_lost, Vec::<String>::new());
        assert!(
            seen.done.values().all(|times| *times == 1),
            "done more than once: {:?}",
            seen.done
        );
    }
    let mut dead: BTreeMap<usize, usize> = BTreeMap::new();
    for copy in outcome.dead_letters.messages() {
        *dead.entry(copy.body.parse().unwrap()).or_default() += 1;
        assert!(copy.attributes.contains_key("reason"));
    }
    if outcome.plan.faults.is_none() {
        assert!(
            dead.values().all(|copies| *copies == 1),
            "dead_lettered more than once: {dead:?}"
        );
    }
    for (index, id) in outcome.ids.iter().enumerate() {
        let ends =
            usize::from(seen.done.contains_key(&index)) + usize::from(dead.contains_key(&index));
        assert_eq!(ends, 1, "message {index} must be done or dead_lettered");
        assert_eq!(
            outcome.queue.deletions(id),
            1,
            "message {index} must be deleted once"
        );
    }
}

fn run_case(plan: Plan) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    check(&runtime.block_on(run(plan)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_message_is_lost_or_settled_twice_and_no_group_runs_out_of_order(plan in plans(false)) {
        run_case(plan);
    }

    #[test]
    fn nor_when_requests_fail_answers_are_lost_and_entries_fail(plan in plans(true)) {
        run_case(plan);
    }
}
