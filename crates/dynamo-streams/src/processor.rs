//! The processor: reads streams, shares their shards with its fellows, calls the handler.

pub(crate) mod setup;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::batch::BatchProcessor;
use crate::coordinator::Coordinator;
use crate::error::Error;
use crate::figures::{Counts, Figures, Monitor};
use crate::handler::RecordHandler;
use crate::heartbeat;
use crate::lease_table::LeaseTable;
use crate::lineage::unseen::Unseen;
use crate::observer::{Observer, Unobserved};
use crate::sdk_client::{bounded_dynamo, bounded_streams};
use crate::settings::Settings;
use crate::shard::work::Shared;
use crate::source::{AwsSource, StreamSource};
use crate::store::{LeaseStore, ParkedStore};
use setup::Setup;

/// Reads the streams of tables and calls a handler for every record.
///
/// Several processors of one application share the shards through their lease table.
#[derive(Debug)]
pub struct Processor {
    source: AwsSource,
    store: LeaseTable,
    setup: Setup,
}

/// Gathers what a [`Processor`] needs.
#[derive(Debug)]
pub struct ProcessorBuilder {
    streams_client: aws_sdk_dynamodbstreams::Client,
    dynamo_client: aws_sdk_dynamodb::Client,
    lease_table: Option<String>,
    application: Option<String>,
    setup: Setup,
}

/// What a processor did, told at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Counts since the processor was made.
    pub counts: Counts,
}

impl Processor {
    /// Begins a processor that reads through these clients.
    pub fn builder(
        streams_client: aws_sdk_dynamodbstreams::Client,
        dynamo_client: aws_sdk_dynamodb::Client,
    ) -> ProcessorBuilder {
        ProcessorBuilder {
            streams_client,
            dynamo_client,
            lease_table: None,
            application: None,
            setup: Setup {
                tables: Vec::new(),
                worker: format!("worker-{:08x}", fastrand::u32(..)),
                settings: Settings::default(),
                observer: Arc::new(Unobserved),
                figures: Arc::default(),
            },
        }
    }

    /// Shows the processor's figures, also while it runs.
    pub fn monitor(&self) -> Monitor {
        Monitor(Arc::clone(&self.setup.figures))
    }

    /// Reads until `shutdown` fires; then stops reading, lets running handlers end within the grace,
    /// writes the last checkpoints and gives the shards to its fellows.
    ///
    /// Fails only at the start: if the lease table can't be reached, or a table has no stream. Other
    /// failures are logged and overcome. A dropped future leaves its leases to expire.
    pub async fn run<H: RecordHandler>(
        self,
        handler: H,
        shutdown: CancellationToken,
    ) -> Result<Summary, Error> {
        run(self.source, self.store, self.setup, handler, shutdown).await
    }

    /// Makes it handle batches of records that somebody else reads from the streams and keeps the
    /// checkpoint of, as AWS Lambda's event source mapping does.
    pub fn into_batches(self) -> BatchProcessor {
        BatchProcessor::new(self.store, self.setup)
    }
}

impl ProcessorBuilder {
    /// Adds the stream of a table; call it once a table.
    #[must_use]
    pub fn stream_of_table(mut self, table: impl Into<String>) -> Self {
        self.setup.tables.push(table.into());
        self
    }

    /// Names the lease table; see [`create_lease_table`](crate::lease_table::create_lease_table).
    #[must_use]
    pub fn lease_table(mut self, name: impl Into<String>) -> Self {
        self.lease_table = Some(name.into());
        self
    }

    /// Names the application: processors of one name share shards and checkpoints, those of different
    /// names each read everything. It may not contain `#`.
    #[must_use]
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.application = Some(name.into());
        self
    }

    /// Names this worker in the lease table; random if it is not called. Each run adds a random ending,
    /// so that a restarted worker is not taken for its former self.
    #[must_use]
    pub fn worker_id(mut self, id: impl Into<String>) -> Self {
        self.setup.worker = id.into();
        self
    }

    /// Sets limits and rhythms.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.setup.figures = Arc::new(Figures::new(settings.wall_clock.clone()));
        self.setup.settings = settings;
        self
    }

    /// Sets the hooks.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.setup.observer = observer;
        self
    }

    /// Checks what was gathered; fails with [`Error::Configuration`].
    pub fn build(self) -> Result<Processor, Error> {
        self.setup.settings.check()?;
        let missing = |what: &str| Error::Configuration(format!("{what} is missing"));
        if self.setup.tables.is_empty() {
            return Err(missing("the table whose stream to read"));
        }
        let lease_table = self.lease_table.ok_or_else(|| missing("the lease table"))?;
        let application = self.application.ok_or_else(|| missing("the application"))?;
        Ok(Processor {
            source: AwsSource::new(bounded_streams(&self.streams_client)),
            store: LeaseTable::new(
                bounded_dynamo(&self.dynamo_client),
                &lease_table,
                &application,
            )?,
            setup: self.setup,
        })
    }
}

/// Runs a processor over any ports.
pub(crate) async fn run<S, L, H>(
    source: S,
    store: L,
    setup: Setup,
    handler: H,
    shutdown: CancellationToken,
) -> Result<Summary, Error>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: RecordHandler,
{
    let me = format!("{}/{:08x}", setup.worker, fastrand::u32(..));
    let figures = Arc::clone(&setup.figures);
    let shared = Arc::new(Shared {
        source,
        store,
        handler,
        observer: setup.observer,
        handlers: Arc::new(Semaphore::new(setup.settings.concurrent_handlers)),
        settings: setup.settings,
        figures: Arc::clone(&figures),
        unseen: Unseen::default(),
    });
    figures.register();
    info!(worker = me, "a stream processor begins");
    let began = Instant::now();
    heartbeat::beat(&shared, &me, 1).await?;
    let fence = heartbeat::raised();
    let mut heart = JoinSet::new();
    heart.spawn(heartbeat::run(
        Arc::clone(&shared),
        me.clone(),
        Arc::clone(&fence),
        began,
    ));
    let mut coordinator = Coordinator::new(shared, setup.tables, me, fence);
    coordinator.begin().await?;
    coordinator.run(&shutdown).await;
    heart.shutdown().await;
    info!("a stream processor ends");
    Ok(Summary {
        counts: figures.snapshot().counts,
    })
}
