//! Handlers and hooks that panic: each costs an attempt and keeps nothing for ever.

use std::collections::BTreeSet;
use std::future::ready;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::handler::{Context, Disposition, Handler};
use crate::lease::Checkpoint;
use crate::observer::{GapRecord, NoopObserver, Observer, ParkedRecord};
use crate::record::Record;
use crate::redrive::{Selection, redrive};
use crate::testing::link::Link;
use crate::testing::world::{World, item, pass};

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
    let report = redrive(&store, &PanicsAtOnce, &Selection::All, &shutdown).await;
    assert_eq!(report.unwrap().remaining[0].1, "the handler panicked");
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
