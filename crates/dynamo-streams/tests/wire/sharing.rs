//! Several processors, several streams, one lease table.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dynamo_streams::{Context, Disposition, Handler, Operations, Record};

use crate::local::{Journal, LEASES, Local, Running, brisk, eventually, version};

const TABLES: [&str; 2] = ["Courses", "Sessions"];

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_processor_is_replaced_and_its_order_kept() {
    let local = Local::start(&TABLES).await;
    let journal = Journal::new();
    let first = Running::start(local.processor(&TABLES).worker_id("first"), journal.clone());
    for item in ["a", "b"] {
        local.write("Courses", item, 1).await;
        local.write("Sessions", item, 1).await;
    }
    journal.until_versions(4, 1).await;
    first.task.abort();
    let second = Running::start(
        local.processor(&TABLES).worker_id("second"),
        journal.clone(),
    );
    for item in ["a", "b"] {
        local.write("Courses", item, 2).await;
        local.write("Sessions", item, 2).await;
    }
    let entries = journal.until_versions(4, 2).await;
    for versions in entries.values() {
        assert!(versions.is_sorted(), "{entries:?}");
    }
    assert_eq!(second.stop().await.counters.taken_leases, 2);
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processors_share_two_streams_and_a_drained_one_leaves_its_share() {
    let local = Local::start(&TABLES).await;
    let journal = Journal::new();
    let first = Running::start(local.processor(&TABLES).worker_id("first"), journal.clone());
    let operations = Operations::new(local.dynamo.clone(), LEASES, "test").unwrap();
    let owners = || async {
        let status = operations.status().await.unwrap();
        let owners = status.shards.into_iter().filter_map(|shard| shard.owner);
        owners
            .map(|owner| owner.split('/').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    eventually(owners, |owners| *owners == ["first", "first"]).await;
    let second = Running::start(
        local.processor(&TABLES).worker_id("second"),
        journal.clone(),
    );
    eventually(owners, |owners| {
        owners.contains(&"first".to_owned()) && owners.contains(&"second".to_owned())
    })
    .await;
    for item in ["a", "b"] {
        local.write("Courses", item, 1).await;
        local.write("Sessions", item, 1).await;
    }
    journal.until_versions(4, 1).await;
    first.stop().await;
    eventually(owners, |owners| *owners == ["second", "second"]).await;
    local.write("Courses", "a", 2).await;
    local.write("Sessions", "a", 2).await;
    let done = |entries: &crate::local::Entries| {
        entries["Courses/a"] == [1, 2] && entries["Sessions/a"] == [1, 2]
    };
    journal.until(done).await;
    second.stop().await;
    let status = operations.status().await.unwrap();
    assert!(status.workers.is_empty() && status.shards.iter().all(|shard| shard.owner.is_none()));
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_shows_a_running_processor_to_a_person() {
    let local = Local::start(&TABLES).await;
    let journal = Journal::new();
    let running = Running::start(local.processor(&TABLES), journal.clone());
    let operations = Operations::new(local.dynamo.clone(), LEASES, "test").unwrap();
    let status = || async { operations.status().await.unwrap() };
    let seen = eventually(status, |status| {
        status
            .workers
            .first()
            .is_some_and(|worker| worker.figures.counters.polls > 0)
    })
    .await;
    assert_eq!(
        (seen.shards.len(), seen.parked.len(), seen.gaps.len()),
        (2, 0, 0)
    );
    assert!(
        seen.trim_headroom.unwrap() > Duration::from_secs(86_000),
        "{seen:?}"
    );
    running.stop().await;
    local.stop().await;
}

/// Notes when each version of the one item was handled.
struct Stopwatch {
    handled: Mutex<Vec<Instant>>,
    seen: AtomicU64,
}

impl Handler for Stopwatch {
    async fn handle(&self, record: &Record, _: &Context) -> Disposition {
        let now = Instant::now();
        let version = version(record.new_image.as_ref().unwrap());
        self.handled.lock().unwrap().push(now);
        self.seen.store(version, Ordering::SeqCst);
        Disposition::Done
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_begins_within_one_poll_interval_and_two_round_trips() {
    let local = Local::start(&["Courses"]).await;
    let stopwatch = Arc::new(Stopwatch {
        handled: Mutex::default(),
        seen: AtomicU64::new(0),
    });
    let settings = brisk();
    let running = Running::start(local.processor(&["Courses"]), Arc::clone(&stopwatch));
    let mut delays = Vec::new();
    let mut round_trips = Vec::new();
    for version in 1..=200 {
        // Writes fall on every phase of the polls.
        tokio::time::sleep(Duration::from_millis(version % 23)).await;
        let asked = Instant::now();
        local.write("Courses", "a", version).await;
        let committed = Instant::now();
        round_trips.push(committed - asked);
        eventually(
            || async { stopwatch.seen.load(Ordering::SeqCst) },
            |seen| *seen == version,
        )
        .await;
        let handled = *stopwatch.handled.lock().unwrap().last().unwrap();
        delays.push(handled.saturating_duration_since(committed));
    }
    let percentile = |times: &mut Vec<Duration>, percent: usize| {
        times.sort_unstable();
        times[(times.len() - 1) * percent / 100]
    };
    let round_trip = percentile(&mut round_trips, 99);
    let (median, high) = (percentile(&mut delays, 50), percentile(&mut delays, 99));
    println!(
        "poll {:?}, round trip p99 {round_trip:?}, reaction p50 {median:?}, p99 {high:?}",
        settings.poll_interval
    );
    assert!(
        high <= settings.poll_interval + round_trip * 2,
        "{high:?} with round trips of {round_trip:?}"
    );
    running.stop().await;
    local.stop().await;
}
