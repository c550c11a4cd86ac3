//! A simulated process: the real worker or stream processor on a tokio runtime of its own.
//!
//! A crash drops the runtime with everything that was spawned on it. A frozen process is not run while time passes
//! elsewhere; then its clock jumps, and all its timers are due at once.

use std::time::Duration;

use arthouse::{Clients, Names, Stack};
use arthouse_worker::{Clock, CommandWorker, Settings, StreamWorkers};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime::client::retries::RetryPartition;
use chrono::{DateTime, Utc};
use dynamo_streams::WallClock;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::clock::ProcessClock;
use crate::connector::Connector;
use crate::fault::FREEZE;
use crate::network::{Network, Order};
use crate::operator::Operator;
use crate::probe::Watched;
use crate::zoo::Bug;

/// How long a crashed process is down.
const DOWN: Duration = Duration::from_secs(3);

/// What a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Worker,
    Streams,
    /// Reconciles the tables when it is told to, and ends.
    Operator,
}

/// What a process is for.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) id: u32,
    pub(crate) role: Role,
    pub(crate) bug: Option<Bug>,
    /// Whether a stream processor repairs the gaps that it finds.
    pub(crate) repairs: bool,
    pub(crate) operator: Option<Operator>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: u32,
    pub(crate) role: Role,
    post: Post,
    network: Network,
    process: Option<Process>,
    start_at: Duration,
    frozen_until: Option<Duration>,
    /// Once told to stop it stays down.
    retired: bool,
}

#[derive(Debug)]
struct Process {
    runtime: Runtime,
    clock: ProcessClock,
    halted: Arc<Notify>,
    shutdown: CancellationToken,
    main: JoinHandle<anyhow::Result<()>>,
}

impl Node {
    pub(crate) fn new(post: Post, network: Network) -> Self {
        Self {
            id: post.id,
            role: post.role,
            post,
            network,
            process: None,
            start_at: Duration::ZERO,
            frozen_until: None,
            retired: false,
        }
    }

    /// Whether it runs, or is down for good.
    pub(crate) fn is_well(&self) -> bool {
        self.process.is_some() != self.retired && self.frozen_until.is_none()
    }

    /// Runs the process until so much time has passed in the world.
    pub(crate) fn step(&mut self, from: Duration, to: Duration) {
        if self.process.is_none() && !self.retired && self.start_at <= from {
            self.start(from);
        }
        if self.frozen_until.is_some_and(|until| to < until) {
            return;
        }
        let Some(process) = &self.process else {
            return;
        };
        let thaws = self.frozen_until.take().is_some();
        process.runtime.block_on(async {
            let until = process.clock.instant(to);
            if thaws {
                let jump = until.saturating_duration_since(tokio::time::Instant::now());
                tokio::time::advance(jump).await;
            }
            tokio::select! {
                biased;
                () = process.halted.notified() => {}
                () = sleep_until(until) => {}
            }
        });
        match self.network.take_order(self.id) {
            Some(Order::Crash) => self.crash(to),
            Some(Order::Freeze) => self.frozen_until = Some(to + FREEZE),
            None => self.look_after(to),
        }
    }

    /// Kills the process; it comes back.
    pub(crate) fn crash(&mut self, now: Duration) {
        self.crash_for(now, DOWN);
    }

    /// Kills the process, which is down for so long.
    pub(crate) fn crash_for(&mut self, now: Duration, down: Duration) {
        self.network.end(self.id);
        self.process = None;
        self.frozen_until = None;
        self.start_at = now + down;
    }

    /// Kills the process, which stays down until then, or longer if it was to.
    pub(crate) fn rest(&mut self, until: Duration) {
        let due = self.start_at.max(until);
        self.crash_for(due, Duration::ZERO);
    }

    /// Tells the process to drain and end.
    pub(crate) fn stop(&mut self, for_good: bool) {
        self.retired = for_good;
        if let Some(process) = &self.process {
            process.shutdown.cancel();
        }
    }

    fn start(&mut self, now: Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            // So that whoever halts the process halts it before the next task is run.
            .event_interval(1)
            .build()
            .expect("a runtime without IO");
        let clock = ProcessClock::default();
        let (life, halted) = self.network.begin(self.id);
        let shutdown = CancellationToken::new();
        let connector = Connector {
            network: self.network.clone(),
            clock: clock.clone(),
            node: self.id,
            life,
        };
        runtime.block_on(async { clock.begin(now) });
        let main = runtime.spawn(run(self.post.clone(), connector, shutdown.clone()));
        self.process = Some(Process {
            runtime,
            clock,
            halted,
            shutdown,
            main,
        });
    }

    /// Starts a process anew that has ended by itself.
    fn look_after(&mut self, now: Duration) {
        let Some(process) = self.process.as_mut().filter(|it| it.main.is_finished()) else {
            return;
        };
        let ended = process.runtime.block_on(&mut process.main);
        if let Err(panicked) = ended {
            self.network
                .auditor
                .panicked(&format!("node {}: {panicked}", self.id), now);
        }
        let operator = self.post.operator.as_ref();
        self.retired |= operator.is_some_and(Operator::is_through);
        self.crash(now);
    }
}

async fn run(post: Post, connector: Connector, shutdown: CancellationToken) -> anyhow::Result<()> {
    let network = connector.network.clone();
    let (node, bug) = (post.id, post.bug);
    let settings = settings(&connector.clock);
    let clients = clients(&connector);
    let stack = Stack::find(clients, Names::default()).await?;
    match post.role {
        Role::Worker => {
            let CommandWorker { consumer, handler } = stack.command_worker(&settings)?;
            let handler = Watched::new(handler, network, node, bug, connector.clock.clone());
            CommandWorker { consumer, handler }.run(shutdown).await?;
        }
        Role::Streams => {
            let StreamWorkers {
                processor,
                handler,
                repair,
            } = stack.stream_workers(&settings)?;
            let workers = StreamWorkers {
                processor,
                handler: Watched::new(handler, network, node, bug, connector.clock.clone()),
                repair: repair.filter(|_| post.repairs),
            };
            workers.run(shutdown).await?;
        }
        Role::Operator => {
            let operator = post.operator.expect("an operator has an errand");
            let reconciler = stack.reconciler(&settings)?;
            operator.work(&reconciler, &shutdown).await?;
        }
    }
    Ok(())
}

/// The program's own clients over a simulated connection.
pub(crate) fn clients(connector: &Connector) -> Clients {
    let credentials = Credentials::new("key", "secret", None, None, "simulation");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .time_source(SharedTimeSource::new(connector.clock.clone()))
        .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
        .http_client(connector.clone())
        .build();
    let clients = Clients::new(&config);
    // The quotas of retries are the real process's, and one simulated process is not to use up another's.
    let partition =
        || RetryPartition::custom(format!("{}/{}", connector.node, connector.life)).build();
    let dynamodb = clients.dynamodb.config().to_builder();
    let streams = clients.streams.config().to_builder();
    let sqs = clients.sqs.config().to_builder();
    Clients {
        dynamodb: aws_sdk_dynamodb::Client::from_conf(
            dynamodb.retry_partition(partition()).build(),
        ),
        streams: aws_sdk_dynamodbstreams::Client::from_conf(
            streams.retry_partition(partition()).build(),
        ),
        sqs: aws_sdk_sqs::Client::from_conf(sqs.retry_partition(partition()).build()),
    }
}

/// The program's defaults, with shorter leases, so that a take-over fits into a short simulation.
fn settings(clock: &ProcessClock) -> Settings {
    let mut settings = Settings::default();
    let wall = clock.clone();
    settings.clock = Clock::of(move || DateTime::<Utc>::from(wall.wall()).into());
    let wall = clock.clone();
    let streams = &mut settings.streams;
    streams.wall_clock = WallClock::from_fn(move || wall.wall());
    streams.idle_poll_interval = Duration::from_secs(2);
    streams.checkpoint_interval = Duration::from_secs(2);
    streams.heartbeat_interval = Duration::from_secs(4);
    streams.lease_duration = Duration::from_secs(12);
    streams.sync_interval = Duration::from_secs(3);
    streams.list_shards_interval = Duration::from_secs(20);
    streams.handover_timeout = Duration::from_secs(30);
    settings
}
