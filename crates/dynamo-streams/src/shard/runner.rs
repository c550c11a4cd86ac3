//! The loop around a shard: carries out its commands and passes it the events.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::Shard;
use super::event::{Command, Event, Exit};
use super::work::{Shared, Tokens};
use crate::arn;
use crate::error::chain;
use crate::handler::Handler;
use crate::item::ItemId;
use crate::lease::{Guard, Lease};
use crate::settings::LAST_WRITES;
use crate::source::StreamSource;
use crate::store::{LeaseStore, ParkedStore};

/// Tells the loop to stop, and to whom to hand the lease over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directive {
    pub(crate) stop: bool,
    pub(crate) handover_to: Option<String>,
}

/// Reads a shard until its end, or until the lease is released or lost.
pub(crate) async fn run<S, L, H>(
    shared: Arc<Shared<S, L, H>>,
    lease: Lease,
    guard: Guard,
    lost: CancellationToken,
    mut directive: watch::Receiver<Directive>,
) -> Exit
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: Handler,
{
    let figures = Arc::clone(&shared.figures);
    let shard = guard.shard.clone();
    let parked = load_parked(&shared, &lease, &mut directive);
    let Some(parked) = lost.run_until_cancelled(parked).await else {
        return Exit::Lost;
    };
    let (now, wall) = (Instant::now(), shared.settings.wall_clock.utc());
    let unread = (wall - lease.checkpointed_at).to_std().unwrap_or_default();
    let machine = Shard::new(shared.settings.clone(), &lease, parked, unread, now);
    let mut runner = Runner {
        shared,
        guard: Arc::new(guard),
        machine,
        tokens: Tokens {
            attempts: lost.child_token(),
            stopping: CancellationToken::new(),
        },
        work: JoinSet::new(),
    };
    let exit = runner.drive(lost, directive).await;
    // No task may act for this lease after its end.
    runner.tokens.attempts.cancel();
    runner.work.shutdown().await;
    figures.forget(&shard);
    exit
}

/// Reads which items have parked records. A reader that is to stop meanwhile needs none: it reads nothing and releases the lease.
async fn load_parked<S, L: ParkedStore, H>(
    shared: &Shared<S, L, H>,
    lease: &Lease,
    directive: &mut watch::Receiver<Directive>,
) -> BTreeSet<ItemId> {
    let table = arn::table_name(&lease.shard.stream_arn);
    let load = async {
        loop {
            match shared.store.parked_item_ids(table).await {
                Ok(parked) => return parked,
                Err(error) => warn!(error = chain(&error), "the parked items could not be read"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        biased;
        Ok(_) = directive.wait_for(|directive| directive.stop) => BTreeSet::new(),
        parked = load => parked,
    }
}

struct Runner<S, L, H> {
    shared: Arc<Shared<S, L, H>>,
    guard: Arc<Guard>,
    machine: Shard,
    tokens: Tokens,
    work: JoinSet<Event>,
}

/// What woke the loop.
enum Wake {
    Lost,
    Directive(Directive),
    Event(Event),
    TimedOut,
    Due,
}

impl<S, L, H> Runner<S, L, H>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: Handler,
{
    async fn drive(
        &mut self,
        lost: CancellationToken,
        mut directive: watch::Receiver<Directive>,
    ) -> Exit {
        let mut abandoned = None;
        let first = directive.borrow_and_update().clone();
        self.direct(first);
        loop {
            for command in self.machine.poll(Instant::now()) {
                self.start(command);
            }
            self.shared
                .figures
                .update_shard(&self.guard.shard, self.machine.figures());
            if let Some(exit) = self.machine.exit() {
                return exit;
            }
            match self.wake(&lost, &mut directive, abandoned).await {
                Wake::Lost => return Exit::Lost,
                Wake::Directive(directive) => self.direct(directive),
                Wake::Event(event) => self.machine.handle(event, Instant::now()),
                Wake::TimedOut if abandoned.is_some() => return Exit::Lost,
                Wake::TimedOut => {
                    self.tokens.attempts.cancel();
                    self.work.shutdown().await;
                    self.machine.abandon();
                    abandoned = Some(Instant::now() + LAST_WRITES);
                }
                Wake::Due => {}
            }
        }
    }

    fn direct(&mut self, directive: Directive) {
        if directive.stop {
            self.machine.stop(directive.handover_to, Instant::now());
            self.tokens.stopping.cancel();
        }
    }

    async fn wake(
        &mut self,
        lost: &CancellationToken,
        directive: &mut watch::Receiver<Directive>,
        abandoned: Option<Instant>,
    ) -> Wake {
        let stopping = self.machine.stopping_since();
        let timeout = stopping.map(|since| since + self.shared.settings.shutdown_timeout);
        let deadline = abandoned.or(timeout);
        let due = self.machine.wake_at();
        tokio::select! {
            biased;
            () = lost.cancelled() => Wake::Lost,
            Ok(()) = directive.changed() => Wake::Directive(directive.borrow_and_update().clone()),
            Some(event) = self.work.join_next() => match event {
                Ok(event) => Wake::Event(event),
                Err(error) => {
                    // Panics of handlers are caught elsewhere, so this is a bug of this crate.
                    error!(error = chain(&error), "a task of a shard failed, its lease is left to expire");
                    Wake::Lost
                }
            },
            () = until(deadline) => Wake::TimedOut,
            () = until(due) => Wake::Due,
        }
    }

    fn start(&mut self, command: Command) {
        let shared = Arc::clone(&self.shared);
        let guard = Arc::clone(&self.guard);
        let tokens = self.tokens.clone();
        self.work
            .spawn(async move { shared.carry_out(&guard, command, &tokens).await });
    }
}

/// Waits until a moment, or for ever without one.
pub(crate) async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
