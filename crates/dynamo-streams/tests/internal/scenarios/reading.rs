//! Reading.

use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use crate::internal::world::{World, pass, time};
use crate::observer::GapCause;

#[tokio::test(start_paused = true)]
async fn the_records_of_the_last_page_are_delivered_before_the_shard_ends() {
    let world = World::new();
    let worker = world.start("a");
    pass(5).await;
    for _ in 0..3 {
        world.streams.write("x");
    }
    world.streams.split(0, 1, Duration::ZERO);
    let child = world.streams.write("x");
    world.settled().await;
    assert_eq!(world.journal.by_item()["x"].last(), Some(&child));
    assert_eq!(
        world.journal.notes().begun.len(),
        4,
        "each once and in order"
    );
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_page_is_not_the_tip_and_not_the_end() {
    let world = World::new();
    world.streams.write("x");
    world.streams.split(0, 1, Duration::ZERO);
    world.streams.write("x");
    world.streams.answer_empty_pages(40);
    let worker = world.start("a");
    world.settled().await;
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn an_expired_iterator_reopens_after_the_last_record_that_was_read() {
    let mut world = World::new();
    // Finished long after it was read: the checkpoint is behind the reader.
    world.effort = Duration::from_secs(20);
    let worker = world.start("a");
    let first = world.streams.write("x");
    world
        .until("it is read", || !world.journal.notes().begun.is_empty())
        .await;
    world.streams.expire_iterators();
    let second = world.streams.write("y");
    world.settled().await;
    let notes = world.journal.notes();
    let begun: Vec<u64> = notes.begun.iter().map(|(_, _, number)| *number).collect();
    assert_eq!(
        begun,
        [first, second],
        "nothing is read twice, nothing left out"
    );
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn throttled_calls_are_tried_again_with_growing_waits() {
    let world = World::new();
    world.streams.write("x");
    world.streams.throttle(0);
    let worker = world.start("a");
    world.settled().await;
    let before = world.streams.calls("GetRecords") + world.streams.calls("GetShardIterator");
    world.streams.throttle(1_000_000);
    pass(60).await;
    let calls = world.streams.calls("GetRecords") + world.streams.calls("GetShardIterator");
    assert!(calls - before < 20, "{} calls in a minute", calls - before);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn trimmed_records_are_a_durable_gap_and_reading_goes_on_behind_it() {
    let world = World::new();
    let worker = world.start("a");
    let read = world.streams.write("x");
    world.settled().await;
    worker.drain().await;
    for _ in 0..5 {
        world.streams.write("x");
    }
    world.streams.trim(0, 4);
    let noticed = world.streams.wall();
    let worker = world.start("a");
    pass(10).await;
    let first_behind = read + 4;
    let gaps = world.memory.gaps();
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].cause, GapCause::Trimmed);
    assert_eq!(gaps[0].shard_id, world.streams.shard_ids()[0]);
    assert_eq!(gaps[0].from.as_deref(), Some(read.to_string().as_str()));
    assert_eq!(
        gaps[0].to.as_deref(),
        Some(first_behind.to_string().as_str())
    );
    assert_eq!(
        world.journal.by_item()["x"],
        [read, first_behind, first_behind + 1]
    );
    assert_eq!(gaps[0].detected_at, SystemTime::from(noticed));
    let observed = world.journal.notes().gaps;
    assert_eq!(
        (observed.len(), observed[0].detected_at),
        (1, gaps[0].detected_at)
    );
    assert_eq!(
        worker.monitor.snapshot().counters.gaps,
        1,
        "an alarm counters it"
    );
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn records_that_are_trimmed_under_a_slow_reader_are_a_gap_too() {
    let world = World::new().with(|settings| settings.max_in_flight_records_per_shard = 1);
    let world = World {
        effort: Duration::from_secs(30),
        ..world
    };
    world.streams.max_records_per_read(1);
    for item in 0..4 {
        world.streams.write(&format!("item-{item}"));
    }
    let worker = world.start("a");
    world
        .until("the first is begun", || {
            !world.journal.notes().begun.is_empty()
        })
        .await;
    world.streams.trim(0, 3);
    world
        .until("the last is done", || {
            world.journal.done_numbers().contains(&103)
        })
        .await;
    assert_eq!(world.memory.gaps().len(), 1);
    assert_eq!(
        world.journal.done_numbers().into_iter().collect::<Vec<_>>(),
        [100, 103]
    );
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_is_gone_before_its_end_is_a_gap() {
    let world = World::new();
    let worker = world.start("a");
    let read = world.streams.write("x");
    world.settled().await;
    pass(5).await;
    worker.crash();
    let shard = world.streams.shard_ids()[0].clone();
    world.streams.split(0, 1, Duration::ZERO);
    let child = world.streams.write("x");
    world.streams.drop_shard(&shard);
    let worker = world.start("b");
    world
        .until("the child is done", || {
            world.journal.done_numbers().contains(&child)
        })
        .await;
    let gaps = world.memory.gaps();
    assert_eq!(gaps.len(), 1);
    assert_eq!(
        (gaps[0].cause, &gaps[0].to),
        (GapCause::ShardMissing, &None)
    );
    assert_eq!(gaps[0].from.as_deref(), Some(read.to_string().as_str()));
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_generation_of_shards_that_nobody_saw_is_a_gap() {
    let world = World::new();
    let worker = world.start("a");
    world.streams.write("x");
    world.streams.split(0, 1, Duration::from_secs(86_400 * 30));
    world.streams.write("x");
    world
        .until("the parent is finished", || {
            world
                .memory
                .leases()
                .iter()
                .any(crate::lease::Lease::is_finished)
        })
        .await;
    worker.crash();
    let unseen = world.streams.shard_ids()[1].clone();
    world.streams.split(0, 1, Duration::ZERO);
    let last = world.streams.write("x");
    world.streams.drop_shard(&unseen);
    let worker = world.start("b");
    world
        .until("the grandchild is done", || {
            world.journal.done_numbers().contains(&last)
        })
        .await;
    let gaps = world.memory.gaps();
    assert_eq!((gaps.len(), gaps[0].cause), (1, GapCause::ParentUnseen));
    assert_eq!(gaps[0].shard_id, unseen);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_read_without_waiting_between_full_pages() {
    let world = World::new().with(|settings| settings.max_records_per_read = 10);
    for item in 0..200 {
        world.streams.write(&format!("item-{item}"));
    }
    let worker = world.start("a");
    let ((), took) = crate::internal::world::time(world.settled()).await;
    assert!(took < Duration::from_millis(500), "20 pages took {took:?}");
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn one_shard_is_polled_at_the_floor_and_an_idle_one_more_rarely() {
    let world = World::new().with(|settings| settings.idle_poll_interval = Duration::from_secs(1));
    let worker = world.start("a");
    pass(3).await;
    let early = world.streams.calls("GetRecords");
    assert!((6..=13).contains(&early), "{early} polls in three seconds");
    pass(60).await;
    let before = world.streams.calls("GetRecords");
    pass(100).await;
    let idle = world.streams.calls("GetRecords") - before;
    assert!(
        (99..=101).contains(&idle),
        "{idle} polls in a hundred idle seconds"
    );
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn with_the_defaults_a_busy_shard_is_polled_four_times_a_second() {
    let world = World::as_delivered();
    let worker = world.start("a");
    pass(10).await;
    let before = world.streams.calls("GetRecords");
    for _ in 0..1_000 {
        world.streams.write("x");
        sleep(Duration::from_millis(10)).await;
    }
    let polls = world.streams.calls("GetRecords") - before;
    assert!((36..=40).contains(&polls), "{polls} polls in ten seconds");
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn with_the_defaults_a_page_has_up_to_a_thousand_records() {
    let world = World::as_delivered();
    for item in 0..1_000 {
        world.streams.write(&format!("item-{item}"));
    }
    let worker = world.start("a");
    world.settled().await;
    let counters = worker.monitor.snapshot().counters;
    assert_eq!(counters.polls - counters.empty_polls, 1);
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_backlog_of_short_pages_is_read_without_the_pauses_of_an_idle_shard() {
    let world = World::as_delivered();
    world.streams.max_records_per_read(10);
    for item in 0..40 {
        world.streams.write(&format!("item-{item}"));
    }
    pass(3_600).await;
    let worker = world.start("a");
    pass(1).await;
    let before = world.streams.calls("GetRecords");
    let ((), took) = time(world.settled()).await;
    assert!(took <= Duration::from_millis(50), "{took:?}");
    let reads = world.streams.calls("GetRecords") - before;
    assert!(reads <= 5, "{reads} reads in a moment");
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_long_backlog_of_short_pages_is_read_five_times_a_second() {
    let world = World::as_delivered();
    world.streams.max_records_per_read(1);
    for item in 0..100 {
        world.streams.write(&format!("item-{item}"));
    }
    pass(3_600).await;
    let worker = world.start("a");
    world
        .until("it reads", || world.streams.calls("GetRecords") > 0)
        .await;
    let before = world.streams.calls("GetRecords");
    pass(10).await;
    let reads = world.streams.calls("GetRecords") - before;
    assert!((49..=51).contains(&reads), "{reads} reads in ten seconds");
    worker.drain().await;
}
