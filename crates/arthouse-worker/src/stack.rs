//! A deployment: its tables and queues, and the worker and the stream processor on them. Every program builds these here.

mod workers;

pub use workers::{CommandWorker, RunError, RunSummary, StreamWorkers, Workers};

use std::sync::Arc;

use arthouse_store::{Backups, Store, StoreError, Table};
use dynamo_streams::{Operations, Processor};
use sqs_consumer::{BatchSender, Consumer};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::commands::{CommandHandler, CommandRedrive};
use crate::queues::{find_queues, protect_queues, provision_queues};
use crate::reactions::{ReactionHandler, StreamObserver};
use crate::reconcile::{GapRepair, Reconciler};
use crate::{Clients, Names, QueueError, QueueUrls, Settings};

/// The name of the stream processor in the lease table; processors of one name share the shards.
pub const APPLICATION: &str = "arthouse";

/// The tags of tables and queues.
const TAGS: [(&str, &str); 1] = [("Application", "arthouse")];

/// A deployment: its tables and queues, and the clients that reach them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The clients.
    pub clients: Clients,
    /// The names.
    pub names: Names,
    /// The URLs of the queues.
    pub queues: QueueUrls,
    /// The records.
    pub store: Store,
}

/// Why a deployment was not provisioned or not protected.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The tables could not be made.
    #[error("can't provision the tables")]
    Tables(#[source] StoreError),
    /// The table of leases could not be made.
    #[error("can't provision the table of leases")]
    Leases(#[source] dynamo_streams::Error),
    /// The queues could not be made.
    #[error("can't provision the queues")]
    Queues(#[source] QueueError),
    /// A table could not be protected.
    #[error("can't protect table {0}")]
    ProtectTable(String, #[source] StoreError),
    /// The queues could not be protected.
    #[error("can't protect the queues")]
    ProtectQueues(#[source] QueueError),
}

impl Stack {
    /// Creates the absent tables and queues.
    ///
    /// # Errors
    /// Returns what failed; a repetition continues where this one stopped.
    pub async fn provision(clients: Clients, names: Names) -> Result<Self, ProvisionError> {
        let tables = arthouse_store::provision(&clients.dynamodb, &names.tables);
        tables.await.map_err(ProvisionError::Tables)?;
        let leases = names.tables.leases();
        let leases = dynamo_streams::create_lease_table(&clients.dynamodb, &leases);
        leases.await.map_err(ProvisionError::Leases)?;
        let queues = provision_queues(&clients.sqs, &names.queues);
        let queues = queues.await.map_err(ProvisionError::Queues)?;
        Ok(Self::new(clients, names, queues))
    }

    /// Protects the tables against deletion and loss, and the queues against plain HTTP and foreign redrives.
    ///
    /// # Errors
    /// Returns what failed; a repetition continues where this one stopped.
    pub async fn protect(&self) -> Result<Backups, ProvisionError> {
        let Names { tables, queues } = &self.names;
        let ours = Table::ALL.map(|table| tables.name(table));
        let mut backups = Backups::Continuous;
        for table in ours.into_iter().chain([tables.leases()]) {
            let guarded = arthouse_store::protect(&self.clients.dynamodb, &table, &TAGS).await;
            if guarded.map_err(|error| ProvisionError::ProtectTable(table, error))?
                == Backups::NotOffered
            {
                backups = Backups::NotOffered;
            }
        }
        let guarded = protect_queues(&self.clients.sqs, queues, &self.queues, &TAGS);
        guarded.await.map_err(ProvisionError::ProtectQueues)?;
        Ok(backups)
    }

    /// Finds an existing deployment.
    ///
    /// # Errors
    /// Returns the first queue that does not exist, or what failed.
    pub async fn find(clients: Clients, names: Names) -> Result<Self, QueueError> {
        let queues = find_queues(&clients.sqs, &names.queues).await?;
        Ok(Self::new(clients, names, queues))
    }

    fn new(clients: Clients, names: Names, queues: QueueUrls) -> Self {
        let store = Store::new(clients.dynamodb.clone(), names.tables.clone());
        Self {
            clients,
            names,
            queues,
            store,
        }
    }

    /// Makes the handler that carries out reactions as the stream processor does.
    pub fn reaction_handler(&self, settings: &Settings) -> ReactionHandler {
        ReactionHandler::new(
            self.store.clone(),
            self.names.tables.clone(),
            self.sender(&self.queues.notifications, settings),
            settings.clock.clone(),
        )
    }

    /// Makes the reconciler, which carries out reactions from the tables.
    ///
    /// # Errors
    /// Returns which name is invalid.
    pub fn reconciler(&self, settings: &Settings) -> Result<Reconciler, dynamo_streams::Error> {
        self.reconciler_with(self.reaction_handler(settings), settings)
    }

    fn reconciler_with(
        &self,
        handler: ReactionHandler,
        settings: &Settings,
    ) -> Result<Reconciler, dynamo_streams::Error> {
        Ok(Reconciler::new(
            self.store.clone(),
            handler,
            self.operations()?,
            settings.clock.clone(),
        ))
    }

    /// Makes the operations on the state of the stream processor: parked records, gaps and leases.
    ///
    /// # Errors
    /// Returns which name is invalid.
    pub fn operations(&self) -> Result<Operations, dynamo_streams::Error> {
        let dynamodb = self.clients.dynamodb.clone();
        Operations::new(dynamodb, &self.names.tables.leases(), APPLICATION)
    }

    /// Builds the command worker.
    ///
    /// # Errors
    /// Returns which setting is invalid.
    pub fn command_worker(
        &self,
        settings: &Settings,
    ) -> Result<CommandWorker, sqs_consumer::Error> {
        let consumer = Consumer::builder(self.clients.sqs.clone(), &self.queues.commands)
            .dead_letter_queue(&self.queues.commands_dlq)
            .settings(settings.commands.clone())
            .build()?;
        Ok(CommandWorker {
            consumer,
            handler: self.command_handler(settings),
        })
    }

    /// Builds the redrive of dead-lettered commands.
    pub fn command_redrive(&self, settings: &Settings) -> CommandRedrive {
        let handler = self.command_handler(settings);
        CommandRedrive::new(&self.clients.sqs, &self.queues.commands_dlq, handler)
    }

    fn command_handler(&self, settings: &Settings) -> CommandHandler {
        let outcomes = self.sender(&self.queues.outcomes, settings);
        CommandHandler::new(self.store.clone(), outcomes, settings.sources.clone())
    }

    /// Builds the stream processor and the repair of its gaps.
    ///
    /// # Errors
    /// Returns which setting is invalid.
    pub fn stream_workers(
        &self,
        settings: &Settings,
    ) -> Result<StreamWorkers, dynamo_streams::Error> {
        let tables = &self.names.tables;
        let gap_found = Arc::new(Notify::new());
        let notices = self.sender(&self.queues.stream_dlq, settings);
        let observer = StreamObserver::new(notices, Arc::clone(&gap_found));
        let processor =
            Processor::builder(self.clients.streams.clone(), self.clients.dynamodb.clone())
                .stream_of_table(tables.name(Table::UsersCourses))
                .stream_of_table(tables.name(Table::Sessions))
                .lease_table(tables.leases())
                .application(APPLICATION)
                .settings(settings.streams.clone())
                .observer(Arc::new(observer));
        let handler = self.reaction_handler(settings);
        let reconciler = self.reconciler_with(handler.clone(), settings)?;
        Ok(StreamWorkers {
            processor: processor.build()?,
            handler,
            repair: Some(GapRepair::new(reconciler, gap_found)),
        })
    }

    /// Builds both.
    ///
    /// # Errors
    /// Returns which setting is invalid.
    pub fn workers(&self, settings: &Settings) -> Result<Workers, RunError> {
        Ok(Workers {
            commands: self.command_worker(settings).map_err(RunError::Commands)?,
            streams: self.stream_workers(settings).map_err(RunError::Streams)?,
        })
    }

    /// Runs the command worker and the stream processor until `shutdown` fires, then drains both. If one fails, the other drains.
    ///
    /// # Errors
    /// Returns why one could not start or continue.
    pub async fn run(
        &self,
        settings: &Settings,
        shutdown: CancellationToken,
    ) -> Result<RunSummary, RunError> {
        Box::pin(self.workers(settings)?.run(shutdown)).await
    }

    fn sender(&self, queue: &str, settings: &Settings) -> BatchSender {
        BatchSender::new(self.clients.sqs.clone(), queue, settings.sender.clone())
            .expect("the settings of the senders are constants of this program")
    }
}
