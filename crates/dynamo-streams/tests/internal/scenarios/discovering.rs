//! Discovery.

use std::time::Duration;

use crate::internal::samples::STREAM;
use crate::internal::world::{World, pass};
use crate::testing::link::Link;

const LATER_STREAM: &str =
    "arn:aws:dynamodb:eu-west-1:1:table/Courses/stream/2026-02-02T00:00:00.000";

fn split_into_many(world: &World) {
    for nth in 0..6 {
        for item in 0..20 {
            world.streams.write(&format!("item-{item}"));
        }
        world.streams.split(nth, 2, Duration::ZERO);
    }
    for item in 0..20 {
        world.streams.write(&format!("item-{item}"));
    }
}

#[tokio::test(start_paused = true)]
async fn all_pages_of_a_listing_are_read() {
    let mut world = World::new();
    // No shard ends, and so none is found by a search for children.
    world.effort = Duration::from_secs(600);
    split_into_many(&world);
    let worker = world.start("a");
    pass(1).await;
    assert_eq!(world.memory.leases().len(), 13);
    worker.crash();
}

#[tokio::test(start_paused = true)]
async fn one_worker_lists_the_shards_for_all() {
    let world =
        World::new().with(|settings| settings.list_shards_interval = Duration::from_secs(60));
    let workers = [world.start("a"), world.start("b"), world.start("c")];
    pass(30).await;
    let before = world.streams.calls("DescribeStream");
    pass(600).await;
    let listings = world.streams.calls("DescribeStream") - before;
    assert_eq!(
        listings, 10,
        "one page a minute, whatever the number of workers"
    );
    for worker in workers {
        worker.drain().await;
    }
}

#[tokio::test(start_paused = true)]
async fn shards_are_listed_by_one_call_at_a_time_however_slow_the_answers() {
    let world = World::new().with(|settings| {
        settings.sync_interval = Duration::from_secs(86_400);
        settings.heartbeat_interval = Duration::from_secs(3_600);
        settings.lease_duration = Duration::from_secs(86_400);
    });
    // A full listing takes minutes, and one is due every five seconds.
    let worker = world.start_on("a", Link::faulty(1, 0, Duration::from_secs(60)));
    pass(3_600).await;
    let listings = world.streams.calls("DescribeStream");
    assert!(
        (10..=25).contains(&listings),
        "{listings} listings in an hour"
    );
    worker.crash();
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_to_the_search_for_children_means_not_yet() {
    let world =
        World::new().with(|settings| settings.list_shards_interval = Duration::from_secs(86_400));
    let worker = world.start("a");
    world.streams.write("x");
    world.settled().await;
    let before = world.streams.calls("DescribeStream");
    world.streams.split(0, 1, Duration::from_secs(45));
    world.streams.write("x");
    world.settled().await;
    let searches = world.streams.calls("DescribeStream") - before;
    // Waits of 0.25 s, doubled up to 10 s.
    assert!((8..=12).contains(&searches), "{searches} searches in 45 s");
    assert_eq!(worker.monitor.snapshot().counters.finished_shards, 1);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn children_that_show_after_the_search_are_found_by_a_full_listing() {
    let world =
        World::new().with(|settings| settings.list_shards_interval = Duration::from_secs(300));
    let worker = world.start("a");
    world.streams.write("x");
    world.settled().await;
    world.streams.split(0, 1, Duration::from_secs(1_000));
    world.streams.write("x");
    world.settled().await;
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_disabled_stream_has_no_children_to_wait_for() {
    let world =
        World::new().with(|settings| settings.list_shards_interval = Duration::from_secs(86_400));
    let worker = world.start("a");
    world.streams.write("x");
    world.settled().await;
    world.streams.disable(STREAM);
    pass(5).await;
    let searches = world.streams.calls("DescribeStream");
    pass(600).await;
    assert_eq!(world.streams.calls("DescribeStream"), searches);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_finished_shard_that_is_still_listed_is_not_read_again() {
    let world = World::new().with(|settings| {
        // A day passes faster in a leisurely rhythm.
        settings.idle_poll_interval = Duration::from_secs(60);
        settings.sync_interval = Duration::from_secs(60);
        settings.heartbeat_interval = Duration::from_secs(600);
        settings.lease_duration = Duration::from_secs(1_800);
        settings.list_shards_interval = Duration::from_secs(600);
    });
    let worker = world.start("a");
    world.streams.write("x");
    world.streams.split(0, 1, Duration::ZERO);
    world.streams.write("x");
    world.settled().await;
    pass(47 * 3_600).await;
    assert_eq!(world.journal.notes().begun.len(), 2);
    worker.drain().await;
    let again = world.start("a");
    pass(60).await;
    assert_eq!(world.journal.notes().begun.len(), 2);
    again.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_re_enabled_stream_is_read_after_the_old_one_is_drained() {
    let world = World::new();
    let worker = world.start("a");
    world.streams.write("x");
    world.settled().await;
    worker.crash();
    world.streams.write("x");
    world.streams.disable(STREAM);
    world.streams.enable(LATER_STREAM);
    world.streams.write_to(LATER_STREAM, "x");
    let worker = world.start("a");
    world.settled().await;
    let order = &world.journal.by_item()["x"];
    assert!(order.is_sorted(), "{order:?}");
    let drained: Vec<bool> = world
        .memory
        .streams()
        .iter()
        .map(|stream| stream.drained)
        .collect();
    assert_eq!(drained, [true, false]);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_gone_is_a_gap_and_its_successor_is_read() {
    let world = World::new();
    let worker = world.start("a");
    world.streams.write("x");
    world.settled().await;
    world.streams.drop_stream(STREAM);
    world.streams.enable(LATER_STREAM);
    world.streams.write_to(LATER_STREAM, "x");
    world.settled().await;
    assert_eq!(world.memory.gaps().len(), 1);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_found_for_a_moment_is_not_taken_for_drained() {
    let world = World::new();
    let worker = world.start("a");
    world.streams.write("x");
    world.settled().await;
    world.streams.split(0, 1, Duration::from_secs(20));
    world.streams.write("x");
    // Every known shard is finished while the searches and the listings fail.
    world.streams.answer_not_found(8);
    pass(15).await;
    assert_eq!(worker.monitor.snapshot().counters.finished_shards, 1);
    world.settled().await;
    assert!(!world.memory.streams()[0].drained);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_table_without_a_stream_ends_the_run_at_its_start() {
    let mut world = World::new();
    world.tables = vec!["Unheard".to_owned()];
    let error = world.start("a").ended().await.unwrap_err();
    assert_eq!(error.to_string(), "the table Unheard has no stream");
}

#[tokio::test(start_paused = true)]
async fn a_grandchild_that_is_listed_before_its_parent_is_no_gap() {
    let world = World::new();
    let worker = world.start("a");
    world.streams.write("x");
    world.streams.split(0, 1, Duration::from_secs(60));
    world.streams.write("x");
    world.streams.split(0, 1, Duration::ZERO);
    world.streams.write("x");
    world.settled().await;
    let order = &world.journal.by_item()["x"];
    assert!(
        order.is_sorted() && world.memory.gaps().is_empty(),
        "{order:?}"
    );
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_search_for_children_that_stalls_holds_up_no_other() {
    let world = World::new().with(|settings| {
        settings.list_shards_interval = Duration::from_secs(86_400);
    });
    world.streams.split(0, 2, Duration::ZERO);
    let worker = world.start("a");
    world.streams.write("x");
    world.settled().await;
    pass(10).await;
    worker.link.stall("DescribeStream");
    let before = world.streams.calls("DescribeStream");
    world.streams.split(0, 1, Duration::ZERO);
    world.streams.split(0, 1, Duration::ZERO);
    world
        .until("both shards are finished", || {
            worker.monitor.snapshot().counters.finished_shards == 3
        })
        .await;
    pass(1).await;
    assert_eq!(world.streams.calls("DescribeStream"), before);
    assert_eq!(worker.monitor.snapshot().counters.listings, 5);
    worker.link.resume("DescribeStream");
    world.streams.write("x");
    world.settled().await;
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn leases_that_were_finished_long_ago_are_not_read_with_each_view() {
    let world = World::new().with(|settings| {
        settings.list_shards_interval = Duration::from_secs(60);
    });
    let worker = world.start("a");
    for _ in 0..40 {
        world.streams.split(0, 1, Duration::ZERO);
        world.streams.write("x");
        world.settled().await;
    }
    pass(120).await;
    assert_eq!(world.memory.leases().len(), 41);
    let before = world.memory.leases_read();
    pass(600).await;
    let read = world.memory.leases_read() - before;
    // Each second one lease, each minute all, for the view and for the listing.
    assert!(read <= 600 + 41 * 2 * 12, "{read} leases in ten minutes");
    worker.drain().await;
}
