//! Liveness and cost.

use std::time::Duration;

use crate::internal::samples::{STREAM, TABLE};
use crate::internal::world::{World, pass, time};

/// What the Kinesis Client Library 3 writes for one idle shard: a renewal each third of 10 s.
const OTHERS_WRITES_A_DAY: u64 = 26_118;

#[tokio::test(start_paused = true)]
async fn a_stalled_shard_shows_by_an_age_that_grows_when_nothing_happens() {
    let world = World::new();
    let worker = world.start("a");
    pass(60).await;
    let age = || worker.monitor.snapshot().oldest_unreacted_age.unwrap();
    assert!(age() <= Duration::from_millis(250), "{:?}", age());
    world.streams.throttle(1_000_000);
    pass(600).await;
    assert!(age() >= Duration::from_secs(599), "{:?}", age());
    let headroom = worker.monitor.snapshot().trim_headroom.unwrap();
    assert_eq!(headroom, Duration::from_secs(24 * 3_600) - age());
    worker.crash();
}

#[tokio::test(start_paused = true)]
async fn lag_and_backlog_are_those_of_the_records_nobody_has_reacted_to() {
    let mut world = World::new();
    world.effort = Duration::from_secs(120);
    let worker = world.start("a");
    for item in 0..3 {
        world.streams.write(&format!("item-{item}"));
    }
    pass(60).await;
    let snapshot = worker.monitor.snapshot();
    assert_eq!(snapshot.in_flight, 3);
    assert!(snapshot.oldest_unreacted_age.unwrap() >= Duration::from_secs(60));
    world.settled().await;
    pass(1).await;
    let snapshot = worker.monitor.snapshot();
    assert_eq!(snapshot.in_flight, 0);
    assert!(snapshot.oldest_unreacted_age.unwrap() < Duration::from_secs(2));
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_day_costs_a_third_of_what_others_write_at_a_comparable_take_over_time() {
    let world = World::as_delivered();
    let first = world.start("a");
    pass(600).await;
    let before = world.memory.writes();
    pass(86_400).await;
    let idle = world.memory.writes() - before;
    println!("{idle} writes on an idle day");
    assert!(
        idle <= OTHERS_WRITES_A_DAY / 3,
        "{idle} writes on an idle day"
    );
    let polls = first.monitor.snapshot().counters;
    assert!(
        polls.empty_polls > 0 && polls.empty_polls == polls.polls,
        "{polls:?}"
    );

    let second = world.start("b");
    pass(60).await;
    first.crash();
    world.streams.write("x");
    let ((), took) = time(world.settled()).await;
    println!("taken over {took:?} after the crash");
    // Others: a lease of 10 s that is looked at every 20 s.
    assert!(took <= Duration::from_secs(40), "{took:?}");
    second.drain().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_writes_the_same_whatever_the_number_of_its_shards_and_streams() {
    let mut writes = Vec::new();
    for (splits, tables) in [(0, 1), (3, 1), (3, 2)] {
        let mut world = World::as_delivered();
        for nth in 0..splits {
            world.streams.split(nth, 2, Duration::ZERO);
        }
        if tables == 2 {
            world.streams.enable(&STREAM.replace(TABLE, "Sessions"));
            world.tables.push("Sessions".to_owned());
        }
        let worker = world.start("a");
        pass(600).await;
        let shards = worker.monitor.snapshot().shards;
        assert_eq!(shards, splits as u64 + tables);
        let before = world.memory.writes();
        pass(3_600).await;
        writes.push(world.memory.writes() - before);
        worker.drain().await;
    }
    let beats_an_hour = 360;
    assert_eq!(writes, [beats_an_hour; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_processor_shows_by_ages_that_grow() {
    let world = World::new();
    let worker = world.start("a");
    pass(60).await;
    let settings = &world.settings;
    let snapshot = worker.monitor.snapshot();
    assert!(snapshot.since_heartbeat.unwrap() <= settings.heartbeat_interval);
    assert!(snapshot.since_lease_table_read.unwrap() <= settings.sync_interval);
    assert!(snapshot.since_shard_read.unwrap() <= settings.idle_poll_interval);

    worker.link.freeze();
    pass(600).await;
    let snapshot = worker.monitor.snapshot();
    let least = Duration::from_secs(590);
    assert!(snapshot.since_heartbeat.unwrap() >= least, "{snapshot:?}");
    assert!(
        snapshot.since_lease_table_read.unwrap() >= least,
        "{snapshot:?}"
    );

    worker.link.thaw();
    pass(60).await;
    let snapshot = worker.monitor.snapshot();
    assert!(
        snapshot.since_heartbeat.unwrap() <= settings.heartbeat_interval,
        "{snapshot:?}"
    );
    assert!(
        snapshot.since_shard_read.unwrap() <= settings.idle_poll_interval,
        "{snapshot:?}"
    );
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_waits_for_room_does_not_stand_still() {
    let mut world = World::new();
    world.effort = Duration::from_secs(600);
    world.settings.max_in_flight_records_per_shard = 1;
    let worker = world.start("a");
    world.streams.write("x");
    pass(300).await;
    assert_eq!(worker.monitor.snapshot().in_flight, 1);
    assert_eq!(worker.monitor.snapshot().since_shard_read, None);
    worker.crash();
}
