//! What a shard's commands do to the world.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug, error, info, warn};

use super::{Command, Event, Exit};
use crate::error::{Error, chain};
use crate::figures::Figures;
use crate::handler::{Disposition, RecordContext, RecordHandler};
use crate::lease::{Checkpoint, Guard};
use crate::lineage::unseen::Unseen;
use crate::observer::{GapRecord, Observer, QuarantinedRecord};
use crate::record::Record;
use crate::settings::Settings;
use crate::source::{OpenAt, StreamSource};
use crate::store::{LeaseStore, ParkOutcome, ParkedStore};

/// What all shards of a processor share.
pub(crate) struct Shared<S, L, H> {
    pub(crate) source: S,
    pub(crate) store: L,
    pub(crate) handler: H,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) settings: Settings,
    pub(crate) figures: Arc<Figures>,
    pub(crate) unseen: Unseen,
    /// Limits the handlers that run at the same time.
    pub(crate) handlers: Arc<Semaphore>,
}

/// What can cut the work of a hold short.
pub(crate) struct Tokens {
    /// Fires when attempts must end.
    pub(crate) attempts: CancellationToken,
    /// Fires when attempts that have not begun must not begin.
    pub(crate) stopping: CancellationToken,
}

impl<S, L, H> Shared<S, L, H>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: RecordHandler,
{
    /// Does what a shard asks for.
    pub(super) async fn carry_out(
        &self,
        guard: &Guard,
        command: Command,
        tokens: &Tokens,
    ) -> Event {
        match command {
            Command::Open { at } => self.open(guard, &at).await,
            Command::Read { iterator } => self.read(guard, &iterator).await,
            Command::NoteGap { gap } => Event::GapNoted(self.note_gap(gap).await),
            Command::CloseGap { gap } => Event::GapClosed(self.store.end_gap(&gap).await),
            Command::Deliver {
                lane,
                ordinal,
                record,
                attempt,
            } => {
                let context = RecordContext::new(attempt, guard.epoch, tokens.attempts.clone());
                let disposition = self.deliver(&record, &context, &tokens.stopping).await;
                Event::Handled {
                    lane,
                    ordinal,
                    disposition,
                }
            }
            Command::Park {
                lane,
                ordinal,
                record,
                reason,
                attempts,
                behind,
            } => {
                let parked = QuarantinedRecord {
                    record: Record::clone(&record),
                    lane,
                    reason,
                    attempts,
                    behind,
                    parked_at: self.settings.wall_clock.now(),
                };
                let result = self.park(Some(guard), &parked).await;
                Event::Parked {
                    lane,
                    ordinal,
                    result,
                }
            }
            Command::Save { reached, load } => self.save(guard, reached, load).await,
            Command::Finish { reached } => self.finish(guard, reached).await,
            Command::Release {
                reached,
                handover_to,
                read_at,
            } => self.release(guard, reached, handover_to, read_at).await,
        }
    }

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

    /// Stamps a gap, makes it durable, tells the observer.
    pub(crate) async fn note_gap(&self, mut gap: GapRecord) -> Result<GapRecord, Error> {
        gap.detected_at = self.settings.wall_clock.now();
        self.figures.gaps();
        error!(
            stream = gap.stream_arn,
            shard = gap.shard_id,
            from = gap.from,
            cause = ?gap.cause,
            "records were lost before they were read"
        );
        self.store.put_gap(&gap).await?;
        observed(self.observer.on_gap(&gap)).await;
        Ok(gap)
    }

    async fn save(&self, guard: &Guard, reached: String, load: u64) -> Event {
        self.figures.lease_writes();
        let result = self
            .store
            .checkpoint(guard, &reached, load, self.settings.wall_clock.now())
            .await;
        self.report_write(guard, result.as_ref().err());
        Event::Saved(result)
    }

    async fn finish(&self, guard: &Guard, reached: Option<String>) -> Event {
        self.figures.lease_writes();
        let result = self
            .store
            .finish(guard, reached.as_deref(), self.settings.wall_clock.now())
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
        read_at: Option<Instant>,
    ) -> Event {
        self.figures.lease_writes();
        let now = self.settings.wall_clock.now();
        let read_at = read_at.map(|read_at| now - read_at.elapsed());
        let result = self
            .store
            .release(guard, reached.as_deref(), handover_to.as_deref(), read_at)
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

impl<S, L: ParkedStore, H: RecordHandler> Shared<S, L, H> {
    /// Calls the handler, unless the work stops before a place is free; nothing if it was dropped.
    pub(crate) async fn deliver(
        &self,
        record: &Record,
        context: &RecordContext,
        stopping: &CancellationToken,
    ) -> Option<Disposition> {
        let place = Arc::clone(&self.handlers).acquire_owned();
        let _place = stopping.run_until_cancelled(place).await?.ok()?;
        let span = tracing::info_span!(
            "record",
            table = record.table_name,
            sequence_number = record.sequence_number,
            lane = %record.lane(),
            attempt = context.attempt()
        );
        let attempt = AssertUnwindSafe(self.handler.handle(record, context)).catch_unwind();
        let disposition = context
            .token()
            .run_until_cancelled(attempt.instrument(span.clone()))
            .await?
            .unwrap_or_else(|_| Disposition::Retry {
                reason: "the handler panicked".to_owned(),
            });
        span.in_scope(|| match &disposition {
            Disposition::Done => self.figures.done(),
            Disposition::Retry { reason } => {
                self.figures.retried();
                info!(reason, "a record is to be tried again");
            }
            Disposition::Quarantine { reason } => info!(reason, "a record is to be parked"),
        });
        Some(disposition)
    }

    /// Parks a record; under a lease, if the lease is still held. Then tells the observer.
    pub(crate) async fn park(
        &self,
        guard: Option<&Guard>,
        parked: &QuarantinedRecord,
    ) -> Result<ParkOutcome, Error> {
        let outcome = self.store.park(guard, parked).await.inspect_err(|error| {
            let shard = guard.map(|guard| tracing::field::display(&guard.shard));
            warn!(shard, error = chain(error), "a record could not be parked");
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
            observed(self.observer.on_quarantined(parked)).await;
        }
        Ok(outcome)
    }
}

/// Lets a hook run; its panic is its own affair.
async fn observed(hook: impl Future<Output = ()>) {
    if AssertUnwindSafe(hook).catch_unwind().await.is_err() {
        error!("a hook panicked");
    }
}
