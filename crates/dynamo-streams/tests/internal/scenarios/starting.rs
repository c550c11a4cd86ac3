//! Where reading starts.

use std::time::Duration;

use crate::internal::samples::STREAM;
use crate::internal::world::{World, pass};
use crate::lease::{Checkpoint, StreamEntry};
use crate::settings::StartPosition;
use crate::store::LeaseStore as _;
use crate::testing::link::Link;

fn at_latest() -> World {
    World::new().with(|settings| settings.start = StartPosition::Latest)
}

#[tokio::test(start_paused = true)]
async fn a_start_at_latest_leaves_out_what_was_written_before() {
    let world = at_latest();
    world.streams.write("old");
    pass(60).await;
    let worker = world.start("a");
    pass(60).await;
    let number = world.streams.write("new");
    world
        .until("the new one is done", || {
            world.journal.done_numbers().contains(&number)
        })
        .await;
    assert_eq!(world.journal.by_item().len(), 1);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn an_iterator_that_expires_before_its_first_read_does_not_reopen_at_latest() {
    let world = at_latest();
    world.streams.write("old");
    pass(60).await;
    let worker = world.start_on("a", Link::faulty(1, 0, Duration::from_millis(500)));
    world
        .until("the shard is opened", || {
            world.streams.calls("GetShardIterator") == 1
        })
        .await;
    assert_eq!(world.streams.calls("GetRecords"), 0);
    world.streams.expire_iterators();
    let number = world.streams.write("new");
    world
        .until("the new one is done", || {
            world.journal.done_numbers().contains(&number)
        })
        .await;
    assert_eq!(
        world.journal.by_item().len(),
        1,
        "and the old one is still left out"
    );
    assert_eq!(world.streams.calls("GetShardIterator"), 2);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn the_choice_of_latest_is_kept_when_the_first_worker_dies_before_its_first_read() {
    let world = at_latest();
    world.streams.write("old");
    pass(60).await;
    let worker = world.start("a");
    world
        .until("the lease is made", || !world.memory.leases().is_empty())
        .await;
    worker.crash();
    let number = world.streams.write("new");
    pass(3_600).await;
    let worker = world.start("b");
    world
        .until("the new one is done", || {
            world.journal.done_numbers().contains(&number)
        })
        .await;
    assert_eq!(world.journal.by_item().len(), 1);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn the_choice_of_a_worker_that_was_first_stands() {
    let world = World::new();
    world.streams.write("old");
    pass(60).await;
    let worker = world.start_on("a", Link::faulty(1, 0, Duration::from_secs(1)));
    world
        .until("it has looked and lists the streams", || {
            world.streams.calls("ListStreams") > 0
        })
        .await;
    worker.link.freeze();
    let other = StreamEntry {
        stream_arn: STREAM.to_owned(),
        start: Checkpoint::Since(world.streams.wall()),
        seeded: false,
        drained: false,
    };
    assert!(world.memory.streams().is_empty(), "nobody has chosen yet");
    let store = world.memory.store(&Link::sound());
    store.add_stream(&other).await.unwrap();
    worker.link.thaw();
    world
        .until("the lease is made", || !world.memory.leases().is_empty())
        .await;
    assert_eq!(world.memory.leases()[0].checkpoint, other.start);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_follows_a_known_one_is_read_from_its_oldest_record() {
    let world = at_latest();
    let worker = world.start("a");
    pass(60).await;
    worker.drain().await;
    world.streams.disable(STREAM);
    let later = STREAM.replace("2026-01-01", "2026-02-02");
    world.streams.enable(&later);
    world.streams.write_to(&later, "x");
    pass(3_600).await;
    let worker = world.start("b");
    world.settled().await;
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn children_start_at_their_oldest_record_after_a_start_at_latest() {
    let world = at_latest();
    let worker = world.start("a");
    pass(60).await;
    world.streams.split(0, 2, Duration::from_secs(30));
    for item in 0..8 {
        world.streams.write(&format!("item-{item}"));
    }
    world.settled().await;
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn children_are_read_after_every_record_of_their_parent_is_finished() {
    let mut world = World::new();
    world.effort = Duration::from_secs(7);
    let parent = world.streams.write("slow");
    world.streams.split(0, 1, Duration::ZERO);
    let child = world.streams.write("other");
    let worker = world.start("a");
    world.settled().await;
    let notes = world.journal.notes();
    let begun: Vec<u64> = notes.begun.iter().map(|(_, _, number)| *number).collect();
    assert_eq!(begun, [parent, child]);
    let first = world.streams.shard_ids()[0].clone();
    assert!(world.memory.lease(&first).unwrap().is_finished());
    assert_eq!(
        world.memory.lease(&first).unwrap().checkpoint,
        Checkpoint::After(parent.to_string())
    );
    worker.drain().await;
}
