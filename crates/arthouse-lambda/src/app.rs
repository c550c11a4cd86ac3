//! The function: one `match` on the event's source.

use std::time::Duration;

use arthouse_store::{Store, StoreError};
use arthouse_worker::{
    AuditOptions, Begin, Clients, CommandHandler, CommandWorker, Names, Queue, ReactionHandler,
    ReconcileError, ReconcileOptions, Reconciler, Settings, SourceRules, Stack, audit_tables,
};
use dynamo_streams::BatchProcessor;
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};
use sqs_consumer::{BatchConsumer, Received};
use tracing::info;

use crate::deadline::{Deadline, TooShort};
use crate::event::{Changes, Event, UnknownEvent};
use crate::response::partial_batch;

/// How long the handlers of a batch of commands may continue after the deadline, and how long before the end of that time they are
/// told to stop. It fits into the reserved time.
const GRACE: Duration = Duration::from_secs(3);
const NOTICE: Duration = Duration::from_secs(2);
/// The time-out of a visibility change: two attempts fit into the grace.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// The parts of the function, built at its cold start.
#[derive(Debug)]
pub(crate) struct App {
    commands_queue: String,
    commands: BatchConsumer,
    command_handler: CommandHandler,
    changes: BatchProcessor,
    reaction_handler: ReactionHandler,
    store: Store,
    reconciler: Reconciler,
}

/// Why an invocation failed. It is returned to Lambda and logged, so it has no content of the event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Event(#[from] UnknownEvent),
    #[error(transparent)]
    Time(#[from] TooShort),
    #[error("the tables can't be read")]
    Tables(#[from] StoreError),
    #[error(
        "the audit did not finish in time: raise the function's time-out, or run the audit elsewhere"
    )]
    OutOfTime,
    #[error(transparent)]
    Reconcile(#[from] ReconcileError),
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        let error_type = match failure {
            Failure::Event(_) => "UnknownEvent",
            Failure::Time(_) => "TooShort",
            Failure::Tables(_) => "TablesUnreadable",
            Failure::OutOfTime => "OutOfTime",
            Failure::Reconcile(_) => "NotReconciled",
        };
        Self {
            error_type: error_type.to_owned(),
            error_message: failure.to_string(),
        }
    }
}

impl App {
    /// Finds the queues and builds the parts, as the daemons do.
    pub(crate) async fn start(
        clients: Clients,
        names: Names,
        sources: SourceRules,
    ) -> anyhow::Result<Self> {
        let (stack, mut settings) = (Stack::find(clients, names).await?, settings());
        settings.sources = sources;
        let CommandWorker { consumer, handler } = stack.command_worker(&settings)?;
        let streams = stack.stream_workers(&settings)?;
        Ok(Self {
            commands_queue: stack.names.queues.name(Queue::Commands),
            commands: consumer.into_batches(),
            command_handler: handler,
            changes: streams.processor.into_batches(),
            reaction_handler: streams.handler,
            reconciler: stack.reconciler(&settings)?,
            store: stack.store,
        })
    }

    /// Handles an event and returns the response that its source expects.
    pub(crate) async fn handle(&self, event: Value, deadline: &Deadline) -> Result<Value, Failure> {
        match Event::read(event, &self.commands_queue)? {
            Event::Commands(batch) => Ok(self.carry_out(batch, deadline).await),
            Event::Changes(changes) => Ok(self.react(changes, deadline).await),
            Event::Audit { incremental } => self.audit(incremental, deadline).await,
            Event::Reconcile { incremental } => self.reconcile(incremental, deadline).await,
        }
    }

    async fn carry_out(&self, batch: Vec<Received>, deadline: &Deadline) -> Value {
        let handler = self.command_handler.clone();
        let report = self.commands.handle(batch, handler, deadline.stop()).await;
        info!(
            done = report.counters.done,
            dead_lettered = report.counters.dead_lettered,
            failed = report.failed.len(),
            "batch of commands handled"
        );
        partial_batch(report.failed)
    }

    async fn react(&self, changes: Changes, deadline: &Deadline) -> Value {
        let handler = self.reaction_handler.clone();
        let Changes {
            records,
            unreadable,
        } = changes;
        let report = self
            .changes
            .handle(records, handler, &deadline.stop())
            .await;
        info!(
            done = report.done,
            parked = report.parked,
            unfinished = report.unfinished,
            "batch of changes handled"
        );
        partial_batch(report.first_unfinished.or(unreadable))
    }

    async fn audit(&self, incremental: bool, deadline: &Deadline) -> Result<Value, Failure> {
        let options = AuditOptions {
            incremental,
            ..AuditOptions::default()
        };
        let audit = audit_tables(&self.store, &options, &());
        let ended = deadline.stop().run_until_cancelled_owned(audit).await;
        let report = ended.ok_or(Failure::OutOfTime)??;
        Ok(json!({
            "violations": report.violated, "pending": report.pending, "undecided": report.undecided,
        }))
    }

    /// Resumes the reconciliation of an earlier invocation that ran out of time, or starts one.
    async fn reconcile(&self, incremental: bool, deadline: &Deadline) -> Result<Value, Failure> {
        let options = ReconcileOptions {
            incremental,
            begin: Begin::ResumeOrAnew,
            ..ReconcileOptions::default()
        };
        let stop = deadline.stop();
        let report = self.reconciler.run(&options, &(), &stop).await?;
        let mut answer =
            json!({"finished": report.finished, "gaps_repaired": report.gaps_repaired});
        for (name, count) in report.counts.by_name() {
            answer[name] = count.into();
        }
        Ok(answer)
    }
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.commands.wait_time = Duration::ZERO;
    settings.commands.request_timeout = REQUEST_TIMEOUT;
    settings.commands.shutdown_timeout = GRACE;
    settings.commands.cancellation_notice = NOTICE;
    settings
}
