//! The thin loop around a shard: carries out its commands and feeds it the answers.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug, error, info, warn};

use super::{Command, Event, Exit, Shard};
use crate::error::{Error, chain};
use crate::figures::Figures;
use crate::handler::{Disposition, RecordContext, RecordHandler};
use crate::lease::{Checkpoint, Guard, Lease};
use crate::observer::{GapRecord, Observer, QuarantinedRecord};
use crate::record::{LaneId, Record};
use crate::settings::Settings;
use crate::source::{OpenAt, StreamSource};
use crate::store::{LeaseStore, ParkOutcome, ParkedStore};
use crate::{arn, wall_clock};

/// How long after the grace the last writes of a drain may take.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// What all shards of a processor share.
pub(crate) struct Shared<S, L, H> {
    pub(crate) source: S,
    pub(crate) store: L,
    pub(crate) handler: H,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) settings: Settings,
    pub(crate) figures: Arc<Figures>,
    /// Limits the handlers that run at the same time.
    pub(crate) handlers: Arc<Semaphore>,
}

/// How a shard is told to stop, and for whom.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directive {
    pub(crate) stop: bool,
    pub(crate) handover_to: Option<String>,
}

/// Reads a shard until it ends, is given away or is lost.
pub(crate) async fn run<S, L, H>(
    shared: Arc<Shared<S, L, H>>,
    lease: Lease,
    guard: Guard,
    lost: CancellationToken,
    directive: watch::Receiver<Directive>,
) -> Exit
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: RecordHandler,
{
    let figures = Arc::clone(&shared.figures);
    let shard = guard.shard.clone();
    let Some(parked) = load_parked(&shared, &lease, &lost, &directive).await else {
        return Exit::Lost;
    };
    let machine = Shard::new(shared.settings.clone(), &lease, parked, Instant::now());
    let mut runner = Runner {
        shared,
        guard: Arc::new(guard),
        machine,
        attempts: lost.child_token(),
        stopping: CancellationToken::new(),
        work: JoinSet::new(),
    };
    let exit = runner.drive(lost, directive).await;
    // Nothing of this hold may act after it ended.
    runner.attempts.cancel();
    runner.work.shutdown().await;
    figures.forget(&shard);
    exit
}

async fn load_parked<S, L: ParkedStore, H>(
    shared: &Shared<S, L, H>,
    lease: &Lease,
    lost: &CancellationToken,
    directive: &watch::Receiver<Directive>,
) -> Option<std::collections::BTreeSet<LaneId>> {
    let table = arn::table_name(&lease.shard.stream_arn);
    loop {
        if directive.borrow().stop {
            return None;
        }
        match lost
            .run_until_cancelled(shared.store.parked_lanes(table))
            .await?
        {
            Ok(parked) => return Some(parked),
            Err(error) => warn!(error = chain(&error), "the parked items could not be read"),
        }
        lost.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1)))
            .await?;
    }
}

struct Runner<S, L, H> {
    shared: Arc<Shared<S, L, H>>,
    guard: Arc<Guard>,
    machine: Shard,
    /// Fires when attempts must end.
    attempts: CancellationToken,
    /// Fires when attempts that have not begun must not begin.
    stopping: CancellationToken,
    work: JoinSet<Event>,
}

/// What woke the loop.
enum Wake {
    Lost,
    Told(Directive),
    Event(Event),
    GraceEnded,
    Due,
}

impl<S, L, H> Runner<S, L, H>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: RecordHandler,
{
    async fn drive(
        &mut self,
        lost: CancellationToken,
        mut directive: watch::Receiver<Directive>,
    ) -> Exit {
        let mut abandoned = None;
        directive.mark_changed();
        loop {
            for command in self.machine.poll(Instant::now()) {
                self.start(command);
            }
            self.shared
                .figures
                .gauge(&self.guard.shard, self.machine.gauge());
            if let Some(exit) = self.machine.exit() {
                return exit;
            }
            match self.wake(&lost, &mut directive, abandoned).await {
                Wake::Lost => return Exit::Lost,
                Wake::Told(told) => {
                    if told.stop {
                        self.machine.stop(told.handover_to, Instant::now());
                    }
                }
                Wake::Event(event) => self.machine.handle(event, Instant::now()),
                Wake::GraceEnded if abandoned.is_some() => return Exit::Lost,
                Wake::GraceEnded => {
                    self.attempts.cancel();
                    self.work.shutdown().await;
                    self.machine.abandon();
                    abandoned = Some(Instant::now() + LAST_WRITES);
                }
                Wake::Due => {}
            }
            if self.machine.stopping_since().is_some() {
                self.stopping.cancel();
            }
        }
    }

    async fn wake(
        &mut self,
        lost: &CancellationToken,
        directive: &mut watch::Receiver<Directive>,
        abandoned: Option<Instant>,
    ) -> Wake {
        let stopping = self.machine.stopping_since();
        let grace = stopping.map(|since| since + self.shared.settings.drain_grace);
        let deadline = abandoned.or(grace);
        let due = self.machine.wake_at();
        tokio::select! {
            biased;
            () = lost.cancelled() => Wake::Lost,
            Ok(()) = directive.changed() => Wake::Told(directive.borrow_and_update().clone()),
            Some(event) = self.work.join_next() => match event {
                Ok(event) => Wake::Event(event),
                Err(error) => {
                    // Handlers' panics are caught where they happen, so this is a defect of ours.
                    error!(error = chain(&error), "a task of a shard failed, its lease is left to expire");
                    Wake::Lost
                }
            },
            () = until(deadline) => Wake::GraceEnded,
            () = until(due) => Wake::Due,
        }
    }

    fn start(&mut self, command: Command) {
        let shared = Arc::clone(&self.shared);
        let guard = Arc::clone(&self.guard);
        match command {
            Command::Open { at } => {
                self.work
                    .spawn(async move { shared.open(&guard, &at).await });
            }
            Command::Read { iterator } => {
                self.work
                    .spawn(async move { shared.read(&guard, &iterator).await });
            }
            Command::NoteGap { gap } => {
                self.work
                    .spawn(async move { Event::GapNoted(shared.note_gap(gap).await) });
            }
            Command::CloseGap { gap } => {
                self.work
                    .spawn(async move { Event::GapClosed(shared.store.put_gap(&gap).await) });
            }
            Command::Deliver {
                lane,
                ordinal,
                record,
                attempt,
            } => {
                let context = RecordContext::new(attempt, guard.epoch, self.attempts.clone());
                let stopping = self.stopping.clone();
                let span = tracing::info_span!(
                    "record",
                    table = record.table_name,
                    sequence_number = record.sequence_number,
                    lane = %lane,
                    attempt
                );
                self.work.spawn(
                    async move {
                        let disposition = shared.deliver(&record, &context, &stopping).await;
                        Event::Handled {
                            lane,
                            ordinal,
                            disposition,
                        }
                    }
                    .instrument(span),
                );
            }
            Command::Park {
                lane,
                ordinal,
                record,
                reason,
                attempts,
                behind,
            } => {
                let record = Record::clone(&record);
                let parked_at = wall_clock();
                let parked = QuarantinedRecord {
                    record,
                    lane,
                    reason,
                    attempts,
                    behind,
                    parked_at,
                };
                self.work.spawn(async move {
                    let result = shared.park(&guard, &parked).await;
                    Event::Parked {
                        lane,
                        ordinal,
                        result,
                    }
                });
            }
            Command::Save { reached, load } => {
                self.work
                    .spawn(async move { shared.save(&guard, reached, load).await });
            }
            Command::Finish { reached } => {
                self.work
                    .spawn(async move { shared.finish(&guard, reached).await });
            }
            Command::Release {
                reached,
                handover_to,
            } => {
                self.work
                    .spawn(async move { shared.release(&guard, reached, handover_to).await });
            }
        }
    }
}

impl<S, L, H> Shared<S, L, H>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: RecordHandler,
{
    async fn open(&self, guard: &Guard, at: &Checkpoint) -> Event {
        let at = match at {
            Checkpoint::TrimHorizon | Checkpoint::Since(_) => OpenAt::TrimHorizon,
            Checkpoint::After(number) => OpenAt::After(number),
        };
        let result = self.source.open(&guard.shard, at).await;
        self.report_read(guard, result.as_ref().err());
        Event::Opened(result)
    }

    async fn read(&self, guard: &Guard, iterator: &str) -> Event {
        let asked = Instant::now();
        self.figures.polls();
        let result = self
            .source
            .read(&guard.shard, iterator, self.settings.page_records)
            .await;
        if result.as_ref().is_ok_and(|page| page.records.is_empty()) {
            self.figures.empty_polls();
        }
        self.report_read(guard, result.as_ref().err());
        Event::Read { asked, result }
    }

    fn report_read(&self, guard: &Guard, error: Option<&Error>) {
        match error {
            None => {}
            Some(Error::IteratorExpired) => {
                debug!(shard = %guard.shard, "a shard iterator expired")
            }
            Some(error) => {
                warn!(shard = %guard.shard, error = chain(error), "a shard could not be read");
            }
        }
    }

    pub(crate) async fn note_gap(&self, mut gap: GapRecord) -> Result<(), Error> {
        gap.detected_at = wall_clock();
        self.figures.gaps();
        error!(
            stream = gap.stream_arn,
            shard = gap.shard_id,
            from = gap.from,
            cause = ?gap.cause,
            "records were lost before they were read"
        );
        self.store.put_gap(&gap).await?;
        self.observer.on_gap(&gap).await;
        Ok(())
    }

    /// Calls the handler, unless the shard stops before a place is free; nothing if it was dropped.
    async fn deliver(
        &self,
        record: &Record,
        context: &RecordContext,
        stopping: &CancellationToken,
    ) -> Option<Disposition> {
        let place = Arc::clone(&self.handlers).acquire_owned();
        let _place = stopping.run_until_cancelled(place).await?.ok()?;
        let attempt = AssertUnwindSafe(self.handler.handle(record, context)).catch_unwind();
        let disposition = context
            .token()
            .run_until_cancelled(attempt)
            .await?
            .unwrap_or_else(|_| Disposition::Retry {
                reason: "the handler panicked".to_owned(),
            });
        match &disposition {
            Disposition::Done => self.figures.done(),
            Disposition::Retry { reason } => {
                self.figures.retried();
                info!(reason, "a record is to be tried again");
            }
            Disposition::Quarantine { reason } => info!(reason, "a record is to be parked"),
        }
        Some(disposition)
    }

    async fn park(&self, guard: &Guard, parked: &QuarantinedRecord) -> Result<ParkOutcome, Error> {
        let outcome = self.store.park(guard, parked).await.inspect_err(|error| {
            warn!(shard = %guard.shard, error = chain(error), "a record could not be parked");
        })?;
        if outcome == ParkOutcome::Parked {
            self.figures.quarantined();
            error!(
                table = parked.record.table_name,
                lane = %parked.lane,
                sequence_number = parked.record.sequence_number,
                reason = parked.reason,
                behind = parked.behind,
                "a record was parked"
            );
            self.observer.on_quarantined(parked).await;
        }
        Ok(outcome)
    }

    async fn save(&self, guard: &Guard, reached: String, load: u64) -> Event {
        self.figures.lease_writes();
        let checkpoint = Checkpoint::After(reached);
        let result = self
            .store
            .checkpoint(guard, &checkpoint, load, wall_clock())
            .await;
        self.report_write(guard, result.as_ref().err());
        Event::Saved(result)
    }

    async fn finish(&self, guard: &Guard, reached: Option<String>) -> Event {
        self.figures.lease_writes();
        let reached = reached.map(Checkpoint::After);
        let result = self
            .store
            .finish(guard, reached.as_ref(), wall_clock())
            .await;
        self.report_write(guard, result.as_ref().err());
        Event::Ended {
            exit: Exit::Finished,
            result,
        }
    }

    async fn release(
        &self,
        guard: &Guard,
        reached: Option<String>,
        handover_to: Option<String>,
    ) -> Event {
        self.figures.lease_writes();
        let reached = reached.map(Checkpoint::After);
        let to = handover_to.as_deref();
        let result = self
            .store
            .release(guard, reached.as_ref(), to, wall_clock())
            .await;
        self.report_write(guard, result.as_ref().err());
        Event::Ended {
            exit: Exit::Released,
            result,
        }
    }

    fn report_write(&self, guard: &Guard, error: Option<&Error>) {
        if let Some(error) = error {
            warn!(shard = %guard.shard, error = chain(error), "a lease could not be written");
        }
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
