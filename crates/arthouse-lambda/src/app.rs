//! The function: one `match` on the event's source.

use std::time::Duration;

use arthouse_store::{Store, StoreError};
use arthouse_worker::{
    AuditOptions, Begin, Clients, CommandHandler, CommandWorker, Names, Queue, ReactionHandler,
    ReconcileError, ReconcileOptions, Reconciler, Settings, Stack, audit_tables,
};
use dynamo_streams::BatchProcessor;
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};
use sqs_consumer::{BatchConsumer, Received};
use tracing::info;

use crate::deadline::{Deadline, TooShort};
use crate::event::{Changes, Event, UnknownEvent};
use crate::response::partial_batch;

/// How long the handlers of a batch of commands may go on when the invocation's time is up, and within it, how long before its end they
/// are told to stop. It fits into what is reserved of the deadline.
const GRACE: Duration = Duration::from_secs(3);
const NOTICE: Duration = Duration::from_secs(2);
/// How long a visibility change may take: two tries fit into the grace.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// What the function is made of, built at its cold start.
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

/// Why an invocation failed as a whole. It is told to Lambda and logged, so it shows nothing of the event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Event(#[from] UnknownEvent),
    #[error(transparent)]
    Time(#[from] TooShort),
    #[error("the tables can't be read")]
    Tables(#[from] StoreError),
    #[error("the audit came to no end in time: give the function more, or audit from elsewhere")]
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
    /// Finds the queues and puts the parts together, as the daemons do.
    pub(crate) async fn start(clients: Clients, names: Names) -> anyhow::Result<Self> {
        let (stack, settings) = (Stack::find(clients, names).await?, settings());
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

    /// Does what an event asks for and answers as its source expects.
    pub(crate) async fn handle(&self, event: Value, deadline: &Deadline) -> Result<Value, Failure> {
        match Event::read(event, &self.commands_queue)? {
            Event::Commands(batch) => Ok(self.carry_out(batch, deadline).await),
            Event::Changes(changes) => Ok(self.react(changes, deadline).await),
            Event::Audit => self.audit(deadline).await,
            Event::Reconcile => self.reconcile(deadline).await,
        }
    }

    async fn carry_out(&self, batch: Vec<Received>, deadline: &Deadline) -> Value {
        let handler = self.command_handler.clone();
        let report = self.commands.handle(batch, handler, deadline.stop()).await;
        info!(
            done = report.counters.done,
            dead_lettered = report.counters.dead_lettered,
            failed = report.failed.len(),
            "a batch of commands has ended"
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
            "a batch of changes has ended"
        );
        partial_batch(report.first_unfinished.or(unreadable))
    }

    async fn audit(&self, deadline: &Deadline) -> Result<Value, Failure> {
        let options = AuditOptions::default();
        let audit = audit_tables(&self.store, &options, &());
        let ended = deadline.stop().run_until_cancelled_owned(audit).await;
        let report = ended.ok_or(Failure::OutOfTime)??;
        Ok(json!({
            "violations": report.violated, "pending": report.pending, "undecided": report.undecided,
        }))
    }

    /// Goes on where an invocation before it ran out of time, if one did.
    async fn reconcile(&self, deadline: &Deadline) -> Result<Value, Failure> {
        let options = ReconcileOptions {
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
