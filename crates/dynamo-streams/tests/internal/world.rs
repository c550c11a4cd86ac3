//! A world of streams, one lease table and some workers, with a journal of what the workers did.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::samples::TABLE;
use crate::clock::WallClock;
use crate::error::Error;
use crate::handler::{Context, Disposition, Handler};
use crate::monitor::{Figures, Monitor, Snapshot};
use crate::observer::{GapRecord, Observer, ParkedRecord};
use crate::processor;
use crate::processor::setup::Setup;
use crate::record::Record;
use crate::settings::{RetryPolicy, Settings};
use crate::testing::link::Link;
use crate::testing::memory::Memory;
use crate::testing::streams::Streams;

/// The longest a test waits, on the paused clock.
const PATIENCE: Duration = Duration::from_secs(3_600);

type Refuse = Arc<dyn Fn(&str, u64) -> Option<Disposition> + Send + Sync>;

/// Everything that outlives a worker.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) streams: Streams,
    pub(crate) memory: Memory,
    pub(crate) journal: Journal,
    pub(crate) settings: Settings,
    pub(crate) tables: Vec<String>,
    /// What the handlers answer instead of done.
    pub(crate) refuse: Refuse,
    /// How long a handler takes.
    pub(crate) effort: Duration,
}

/// What the workers did, in the order they did it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal(Arc<Mutex<Notes>>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    /// Each completed reaction: worker, item, number.
    pub(crate) done: Vec<(String, String, u64)>,
    /// Each begun reaction: worker, item, number.
    pub(crate) begun: Vec<(String, String, u64)>,
    pub(crate) parked: Vec<(String, u64, bool)>,
    pub(crate) gaps: Vec<GapRecord>,
}

/// A worker of the world.
pub(crate) struct Worker {
    pub(crate) link: Link,
    pub(crate) monitor: Monitor,
    shutdown: CancellationToken,
    task: JoinHandle<Result<Snapshot, Error>>,
}

impl World {
    /// A world of one stream with one shard.
    pub(crate) fn new() -> Self {
        let streams = Streams::of_one_table();
        let clock = streams.clone();
        Self {
            streams,
            memory: Memory::default(),
            journal: Journal::default(),
            settings: Settings {
                poll_interval: Duration::from_millis(250),
                idle_poll_interval: Duration::from_millis(250),
                checkpoint_interval: Duration::from_secs(1),
                heartbeat_interval: Duration::from_secs(2),
                lease_duration: Duration::from_secs(6),
                sync_interval: Duration::from_secs(1),
                list_shards_interval: Duration::from_secs(5),
                handover_timeout: Duration::from_secs(10),
                shutdown_timeout: Duration::from_secs(3),
                retry: RetryPolicy {
                    max_attempts: 3,
                    ..RetryPolicy::default()
                },
                wall_clock: WallClock::from_fn(move || clock.wall().into()),
                ..Settings::default()
            },
            tables: vec![TABLE.to_owned()],
            refuse: Arc::new(|_, _| None),
            effort: Duration::ZERO,
        }
    }

    /// The same with the settings that users get who change none.
    pub(crate) fn as_delivered() -> Self {
        Self::new().with(|settings| {
            *settings = Settings {
                wall_clock: settings.wall_clock.clone(),
                ..Settings::default()
            };
        })
    }

    pub(crate) fn refusing(
        mut self,
        refuse: impl Fn(&str, u64) -> Option<Disposition> + Send + Sync + 'static,
    ) -> Self {
        self.refuse = Arc::new(refuse);
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub(crate) fn start(&self, name: &str) -> Worker {
        self.start_on(name, Link::sound())
    }

    pub(crate) fn start_on(&self, name: &str, link: Link) -> Worker {
        let handler = self.reactor(name, &link);
        self.start_with(name, link, handler, Watcher(self.journal.clone()))
    }

    /// Starts a worker with a handler and hooks of the test's own.
    pub(crate) fn start_with(
        &self,
        name: &str,
        link: Link,
        handler: impl Handler,
        observer: impl Observer,
    ) -> Worker {
        let figures = Arc::new(Figures::new(self.settings.wall_clock.clone()));
        let setup = Setup {
            tables: self.tables.clone(),
            worker: name.to_owned(),
            settings: self.settings.clone(),
            observer: Arc::new(observer),
            figures: Arc::clone(&figures),
        };
        let shutdown = CancellationToken::new();
        let (source, store) = (self.streams.source(&link), self.memory.store(&link));
        let run = processor::run(source, store, setup, handler, shutdown.clone());
        Worker {
            link,
            monitor: Monitor(figures),
            shutdown,
            task: tokio::spawn(run),
        }
    }

    pub(crate) fn reactor(&self, name: &str, link: &Link) -> Reactor {
        Reactor {
            name: name.to_owned(),
            link: link.clone(),
            world: self.clone(),
        }
    }

    /// Waits until every record that was written was reacted to or parked.
    pub(crate) async fn settled(&self) {
        let written: BTreeSet<u64> = self
            .streams
            .records()
            .iter()
            .map(|(_, record)| number(record))
            .collect();
        self.until("every record is reacted to", || {
            let mut seen = self.journal.done_numbers();
            seen.extend(self.memory.ever_parked());
            written.is_subset(&seen)
        })
        .await;
    }

    /// Waits, on the paused clock, until the condition holds.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let holds = async {
            while !condition() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        if timeout(PATIENCE, holds).await.is_err() {
            panic!(
                "never: {what}; {:#?}; {:#?}",
                self.journal.notes(),
                self.memory.leases()
            );
        }
    }
}

impl Worker {
    /// Stops the worker as SIGTERM does.
    pub(crate) async fn drain(self) -> Snapshot {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap()
    }

    /// The same, for a worker whose start may have failed.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().ok();
    }

    /// Stops the worker as SIGKILL does.
    pub(crate) fn crash(self) {
        self.link.kill();
        self.task.abort();
    }

    /// How the worker's run ended, if it ended by itself.
    pub(crate) async fn ended(self) -> Result<Snapshot, Error> {
        self.task.await.unwrap()
    }
}

/// The handler of the world's workers.
pub(crate) struct Reactor {
    name: String,
    link: Link,
    world: World,
}

impl Handler for Reactor {
    async fn handle(&self, record: &Record, _: &Context) -> Disposition {
        let (item, number) = (item(record), number(record));
        let entry = (self.name.clone(), item.clone(), number);
        self.world
            .journal
            .0
            .lock()
            .unwrap()
            .begun
            .push(entry.clone());
        sleep(self.world.effort).await;
        if let Some(refusal) = (self.world.refuse)(&item, number) {
            return refusal;
        }
        // The reaction's own side effect goes over the worker's line, as its calls do.
        let write = || {
            self.world.journal.0.lock().unwrap().done.push(entry);
            Ok(())
        };
        match self.link.call("reaction", write).await {
            Ok(()) => Disposition::Done,
            Err(error) => Disposition::Retry {
                reason: error.to_string(),
            },
        }
    }
}

struct Watcher(Journal);

impl Observer for Watcher {
    fn on_parked<'a>(&'a self, parked: &'a ParkedRecord) -> BoxFuture<'a, ()> {
        let note = (item(&parked.record), number(&parked.record), parked.behind);
        Box::pin(async move { self.0.0.lock().unwrap().parked.push(note) })
    }

    fn on_gap<'a>(&'a self, gap: &'a GapRecord) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.0.0.lock().unwrap().gaps.push(gap.clone()) })
    }
}

impl Journal {
    pub(crate) fn notes(&self) -> Notes {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn done_numbers(&self) -> BTreeSet<u64> {
        self.0
            .lock()
            .unwrap()
            .done
            .iter()
            .map(|(_, _, number)| *number)
            .collect()
    }

    /// The completed reactions of each item, in their order.
    pub(crate) fn by_item(&self) -> BTreeMap<String, Vec<u64>> {
        let mut items: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (_, item, number) in self.notes().done {
            items.entry(item).or_default().push(number);
        }
        items
    }
}

pub(crate) fn item(record: &Record) -> String {
    record.keys["PK"].as_s().unwrap().clone()
}

pub(crate) fn number(record: &Record) -> u64 {
    record.sequence_number.parse().unwrap()
}

/// Lets time pass.
pub(crate) async fn pass(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

/// Measures, on the paused clock, how long something takes.
pub(crate) async fn time<T>(future: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let output = future.await;
    (output, began.elapsed())
}
