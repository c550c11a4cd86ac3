//! A lease table that stalls or answers nothing: what a worker still notices, and what it leaves behind.

use std::time::Duration;

use tokio::time::timeout;

use crate::internal::world::{Worker, World, pass, time};
use crate::store::LeaseStore as _;
use crate::testing::link::Link;

/// How long a drain takes at most: handlers end, then the last writes.
fn grace(world: &World) -> Duration {
    world.settings.shutdown_timeout + Duration::from_secs(5) + Duration::from_millis(100)
}

async fn drains_within(worker: Worker, longest: Duration) {
    let drain = timeout(Duration::from_secs(600), time(worker.stop()));
    let ((), took) = drain.await.expect("it ends");
    assert!(took <= longest, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn sigterm_ends_a_worker_within_its_grace_while_dynamodb_answers_nothing_at_all() {
    let world = World::new();
    let worker = world.start("a");
    world.streams.write("x");
    world.settled().await;
    worker.link.freeze();
    pass(3).await;
    drains_within(worker, grace(&world)).await;
}

#[tokio::test(start_paused = true)]
async fn sigterm_is_heard_by_a_worker_that_starts_while_dynamodb_answers_nothing_at_all() {
    let world = World::new();
    let link = Link::sound();
    link.freeze();
    let worker = world.start_on("a", link);
    pass(3).await;
    drains_within(worker, Duration::from_millis(5_100)).await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_begins_at_once_while_the_lease_table_cannot_be_read() {
    let world = World::new();
    let worker = world.start("a");
    world.streams.write("x");
    world.settled().await;
    worker.link.stall("view");
    pass(3).await;
    drains_within(worker, Duration::from_millis(100)).await;
    assert_eq!(world.memory.leases()[0].owner, None);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_shard_is_noticed_while_the_lease_table_cannot_be_read() {
    let world =
        World::new().with(|settings| settings.list_shards_interval = Duration::from_secs(86_400));
    let worker = world.start("a");
    world.streams.write("x");
    world.settled().await;
    let before = world.streams.calls("DescribeStream");
    worker.link.stall("view");
    pass(3).await;
    world.streams.split(0, 1, Duration::ZERO);
    pass(3).await;
    assert_eq!(worker.monitor.snapshot().counters.finished_shards, 1);
    let searches = world.streams.calls("DescribeStream") - before;
    assert_eq!(searches, 1, "its children are searched for");
    worker.crash();
}

#[tokio::test(start_paused = true)]
async fn a_take_that_stalls_holds_nothing_else_up() {
    let world = World::new();
    world.streams.split(0, 2, Duration::ZERO);
    let link = Link::sound();
    link.stall("take");
    let worker = world.start_on("a", link.clone());
    pass(5).await;
    let snapshot = worker.monitor.snapshot();
    let since = snapshot.since_lease_table_read.unwrap();
    assert!(since <= world.settings.sync_interval, "{since:?}");
    link.resume("take");
    world.streams.write("x");
    world.settled().await;
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_whose_take_is_answered_during_the_drain_is_released() {
    let world = World::new();
    let link = Link::sound();
    link.stall("take");
    let worker = world.start_on("a", link.clone());
    pass(3).await;
    let drain = tokio::spawn(worker.drain());
    pass(1).await;
    link.resume("take");
    drain.await.unwrap();
    let lease = world.memory.leases().remove(0);
    assert_eq!((lease.owner, lease.epoch), (None, 2));
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_in_flight_does_not_arrive_after_the_drain_has_removed_the_worker() {
    for step in 0..80 {
        let world = World::new();
        let link = Link::faulty(step, 0, Duration::from_secs(1));
        let worker = world.start_on("a", link);
        pass(10).await;
        tokio::time::sleep(Duration::from_millis(50 * step)).await;
        worker.drain().await;
        let store = world.memory.store(&Link::sound());
        let heartbeats = store.view().await.unwrap().heartbeats;
        assert!(heartbeats.is_empty(), "step {step}: {heartbeats:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_while_the_parked_items_are_read_releases_the_lease() {
    let world = World::new();
    let link = Link::sound();
    link.stall("parked_items");
    let worker = world.start_on("a", link);
    pass(5).await;
    let lease = world.memory.leases().remove(0);
    assert!(lease.owner.is_some());
    drains_within(worker, Duration::from_millis(100)).await;
    let released = world.memory.leases().remove(0);
    assert_eq!((released.owner, released.epoch), (None, lease.epoch + 1));
    assert_eq!(released.checkpointed_at, lease.checkpointed_at, "unread");
}

#[tokio::test(start_paused = true)]
async fn a_handover_while_the_parked_items_are_read_goes_to_the_one_who_asked() {
    let world = World::new();
    world.streams.split(0, 2, Duration::ZERO);
    let before = world.start("before");
    pass(5).await;
    before.drain().await;
    let link = Link::sound();
    link.stall("parked_items");
    let first = world.start_on("a", link);
    pass(5).await;
    let second = world.start("b");
    pass(5).await;
    let owners: Vec<_> = world
        .memory
        .leases()
        .into_iter()
        .filter_map(|lease| lease.owner)
        .collect();
    let of = |name: &str| {
        owners
            .iter()
            .filter(|owner| owner.starts_with(name))
            .count()
    };
    assert_eq!((of("a/"), of("b/")), (1, 1), "{owners:?}");
    assert_eq!(first.monitor.snapshot().counters.lost_leases, 0);
    first.crash();
    second.drain().await;
}
