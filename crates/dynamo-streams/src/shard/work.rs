//! Carries out the commands of a shard.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug, error, info, warn};

use super::event::{Command, Event, Exit};
use crate::attempt::{Ended, PANICKED, TIMED_OUT, attempt};
use crate::error::{Error, chain};
use crate::handler::{Context, Disposition, Handler};
use crate::lease::{Checkpoint, Guard};
use crate::lineage::missing::Missing;
use crate::monitor::Figures;
use crate::observer::{GapRecord, Observer, ParkedRecord};
use crate::record::Record;
use crate::settings::Settings;
use crate::source::{OpenAt, StreamSource};
use crate::store::{LeaseStore, ParkOutcome, ParkedStore};

/// From what age on a record shows that its reader is behind: clocks differ, and times of creation are rounded.
const OLD: Duration = Duration::from_secs(10);

/// The ports and the state that all shards of a processor share.
pub(crate) struct Shared<S, L, H> {
    pub(crate) source: S,
    pub(crate) store: L,
    pub(crate) handler: H,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) settings: Settings,
    pub(crate) figures: Arc<Figures>,
    pub(crate) missing: Missing,
    /// Limits the handlers that run at the same time.
    pub(crate) handlers: Arc<Semaphore>,
}

/// The tokens that cancel the work on a shard.
#[derive(Clone)]
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
    H: Handler,
{
    /// Carries out a command.
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
                item_id,
                ordinal,
                record,
                attempt,
            } => {
                let context = Context::new(attempt, tokens.attempts.child_token());
                let disposition = self.deliver(&record, &context, &tokens.stopping).await;
                Event::Handled {
                    item_id,
                    ordinal,
                    disposition,
                }
            }
            Command::Park {
                item_id,
                ordinal,
                record,
                reason,
                attempts,
                behind,
            } => {
                let parked = ParkedRecord {
                    record: Record::clone(&record),
                    item_id,
                    reason,
                    attempts,
                    behind,
                    parked_at: self.settings.wall_clock.now(),
                };
                let result = self.park(Some(guard), &parked).await;
                Event::Parked {
                    item_id,
                    ordinal,
                    result,
                }
            }
            Command::Checkpoint { checkpoint, load } => {
                self.checkpoint(guard, checkpoint, load).await
            }
            Command::Finish { checkpoint } => self.finish(guard, checkpoint).await,
            Command::Release {
                checkpoint,
                handover_to,
                read_at,
            } => self.release(guard, checkpoint, handover_to, read_at).await,
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
        let requested_at = Instant::now();
        self.figures.polls();
        let result = self
            .source
            .read(&guard.shard, iterator, self.settings.max_records_per_read)
            .await;
        if result.as_ref().is_ok_and(|page| page.records.is_empty()) {
            self.figures.empty_polls();
        }
        self.report_read(guard, result.as_ref().err());
        let newest = result.as_ref().ok().and_then(|page| page.records.last());
        let old_since = self.settings.wall_clock.now() - OLD;
        Event::Read {
            requested_at,
            is_old: newest.is_some_and(|newest| newest.created_at < old_since),
            result,
        }
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

    /// Dates a gap, makes it durable, tells the observer.
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
        self.observed(|| self.observer.on_gap(&gap)).await;
        Ok(gap)
    }

    async fn checkpoint(&self, guard: &Guard, checkpoint: String, load: u64) -> Event {
        self.figures.lease_writes();
        let result = self
            .store
            .checkpoint(guard, &checkpoint, load, self.settings.wall_clock.utc())
            .await;
        self.report_write(guard, result.as_ref().err());
        Event::Checkpointed(result)
    }

    async fn finish(&self, guard: &Guard, checkpoint: Option<String>) -> Event {
        self.figures.lease_writes();
        let result = self
            .store
            .finish(guard, checkpoint.as_deref(), self.settings.wall_clock.utc())
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
        checkpoint: Option<String>,
        handover_to: Option<String>,
        read_at: Option<Instant>,
    ) -> Event {
        self.figures.lease_writes();
        let now = self.settings.wall_clock.utc();
        let read_at = read_at.map(|read_at| now - read_at.elapsed());
        let result = self
            .store
            .release(
                guard,
                checkpoint.as_deref(),
                handover_to.as_deref(),
                read_at,
            )
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

impl<S, L: ParkedStore, H: Handler> Shared<S, L, H> {
    /// Calls the handler once one may run. Returns none if the work stops before, or the handler was dropped.
    pub(crate) async fn deliver(
        &self,
        record: &Record,
        context: &Context,
        stopping: &CancellationToken,
    ) -> Option<Disposition> {
        let permit = Arc::clone(&self.handlers).acquire_owned();
        let _permit = stopping.run_until_cancelled(permit).await?.ok()?;
        let span = tracing::info_span!(
            "record",
            table = record.table_name,
            sequence_number = record.sequence_number,
            item = %record.item_id(),
            attempt = context.attempt()
        );
        let handler_timeout = self.settings.handler_timeout;
        let attempt = attempt(&self.handler, record, context, handler_timeout);
        let failed = |reason: &str| Disposition::Retry {
            reason: reason.to_owned(),
        };
        let disposition = match attempt.instrument(span.clone()).await {
            Ended::Returned(disposition) => disposition,
            Ended::Panicked => {
                self.figures.panicked();
                failed(PANICKED)
            }
            Ended::TimedOut => {
                self.figures.timed_out();
                failed(TIMED_OUT)
            }
            Ended::Dropped => return None,
        };
        span.in_scope(|| match &disposition {
            Disposition::Done => self.figures.done(),
            Disposition::Retry { reason } => {
                self.figures.retried();
                info!(reason, "the record is retried later");
            }
            Disposition::Park { reason } => info!(reason, "the record is parked"),
        });
        Some(disposition)
    }

    /// Parks a record, with a guard only if the lease is still held, then tells the observer.
    pub(crate) async fn park(
        &self,
        guard: Option<&Guard>,
        parked: &ParkedRecord,
    ) -> Result<ParkOutcome, Error> {
        let outcome = self.store.park(guard, parked).await.inspect_err(|error| {
            let shard = guard.map(|guard| tracing::field::display(&guard.shard));
            warn!(shard, error = chain(error), "a record could not be parked");
        })?;
        if outcome == ParkOutcome::Parked {
            self.figures.parked();
            error!(
                table = parked.record.table_name,
                item = %parked.item_id,
                sequence_number = parked.record.sequence_number,
                reason = parked.reason,
                behind = parked.behind,
                "a record was parked"
            );
            self.observed(|| self.observer.on_parked(parked)).await;
        }
        Ok(outcome)
    }
}

impl<S, L, H> Shared<S, L, H> {
    /// Runs a hook, catches its panic, also one of the call that makes its future, and drops it when its time is over.
    async fn observed<F: Future<Output = ()>>(&self, hook: impl FnOnce() -> F) {
        let hook = async { timeout(self.settings.handler_timeout, hook()).await };
        match AssertUnwindSafe(hook).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => error!("a hook timed out"),
            Err(_) => error!("a hook panicked"),
        }
    }
}
