//! Delivery: items, watermark, parked records.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::handler::Disposition;
use crate::internal::world::{World, number, pass, time};
use crate::lease::Checkpoint;
use crate::observer::ParkedRecord;
use crate::redrive::{Selection, SkipPolicy, redrive};
use crate::store::{ParkedItem, ParkedStore as _};
use crate::testing::link::Link;
use crate::testing::memory::MemoryStore;

fn poison(item: &str, _: u64) -> Option<Disposition> {
    (item == "poison").then(|| Disposition::Retry {
        reason: "no such course".to_owned(),
    })
}

#[tokio::test(start_paused = true)]
async fn different_items_run_side_by_side_up_to_the_limit() {
    let world = World::new().with(|settings| settings.concurrency_per_shard = 8);
    let world = World {
        effort: Duration::from_secs(1),
        ..world
    };
    for item in 0..16 {
        world.streams.write(&format!("item-{item}"));
    }
    let worker = world.start("a");
    let ((), took) = time(world.settled()).await;
    assert!(
        (2..=3).contains(&took.as_secs()),
        "{took:?} for two rounds of eight"
    );
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn handlers_of_all_shards_together_keep_to_their_limit() {
    let world = World::new().with(|settings| settings.concurrency = 2);
    let world = World {
        effort: Duration::from_secs(1),
        ..world
    };
    world.streams.split(0, 2, Duration::ZERO);
    for item in 0..10 {
        world.streams.write(&format!("item-{item}"));
    }
    let worker = world.start("a");
    let ((), took) = time(world.settled()).await;
    assert!(
        (5..=7).contains(&took.as_secs()),
        "{took:?} for ten by twos"
    );
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn the_checkpoint_stays_before_a_record_that_is_not_finished() {
    let world = World::new().refusing(poison).with(|settings| {
        settings.retry.max_attempts = 1_000;
    });
    let sound = world.streams.write("a");
    world.streams.write("poison");
    world.streams.write("b");
    let worker = world.start("a");
    pass(30).await;
    assert_eq!(
        world.journal.by_item().len(),
        2,
        "the others are not held up"
    );
    let checkpoint = world.memory.leases()[0].checkpoint.clone();
    assert_eq!(checkpoint, Checkpoint::After(sound.to_string()));
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_keeps_failing_is_parked_with_the_later_records_of_its_item() {
    let world = World::new().refusing(poison);
    let worker = world.start("a");
    let first = world.streams.write("poison");
    let second = world.streams.write("poison");
    let sound = world.streams.write("sound");
    world.settled().await;
    let third = world.streams.write("poison");
    world.settled().await;
    let notes = world.journal.notes();
    assert_eq!(
        notes
            .begun
            .iter()
            .filter(|(_, _, number)| *number == first)
            .count(),
        3
    );
    let parked: Vec<_> = notes
        .parked
        .iter()
        .map(|(_, number, behind)| (*number, *behind))
        .collect();
    assert_eq!(parked, [(first, false), (second, true), (third, true)]);
    assert_eq!(world.journal.done_numbers(), BTreeSet::from([sound]));
    pass(5).await;
    let checkpoint = world.memory.leases()[0].checkpoint.clone();
    assert_eq!(
        checkpoint,
        Checkpoint::After(third.to_string()),
        "the shard goes on"
    );
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn redrive_replays_in_order_beside_the_running_worker_and_opens_the_item_again() {
    let world = World::new().refusing(poison);
    let worker = world.start("a");
    let numbers: Vec<u64> = (0..3).map(|_| world.streams.write("poison")).collect();
    world.settled().await;

    let mended = World {
        refuse: World::new().refuse,
        effort: Duration::from_secs(2),
        ..world.clone()
    };
    let link = Link::sound();
    let (store, handler) = (world.memory.store(&link), mended.reactor("redrive", &link));
    let shutdown = CancellationToken::new();
    let meanwhile = async {
        pass(1).await;
        world.streams.write("poison")
    };
    let (report, late) = tokio::join!(
        redrive(&store, &handler, &(), &Selection::All, &shutdown),
        meanwhile
    );
    assert_eq!(
        report.unwrap().records,
        4,
        "what was parked meanwhile is redriven too"
    );
    assert_eq!(
        world.journal.by_item()["poison"],
        [&numbers[..], &[late]].concat()
    );
    worker.drain().await;

    let worker = mended.start("b");
    let next = world.streams.write("poison");
    world.settled().await;
    assert_eq!(
        world.journal.by_item()["poison"].last(),
        Some(&next),
        "it is no longer parked"
    );
    worker.drain().await;
}

/// What two redrives of one record do: the second begins some seconds after the first, whose line may die meanwhile.
async fn two_redrives(effort: u64, dies_after: Option<u64>) -> (Vec<String>, Duration) {
    let world = World::new().refusing(poison);
    let worker = world.start("a");
    world.streams.write("poison");
    world.settled().await;
    worker.drain().await;
    let mended = |effort| World {
        refuse: World::new().refuse,
        effort: Duration::from_secs(effort),
        ..world.clone()
    };
    let (slow, quick, shutdown) = (mended(effort), mended(0), CancellationToken::new());
    let run = async |world: &World, name: &str, link: &Link| {
        let (store, handler) = (world.memory.store(link), world.reactor(name, link));
        redrive(&store, &handler, &(), &Selection::All, &shutdown).await
    };
    let (first, second) = (Link::sound(), Link::sound());
    let later = async {
        pass(2).await;
        let (report, took) = time(run(&quick, "second", &second)).await;
        report.unwrap();
        took
    };
    let dies = async {
        if let Some(seconds) = dies_after {
            pass(seconds).await;
            first.kill();
        }
        std::future::pending::<()>().await;
    };
    let both = async { tokio::join!(run(&slow, "first", &first), later) };
    let took = tokio::select! {
        (_, took) = both => took,
        () = dies => unreachable!("it waits for ever"),
        () = pass(400) => Duration::MAX,
    };
    let done = world.journal.notes().done.into_iter();
    (done.map(|(by, ..)| by).collect(), took)
}

#[tokio::test(start_paused = true)]
async fn a_redrive_that_takes_long_keeps_its_item_from_another_one() {
    let (done, took) = Box::pin(two_redrives(200, None)).await;
    assert_eq!(done, ["first"]);
    assert_eq!(took.as_secs(), 25, "the other one has watched the claim");
}

#[tokio::test(start_paused = true)]
async fn the_item_of_a_redrive_that_died_is_taken_over_whatever_the_clocks_say() {
    let (done, _) = Box::pin(two_redrives(10, Some(1))).await;
    assert_eq!(done, ["second"]);
}

#[tokio::test(start_paused = true)]
async fn a_redrive_stops_at_the_first_record_that_fails_again() {
    let world = World::new().refusing(poison);
    let worker = world.start("a");
    let first = world.streams.write("poison");
    let second = world.streams.write("poison");
    world.settled().await;
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let still_failing = world.clone().refusing(move |item, number| {
        if number == second {
            stop.cancel();
        }
        poison(item, number)
    });
    let link = Link::sound();
    let (store, handler) = (
        world.memory.store(&link),
        still_failing.reactor("redrive", &link),
    );
    let report = redrive(&store, &handler, &(), &Selection::All, &shutdown)
        .await
        .unwrap();
    assert_eq!((report.records, report.reopened.len()), (0, 0));
    assert_eq!(report.remaining[0].reason, "no such course");
    let begun = world.journal.notes().begun;
    let redriven = begun.iter().filter(|(worker, ..)| worker == "redrive");
    let redriven: Vec<u64> = redriven.map(|(_, _, number)| *number).collect();
    assert_eq!(redriven, [first]);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_decoded_is_parked_and_the_shard_goes_on() {
    let world = World::new();
    let unreadable = world.streams.write_unreadable("a");
    let behind = world.streams.write("a");
    let other = world.streams.write("b");
    let worker = world.start("w");
    world.settled().await;
    let notes = world.journal.notes();
    let parked: Vec<_> = notes
        .parked
        .iter()
        .map(|(_, number, behind)| (*number, *behind))
        .collect();
    assert_eq!(parked, [(unreadable, false), (behind, true)]);
    let begun: Vec<u64> = notes.begun.iter().map(|(_, _, number)| *number).collect();
    assert_eq!(begun, [other], "no handler gets it");
    pass(5).await;
    let checkpoint = world.memory.leases().remove(0).checkpoint;
    assert_eq!(checkpoint, Checkpoint::After(other.to_string()));
    worker.drain().await;
}

/// Skips one record, and notes which records were parked when its item was repaired.
struct SkipOne {
    number: u64,
    store: MemoryStore,
    seen: Mutex<Vec<Vec<u64>>>,
    fails: bool,
}

impl SkipPolicy for SkipOne {
    fn skip(&self, parked: &ParkedRecord) -> Option<String> {
        (number(&parked.record) == self.number).then(|| "mended by hand".to_owned())
    }

    async fn repair(&self, item: &ParkedItem, _: &ParkedRecord) -> Result<(), String> {
        let parked = self.store.parked_records(item.item_id, 10).await.unwrap();
        let numbers = parked.iter().map(|parked| number(&parked.record)).collect();
        self.seen.lock().unwrap().push(numbers);
        (!self.fails)
            .then_some(())
            .ok_or("it contradicts".to_owned())
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_can_never_be_handled_is_skipped_once_its_item_is_repaired() {
    let world = World::new().refusing(poison);
    let worker = world.start("a");
    let numbers: Vec<u64> = (0..3).map(|_| world.streams.write("poison")).collect();
    world.settled().await;
    let link = Link::sound();
    let bad = numbers[1];
    let mended = world
        .clone()
        .refusing(move |item, number| (number == bad).then(|| poison(item, number)).flatten());
    let (store, handler) = (world.memory.store(&link), mended.reactor("redrive", &link));
    let shutdown = CancellationToken::new();
    let mut policy = SkipOne {
        number: bad,
        store: store.clone(),
        seen: Mutex::default(),
        fails: true,
    };

    let stuck = redrive(&store, &handler, &(), &Selection::All, &shutdown).await;
    let stuck = stuck.unwrap().remaining.remove(0);
    assert_eq!(
        (stuck.key.to_string(), stuck.sequence_number),
        ("poison".to_owned(), Some(bad.to_string()))
    );
    let vain = redrive(&store, &handler, &policy, &Selection::All, &shutdown).await;
    assert_eq!(
        vain.unwrap().remaining[0].reason,
        "the item could not be repaired: it contradicts"
    );
    assert_eq!(store.skipped_records().await.unwrap(), []);

    policy.fails = false;
    let report = redrive(&store, &handler, &policy, &Selection::All, &shutdown).await;
    let report = report.unwrap();
    assert_eq!((report.records, report.reopened.len()), (1, 1));
    assert_eq!(report.skipped[0].reason, "mended by hand");
    assert_eq!(store.skipped_records().await.unwrap(), report.skipped);
    let before = numbers[1..].to_vec();
    assert_eq!(
        *policy.seen.lock().unwrap(),
        [before.clone(), before],
        "the repair comes before the record is removed"
    );
    assert_eq!(world.journal.by_item()["poison"], [numbers[0], numbers[2]]);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn an_item_stays_parked_across_a_change_of_holder() {
    let world = World::new().refusing(poison);
    let worker = world.start("a");
    let first = world.streams.write("poison");
    world.settled().await;
    worker.crash();
    let mended = World {
        refuse: World::new().refuse,
        ..world.clone()
    };
    let worker = mended.start("b");
    let second = world.streams.write("poison");
    world.settled().await;
    assert_eq!(world.memory.ever_parked(), BTreeSet::from([first, second]));
    assert!(world.journal.by_item().is_empty());
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_handler_is_an_attempt_that_failed() {
    let world = World::new().refusing(|item, _| {
        if item == "bad" {
            panic!("a defect")
        } else {
            None
        }
    });
    let worker = world.start("a");
    let bad = world.streams.write("bad");
    world.streams.write("good");
    world.settled().await;
    assert_eq!(world.memory.ever_parked(), BTreeSet::from([bad]));
    assert_eq!(worker.monitor.snapshot().counters.lost_leases, 0);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_read_and_not_finished_is_bounded_by_number_and_by_bytes() {
    for (records, bytes) in [(20, u64::MAX), (usize::MAX, 2_000)] {
        let world = World::new().with(|settings| {
            settings.max_records_per_read = 10;
            settings.max_in_flight_records_per_shard = records;
            settings.max_in_flight_bytes_per_shard = bytes;
        });
        let world = World {
            effort: Duration::from_secs(60),
            ..world
        };
        for _ in 0..100 {
            world.streams.write("x");
        }
        let worker = world.start("a");
        pass(30).await;
        assert_eq!(worker.monitor.snapshot().in_flight, 20);
        worker.crash();
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_record_is_parked_early_when_it_alone_fills_the_window() {
    let world = World::new().refusing(poison).with(|settings| {
        settings.max_in_flight_records_per_shard = 10;
        settings.retry.max_attempts = 1_000;
        settings.retry.first_delay = Duration::from_secs(3_600);
        settings.retry.max_delay = Duration::from_secs(3_600);
    });
    let poisoned = world.streams.write("poison");
    for item in 0..30 {
        world.streams.write(&format!("item-{item}"));
    }
    let worker = world.start("a");
    let ((), took) = time(world.settled()).await;
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(world.memory.ever_parked(), BTreeSet::from([poisoned]));
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn checkpoints_are_batched_by_time() {
    let world = World::new().with(|settings| settings.checkpoint_interval = Duration::from_secs(5));
    let saves = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = std::sync::Arc::clone(&saves);
    world.memory.audit(move |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    let worker = world.start("a");
    for _ in 0..50 {
        world.streams.write("x");
        pass(1).await;
    }
    let saves = saves.load(std::sync::atomic::Ordering::Relaxed);
    assert!(
        (8..=10).contains(&saves),
        "{saves} checkpoints in fifty seconds"
    );
    worker.drain().await;
}
