//! The wiring that the commands, the demo and the tests share: tables, queues, worker and stream processor.

use std::time::Duration;

use anyhow::Context;
use arthouse_store::{Backups, Store, Table};
use arthouse_worker::{
    APPLICATION, QueueUrls, ReactionHandler, Reconciler, Settings, command_worker, find_queues,
    protect_queues, provision_queues, reaction_handler, stream_workers,
};
use dynamo_streams::Operations;
use tokio_util::sync::CancellationToken;

use crate::http::Vitals;

/// What tables and queues are tagged with.
const TAGS: [(&str, &str); 1] = [("Application", "arthouse")];

pub use arthouse_worker::{Clients, Names};

/// A deployment: its tables and queues, and the clients that reach them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The clients.
    pub clients: Clients,
    /// The names.
    pub names: Names,
    /// Where the queues are.
    pub queues: QueueUrls,
    /// The records.
    pub store: Store,
    vitals: Vitals,
}

/// What a worker and a stream processor did, told when both have drained.
#[derive(Debug, Clone, Copy)]
pub struct RunSummary {
    /// What the command worker did.
    pub commands: sqs_consumer::Snapshot,
    /// What the stream processor did.
    pub streams: dynamo_streams::Snapshot,
}

impl Stack {
    /// Makes the tables and queues that are absent.
    ///
    /// # Errors
    /// Returns what failed; a repetition goes on where this stopped.
    pub async fn provision(clients: Clients, names: Names) -> anyhow::Result<Self> {
        let tables = arthouse_store::provision(&clients.dynamodb, &names.tables);
        tables.await.context("can't provision the tables")?;
        let leases = names.tables.leases();
        let leases = dynamo_streams::create_lease_table(&clients.dynamodb, &leases);
        leases
            .await
            .context("can't provision the table of leases")?;
        let queues = provision_queues(&clients.sqs, &names.queues);
        let queues = queues.await.context("can't provision the queues")?;
        Ok(Self::new(clients, names, queues))
    }

    /// Guards the tables against deletion and loss and the queues against plain HTTP and strangers, where they are not guarded yet.
    ///
    /// # Errors
    /// Returns what failed; a repetition goes on where this stopped.
    pub async fn protect(&self) -> anyhow::Result<Backups> {
        let Names { tables, queues } = &self.names;
        let ours = Table::ALL.map(|table| tables.name(table));
        let mut backups = Backups::Continuous;
        for table in ours.into_iter().chain([tables.leases()]) {
            let guarded = arthouse_store::protect(&self.clients.dynamodb, &table, &TAGS);
            let guarded = guarded
                .await
                .with_context(|| format!("can't protect table {table}"))?;
            if guarded == Backups::NotOffered {
                backups = guarded;
            }
        }
        let guarded = protect_queues(&self.clients.sqs, queues, &self.queues, &TAGS);
        guarded.await.context("can't protect the queues")?;
        Ok(backups)
    }

    /// Finds a deployment that is there.
    ///
    /// # Errors
    /// Returns the first queue that is not there, or what failed.
    pub async fn find(clients: Clients, names: Names) -> anyhow::Result<Self> {
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
            vitals: Vitals::default(),
        }
    }

    /// Makes what runs on it known here.
    pub(crate) fn watched_by(mut self, vitals: &Vitals) -> Self {
        self.vitals = vitals.clone();
        self
    }

    /// Makes the handler that carries out reactions as the stream processor does.
    pub fn reaction_handler(&self, settings: &Settings) -> ReactionHandler {
        reaction_handler(
            &self.clients.sqs,
            self.store.clone(),
            &self.names.tables,
            &self.queues,
            settings,
        )
    }

    /// Makes what carries out reactions from what the tables hold.
    ///
    /// # Errors
    /// Returns why the table of leases can't be looked at.
    pub fn reconciler(&self, settings: &Settings) -> Result<Reconciler, dynamo_streams::Error> {
        Reconciler::new(
            self.clients.dynamodb.clone(),
            self.store.clone(),
            &self.names.tables,
            self.reaction_handler(settings),
            settings.clock.clone(),
        )
    }

    /// Looks at the state of the stream processor, its parked records and its gaps.
    ///
    /// # Errors
    /// Returns why the table of leases can't be looked at.
    pub fn operations(&self) -> Result<Operations, dynamo_streams::Error> {
        let dynamodb = self.clients.dynamodb.clone();
        Operations::new(dynamodb, &self.names.tables.leases(), APPLICATION)
    }

    /// Runs the command worker and the stream processor until `shutdown` fires, then drains both. If one fails, the other drains.
    ///
    /// # Errors
    /// Returns why one could not start or go on.
    pub async fn run(
        &self,
        settings: &Settings,
        shutdown: CancellationToken,
    ) -> anyhow::Result<RunSummary> {
        let stop = shutdown.child_token();
        let commands = async {
            let ended = self.run_commands(settings, stop.clone()).await;
            stop.cancel();
            ended
        };
        let streams = async {
            let ended = self.run_streams(settings, stop.clone()).await;
            stop.cancel();
            ended
        };
        let (commands, streams) = tokio::join!(commands, streams);
        Ok(RunSummary {
            commands: commands?,
            streams: streams?,
        })
    }

    /// Runs the command worker until `shutdown` fires, then drains it.
    ///
    /// # Errors
    /// Returns why it could not start or go on.
    pub async fn run_commands(
        &self,
        settings: &Settings,
        shutdown: CancellationToken,
    ) -> anyhow::Result<sqs_consumer::Snapshot> {
        let (consumer, handler) = command_worker(
            self.store.clone(),
            &self.clients.sqs,
            &self.queues,
            settings,
        )?;
        self.vitals.watch_commands(consumer.monitor(), settings);
        Box::pin(consumer.run(handler, shutdown))
            .await
            .context("the command worker has ended")
    }

    /// Runs the stream processor until `shutdown` fires, then drains it.
    ///
    /// # Errors
    /// Returns why it could not start.
    pub async fn run_streams(
        &self,
        settings: &Settings,
        shutdown: CancellationToken,
    ) -> anyhow::Result<dynamo_streams::Snapshot> {
        let workers = stream_workers(
            &self.clients,
            self.store.clone(),
            &self.names.tables,
            &self.queues,
            settings,
        )?;
        let monitor = workers.processor.monitor();
        self.vitals.watch_streams(monitor, settings);
        let stop = shutdown.child_token();
        let repair = workers.repair.run(stop.clone());
        let processor = async {
            let ended = workers.processor.run(workers.handler, shutdown).await;
            stop.cancel();
            ended
        };
        let (ended, ()) = Box::pin(async { tokio::join!(processor, repair) }).await;
        ended.context("the stream processor has not started")
    }
}

/// Returns settings for a stack on this machine, where a request costs next to nothing and one process has it to itself.
///
/// Reactions follow within a tenth of a second; after a kill a restarted processor has the shards of its former self within
/// five seconds; a drain waits a second at most for the poll in flight.
pub fn local_settings() -> Settings {
    let mut settings = Settings::default();
    settings.commands.wait_time = Duration::from_secs(1);
    settings.commands.retry.first_delay = Duration::from_secs(1);
    settings.commands.settle_linger = Duration::from_millis(20);
    settings.sender.linger = Duration::from_millis(2);
    let streams = &mut settings.streams;
    streams.poll_interval = Duration::from_millis(50);
    streams.idle_poll_interval = Duration::from_millis(100);
    streams.checkpoint_interval = Duration::from_secs(1);
    streams.heartbeat_interval = Duration::from_secs(1);
    streams.lease_duration = Duration::from_secs(4);
    streams.sync_interval = Duration::from_millis(500);
    streams.list_shards_interval = Duration::from_secs(5);
    settings
}
