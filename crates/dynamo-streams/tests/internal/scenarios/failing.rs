//! Handlers and hooks that panic, hang or block: each costs an attempt and keeps nothing for ever.

use std::collections::BTreeSet;
use std::future::ready;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::handler::{Context, Disposition, Handler};
use crate::internal::world::{World, item, pass};
use crate::lease::Checkpoint;
use crate::observer::{GapRecord, NoopObserver, Observer, ParkedRecord};
use crate::record::Record;
use crate::redrive::{Selection, redrive};
use crate::testing::link::Link;

/// Panics for the item `bad` before it has made a future.
struct PanicsAtOnce;

impl Handler for PanicsAtOnce {
    fn handle(&self, record: &Record, _: &Context) -> impl Future<Output = Disposition> + Send {
        if item(record) == "bad" {
            std::panic::resume_unwind(Box::new("as scripted"));
        }
        ready(Disposition::Done)
    }
}

/// Its hooks panic before they have made a future.
struct HooksPanicAtOnce;

impl Observer for HooksPanicAtOnce {
    fn on_parked<'a>(&'a self, _: &'a ParkedRecord) -> BoxFuture<'a, ()> {
        std::panic::resume_unwind(Box::new("as scripted"));
    }

    fn on_gap<'a>(&'a self, _: &'a GapRecord) -> BoxFuture<'a, ()> {
        std::panic::resume_unwind(Box::new("as scripted"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_before_the_first_await_is_an_attempt_that_failed() {
    let world = World::new();
    let bad = world.streams.write("bad");
    let good = world.streams.write("good");
    let worker = world.start_with("a", Link::sound(), PanicsAtOnce, NoopObserver);
    world
        .until("it is parked", || !world.memory.ever_parked().is_empty())
        .await;
    pass(5).await;
    assert_eq!(world.memory.ever_parked(), BTreeSet::from([bad]));
    let lease = world.memory.leases().remove(0);
    assert_eq!(
        (lease.checkpoint, lease.epoch),
        (Checkpoint::After(good.to_string()), 1),
        "the shard goes on under its lease"
    );
    assert_eq!(worker.monitor.snapshot().counters.lost_leases, 0);

    let store = world.memory.store(&Link::sound());
    let shutdown = CancellationToken::new();
    let report = redrive(&store, &PanicsAtOnce, &(), &Selection::All, &shutdown).await;
    assert_eq!(report.unwrap().remaining[0].reason, "the handler panicked");
    worker.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_before_its_first_await_stops_nothing() {
    let world = World::new();
    world.streams.write("trimmed");
    let worker = world.start("a");
    world.settled().await;
    pass(5).await;
    worker.drain().await;
    world.streams.write("trimmed");
    world.streams.trim(0, 2);
    let bad = world.streams.write("bad");
    let good = world.streams.write("good");
    let worker = world.start_with("b", Link::sound(), PanicsAtOnce, HooksPanicAtOnce);
    world
        .until("the shard goes on", || {
            world.memory.leases()[0].checkpoint == Checkpoint::After(good.to_string())
        })
        .await;
    assert_eq!(world.memory.ever_parked(), BTreeSet::from([bad]));
    assert_eq!(world.memory.gaps().len(), 1);
    assert_eq!(worker.monitor.snapshot().counters.lost_leases, 0);
    worker.drain().await;
}

/// Never returns for the item `bad`, and heeds no token.
struct Hangs;

impl Handler for Hangs {
    async fn handle(&self, record: &Record, _: &Context) -> Disposition {
        if item(record) == "bad" {
            std::future::pending::<()>().await;
        }
        Disposition::Done
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_and_heeds_no_token_is_dropped_and_its_record_parked() {
    let world = World::as_delivered().with(|settings| settings.retry.max_attempts = 2);
    let bad = world.streams.write("bad");
    let good = world.streams.write("good");
    let worker = world.start_with("a", Link::sound(), Hangs, NoopObserver);
    let began = Instant::now();
    world
        .until("it is parked", || !world.memory.ever_parked().is_empty())
        .await;
    assert_eq!(
        began.elapsed().as_secs(),
        600,
        "two attempts of five minutes"
    );
    pass(5).await;
    assert_eq!(world.memory.ever_parked(), BTreeSet::from([bad]));
    let checkpoint = world.memory.leases().remove(0).checkpoint;
    assert_eq!(checkpoint, Checkpoint::After(good.to_string()));
    let counters = worker.monitor.snapshot().counters;
    assert_eq!((counters.timed_out, counters.retried), (2, 2));
    worker.drain().await;
}

/// Blocks its thread for ten seconds at the item `bad`.
struct Blocks;

impl Handler for Blocks {
    async fn handle(&self, record: &Record, _: &Context) -> Disposition {
        if item(record) == "bad" {
            std::thread::sleep(Duration::from_secs(10));
        }
        Disposition::Done
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_that_blocks_its_thread_delays_no_others_and_its_disposition_counts() {
    let world = World::new().with(|settings| settings.handler_timeout = Duration::from_secs(1));
    world.streams.write("bad");
    for item in 0..20 {
        world.streams.write(&format!("item-{item}"));
    }
    let worker = world.start_with("a", Link::sound(), Blocks, NoopObserver);
    let done = || worker.monitor.snapshot().counters.done;
    let began = std::time::Instant::now();
    world.until("the others are done", || done() == 20).await;
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    world.until("the record is done too", || done() == 21).await;
    let counters = worker.drain().await.counters;
    assert_eq!(
        (counters.timed_out, counters.retried, counters.lost_leases),
        (0, 0, 0)
    );
}

/// Its hooks never return.
struct HooksHang;

impl Observer for HooksHang {
    fn on_parked<'a>(&'a self, _: &'a ParkedRecord) -> BoxFuture<'a, ()> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_is_dropped_and_its_item_goes_on() {
    let world = World::new();
    let first = world.streams.write("bad");
    let second = world.streams.write("bad");
    let worker = world.start_with("a", Link::sound(), PanicsAtOnce, HooksHang);
    world
        .until("both are parked", || {
            world.memory.ever_parked() == BTreeSet::from([first, second])
        })
        .await;
    assert_eq!(worker.monitor.snapshot().counters.panicked, 3);
    worker.drain().await;
}
