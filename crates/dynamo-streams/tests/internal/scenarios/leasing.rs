//! Leases: several workers on one stream.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::internal::world::{World, pass, time};
use crate::store::LeaseStore as _;
use crate::testing::link::Link;

/// A world with four open shards and the items to fill them.
fn four_shards() -> (World, Vec<String>) {
    let world = World::new();
    world.streams.split(0, 2, Duration::ZERO);
    world.streams.split(0, 2, Duration::ZERO);
    world.streams.split(0, 2, Duration::ZERO);
    (world, (0..32).map(|n| format!("item-{n}")).collect())
}

fn write_each(world: &World, items: &[String]) {
    for item in items {
        world.streams.write(item);
    }
}

fn owners(world: &World) -> BTreeMap<String, usize> {
    let mut owners = BTreeMap::new();
    for lease in world
        .memory
        .leases()
        .into_iter()
        .filter(|lease| !lease.is_finished())
    {
        let owner = lease.owner.map_or("nobody".to_owned(), |owner| {
            owner.split('/').next().unwrap().to_owned()
        });
        *owners.entry(owner).or_default() += 1;
    }
    owners
}

fn shares(of: &[(&str, usize)]) -> BTreeMap<String, usize> {
    of.iter()
        .map(|(worker, shards)| ((*worker).to_owned(), *shards))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_is_handed_its_share_and_no_record_is_repeated() {
    let (world, items) = four_shards();
    let first = world.start("a");
    write_each(&world, &items);
    world.settled().await;
    assert_eq!(owners(&world), shares(&[("a", 4)]));
    let taken = first.monitor.snapshot().counters.taken_leases;
    let second = world.start("b");
    for _ in 0..30 {
        write_each(&world, &items);
        pass(1).await;
    }
    world.settled().await;
    assert_eq!(owners(&world), shares(&[("a", 2), ("b", 2)]));
    let done = world.journal.notes().done.len();
    assert_eq!(
        done,
        world.streams.records().len(),
        "a handover drains and saves first"
    );
    assert_eq!(
        second.monitor.snapshot().counters.taken_leases,
        2,
        "as few moves as possible"
    );
    assert_eq!(first.monitor.snapshot().counters.taken_leases, taken);
    first.drain().await;
    second.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_falls_idle_soon_weighs_what_an_idle_one_weighs() {
    let world = World::new();
    let worker = world.start("a");
    world.streams.write("x");
    world.settled().await;
    pass(5).await;
    let load = || world.memory.leases()[0].load;
    assert!(load() > 0);
    pass(60).await;
    assert_eq!(load(), 0);
    let writes = world.memory.writes();
    pass(600).await;
    let heartbeats = 300;
    assert_eq!(world.memory.writes() - writes, heartbeats, "once is enough");
    worker.drain().await;
    let worker = world.start("b");
    pass(600).await;
    assert_eq!(worker.monitor.snapshot().counters.lost_leases, 0);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn the_shards_of_a_dead_worker_are_taken_over_within_the_lease_time() {
    let world = World::new();
    let first = world.start("a");
    world.streams.write("x");
    world.settled().await;
    let second = world.start("b");
    pass(20).await;
    first.crash();
    world.streams.write("x");
    let ((), took) = time(world.settled()).await;
    // The lease, the last heartbeat before the death seen a sync late, and a sync to act in.
    assert!(took <= Duration::from_secs(6 + 1 + 1 + 1), "{took:?}");
    assert_eq!(owners(&world), shares(&[("b", 1)]));
    second.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_drained_worker_leaves_its_shards_free_and_its_checkpoints_written() {
    let (world, items) = four_shards();
    let first = world.start("a");
    write_each(&world, &items);
    world.settled().await;
    first.drain().await;
    assert_eq!(owners(&world), shares(&[("nobody", 4)]));
    let second = world.start("b");
    write_each(&world, &items);
    let ((), took) = time(world.settled()).await;
    assert!(
        took < Duration::from_secs(2),
        "nothing has to expire: {took:?}"
    );
    assert_eq!(world.journal.notes().begun.len(), 64, "nothing is repeated");
    second.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_lets_running_handlers_end_but_not_beyond_the_shutdown_timeout() {
    for (seconds, done) in [(2, 1), (60, 0)] {
        let mut world = World::new();
        world.effort = Duration::from_secs(seconds);
        let worker = world.start("a");
        world.streams.write("x");
        world
            .until("it runs", || !world.journal.notes().begun.is_empty())
            .await;
        let (summary, took) = time(worker.drain()).await;
        assert_eq!(summary.counters.done, done);
        assert!(
            took <= world.settings.shutdown_timeout + Duration::from_millis(100),
            "{took:?}"
        );
        assert_eq!(owners(&world), shares(&[("nobody", 1)]));
    }
}

#[tokio::test(start_paused = true)]
async fn renewal_does_not_wait_for_handlers() {
    let mut world = World::new();
    world.effort = Duration::from_secs(300);
    let first = world.start("a");
    let second = world.start("b");
    world.streams.write("x");
    world.settled().await;
    assert_eq!(
        world.journal.notes().begun.len(),
        1,
        "no other worker took the shard"
    );
    first.drain().await;
    second.drain().await;
}

#[tokio::test(start_paused = true)]
async fn renewal_does_not_wait_for_room() {
    let world = World::new().with(|settings| {
        settings.max_records_per_read = 1;
        settings.max_in_flight_records_per_shard = 1;
    });
    let world = World {
        effort: Duration::from_secs(300),
        ..world
    };
    let first = world.start("a");
    let second = world.start("b");
    for item in ["x", "y", "z"] {
        world.streams.write(item);
    }
    world.settled().await;
    assert_eq!(
        world.journal.notes().begun.len(),
        3,
        "no other worker took the shard"
    );
    first.drain().await;
    second.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_frozen_worker_that_thaws_does_nothing_more_under_its_old_lease() {
    let world = World::new();
    let first = world.start("a");
    world.streams.write("x");
    world.settled().await;
    let second = world.start("b");
    pass(10).await;
    first.link.freeze();
    let numbers: Vec<u64> = (0..5).map(|_| world.streams.write("x")).collect();
    world.settled().await;
    assert_eq!(owners(&world), shares(&[("b", 1)]));
    let begun = world.journal.notes().begun.len();
    first.link.thaw();
    pass(60).await;
    let late: Vec<_> = world.journal.notes().begun.split_off(begun);
    assert!(late.iter().all(|(worker, ..)| worker == "b"), "{late:?}");
    assert!(world.journal.done_numbers().contains(&numbers[4]));
    assert!(first.monitor.snapshot().counters.lost_leases > 0);
    first.drain().await;
    second.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_cannot_reach_the_lease_table_stops_before_others_begin() {
    let mut world = World::new();
    world.effort = Duration::from_millis(100);
    let first = world.start("a");
    pass(10).await;
    first.link.freeze();
    // Nothing of the first worker's line works, but its handlers could still begin.
    pass(7).await;
    assert!(
        first.monitor.snapshot().shards == 0,
        "its own clock told it to stop"
    );
    first.crash();
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_counts_from_when_it_was_sent_not_from_when_it_was_answered() {
    let world = World::new();
    let began = Instant::now();
    let at = |milliseconds| sleep_until(began + Duration::from_millis(milliseconds));
    let worker = world.start("a");
    // The heartbeat of the tenth second is answered two seconds late, and then none any more.
    at(9_900).await;
    worker.link.freeze();
    at(11_900).await;
    worker.link.thaw();
    at(11_950).await;
    worker.link.freeze();
    let stops = 10_000 + world.settings.self_fence_after().as_millis() as u64;
    at(stops - 10).await;
    assert_eq!(worker.monitor.snapshot().shards, 1);
    at(stops + 10).await;
    assert_eq!(worker.monitor.snapshot().shards, 0);
    worker.crash();
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_drops_the_handlers_that_still_run() {
    let world = World::new().with(|settings| {
        // It does not look at the lease table meanwhile.
        settings.sync_interval = Duration::from_secs(600);
        settings.list_shards_interval = Duration::from_secs(600);
    });
    let world = World {
        effort: Duration::from_secs(30),
        ..world
    };
    let worker = world.start("a");
    let first = world.streams.write("x");
    pass(20).await;
    world.streams.write("y");
    pass(5).await;
    let begun = world.journal.notes().begun.len();
    let lease = world.memory.leases().remove(0);
    let store = world.memory.store(&Link::sound());
    store.take(lease.seen(), "b").await.unwrap();
    // The first is done, its checkpoint is refused, and the second is not done any more.
    pass(100).await;
    assert_eq!((begun, world.journal.done_numbers()), (2, [first].into()));
    worker.crash();
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_does_not_hand_over_in_time_loses_the_shard() {
    let (world, items) = four_shards();
    let world = world.with(|settings| {
        settings.shutdown_timeout = Duration::from_secs(600);
        settings.handover_timeout = Duration::from_secs(10);
    });
    let world = World {
        effort: Duration::from_secs(120),
        ..world
    };
    let first = world.start("a");
    write_each(&world, &items);
    world
        .until("they run", || world.journal.notes().begun.len() > 8)
        .await;
    let second = world.start("b");
    pass(60).await;
    assert_eq!(owners(&world).get("b"), Some(&2), "{:?}", owners(&world));
    let counters = first.monitor.snapshot().counters;
    assert_eq!(counters.lost_leases, 2, "it saw that they are another's");
    pass(100).await;
    let repeated = |number: &u64| {
        let done = world.journal.notes().done;
        done.iter().filter(|(.., other)| other == number).count() > 1
    };
    let numbers = world.journal.done_numbers();
    assert!(!numbers.is_empty() && !numbers.iter().any(repeated));
    first.crash();
    second.crash();
}

#[tokio::test(start_paused = true)]
async fn the_heartbeats_of_dead_workers_are_swept_away() {
    let world = World::new();
    let first = world.start("a");
    let second = world.start("b");
    pass(10).await;
    first.crash();
    let heartbeats = || {
        let store = world.memory.store(&Link::sound());
        async move { store.view().await.unwrap().heartbeats.len() }
    };
    pass(30).await;
    assert_eq!(heartbeats().await, 2);
    pass(60).await;
    assert_eq!(heartbeats().await, 1);
    second.drain().await;
    assert_eq!(heartbeats().await, 0);
}
