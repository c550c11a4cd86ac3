//! The processor that an application builds and runs.

pub(crate) mod setup;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::info;

#[cfg(feature = "lambda")]
use crate::batch::BatchProcessor;
use crate::coordinator::driver::Driver;
use crate::error::Error;
use crate::handler::Handler;
use crate::lease_table::LeaseTable;
use crate::lineage::missing::Missing;
use crate::monitor::{Figures, Monitor, Snapshot};
use crate::observer::{NoopObserver, Observer};
use crate::sdk_client::{bounded_dynamo, bounded_streams};
use crate::settings::Settings;
use crate::shard::work::Shared;
use crate::source::StreamSource;
use crate::source::aws::AwsSource;
#[cfg(feature = "lambda")]
use crate::store::Store;
use crate::store::{LeaseStore, ParkedStore};
#[cfg(feature = "testing")]
use crate::testing::FakePorts;
use setup::Setup;

/// Reads the streams of tables and calls a handler for every record.
///
/// Several processors of one application share the shards through their lease table.
#[derive(Debug)]
pub struct Processor {
    ports: Ports,
    setup: Setup,
}

#[derive(Debug)]
enum Ports {
    Aws {
        source: AwsSource,
        store: LeaseTable,
    },
    #[cfg(feature = "testing")]
    Fake(FakePorts),
}

/// Builds a [`Processor`].
#[derive(Debug)]
pub struct ProcessorBuilder {
    service: Service,
    lease_table: Option<String>,
    application: Option<String>,
    setup: Setup,
}

#[derive(Debug)]
enum Service {
    Aws {
        streams: aws_sdk_dynamodbstreams::Client,
        tables: aws_sdk_dynamodb::Client,
    },
    #[cfg(feature = "testing")]
    Fake(FakePorts),
}

impl Processor {
    /// Starts building a processor that reads through these clients.
    #[must_use]
    pub fn builder(
        streams_client: aws_sdk_dynamodbstreams::Client,
        dynamo_client: aws_sdk_dynamodb::Client,
    ) -> ProcessorBuilder {
        ProcessorBuilder::new(Service::Aws {
            streams: streams_client,
            tables: dynamo_client,
        })
    }

    #[cfg(feature = "testing")]
    pub(crate) fn builder_on(ports: FakePorts) -> ProcessorBuilder {
        ProcessorBuilder::new(Service::Fake(ports))
    }

    /// Returns a monitor that reads the figures while the processor runs.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor(Arc::clone(&self.setup.figures))
    }

    /// Runs until `shutdown` fires, then drains: it reads no more, lets handlers finish within `shutdown_timeout`, writes the last checkpoints
    /// and releases its leases, and ends at most five seconds later, whatever is still unanswered. Returns the final figures.
    ///
    /// Dropping the future is like a crash: its leases expire.
    ///
    /// # Errors
    /// Only at the start: if the lease table cannot be reached, or a table has no stream. Later failures are logged and retried.
    pub async fn run<H: Handler>(
        self,
        handler: H,
        shutdown: CancellationToken,
    ) -> Result<Snapshot, Error> {
        match self.ports {
            Ports::Aws { source, store } => run(source, store, self.setup, handler, shutdown).await,
            #[cfg(feature = "testing")]
            Ports::Fake(FakePorts { source, store, .. }) => {
                Box::pin(run(source, store, self.setup, handler, shutdown)).await
            }
        }
    }

    /// Turns it into a processor of batches that AWS Lambda's event source mapping reads and checkpoints.
    #[cfg(feature = "lambda")]
    #[must_use]
    pub fn into_batches(self) -> BatchProcessor {
        let store = match self.ports {
            Ports::Aws { store, .. } => Store::Table(store),
            #[cfg(feature = "testing")]
            Ports::Fake(ports) => Store::Fake(ports.store),
        };
        BatchProcessor::new(store, self.setup)
    }
}

impl ProcessorBuilder {
    fn new(service: Service) -> Self {
        Self {
            service,
            lease_table: None,
            application: None,
            setup: Setup {
                tables: Vec::new(),
                worker: format!("worker-{:08x}", fastrand::u32(..)),
                settings: Settings::default(),
                observer: Arc::new(NoopObserver),
                figures: Arc::default(),
            },
        }
    }

    /// Adds the stream of a table.
    #[must_use]
    pub fn stream_of_table(mut self, table: impl Into<String>) -> Self {
        self.setup.tables.push(table.into());
        self
    }

    /// Sets the name of the lease table; see [`create_lease_table`](crate::lease_table::create_lease_table).
    #[must_use]
    pub fn lease_table(mut self, name: impl Into<String>) -> Self {
        self.lease_table = Some(name.into());
        self
    }

    /// Sets the name of the application. Processors of one name share shards and checkpoints; those of different names each read every
    /// record. It may not contain `#`.
    #[must_use]
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.application = Some(name.into());
        self
    }

    /// Sets the id of this worker in the lease table. The default is random. Each run adds a random suffix, so that a restarted worker is a
    /// new worker.
    #[must_use]
    pub fn worker_id(mut self, id: impl Into<String>) -> Self {
        self.setup.worker = id.into();
        self
    }

    /// Uses these settings instead of the defaults.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.setup.settings = settings;
        self
    }

    /// Sets the hooks.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.setup.observer = observer;
        self
    }

    /// Checks the settings and makes the processor.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`].
    pub fn build(self) -> Result<Processor, Error> {
        let Self {
            service,
            lease_table,
            application,
            mut setup,
        } = self;
        setup.settings.check()?;
        let missing = |setting| Error::InvalidSetting {
            setting,
            value: "none".to_owned(),
            rule: "must be set",
        };
        if setup.tables.is_empty() {
            return Err(missing("stream_of_table"));
        }
        let ports = match service {
            Service::Aws { streams, tables } => {
                let lease_table = lease_table.ok_or_else(|| missing("lease_table"))?;
                let application = application.ok_or_else(|| missing("application"))?;
                let tables = bounded_dynamo(&tables);
                Ports::Aws {
                    source: AwsSource::new(bounded_streams(&streams), tables.clone()),
                    store: LeaseTable::new(tables, &lease_table, &application)?,
                }
            }
            #[cfg(feature = "testing")]
            Service::Fake(ports) => {
                setup.settings.wall_clock = ports.wall_clock.clone();
                Ports::Fake(ports)
            }
        };
        setup.figures = Arc::new(Figures::new(setup.settings.wall_clock.clone()));
        Ok(Processor { ports, setup })
    }
}

/// Runs a processor over any ports.
pub(crate) async fn run<S, L, H>(
    source: S,
    store: L,
    setup: Setup,
    handler: H,
    shutdown: CancellationToken,
) -> Result<Snapshot, Error>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: Handler,
{
    let me = format!("{}/{:08x}", setup.worker, fastrand::u32(..));
    let figures = Arc::clone(&setup.figures);
    let shared = Arc::new(Shared {
        source,
        store,
        handler,
        observer: setup.observer,
        handlers: Arc::new(Semaphore::new(setup.settings.concurrency)),
        settings: setup.settings,
        figures: Arc::clone(&figures),
        missing: Missing::default(),
    });
    figures.register();
    info!(worker = me, "a stream processor starts");
    let ended = Driver::new(shared, setup.tables, me).run(&shutdown).await;
    info!("a stream processor has ended");
    ended.map(|()| figures.snapshot())
}
