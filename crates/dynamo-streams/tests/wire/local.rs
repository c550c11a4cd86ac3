//! Processors on a service of their own, and handlers that write down what they see.

mod service;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dynamo_streams::{
    Context, Disposition, Error, Handler, Item, Processor, ProcessorBuilder, Record, Settings,
    Snapshot,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use service::{Local, clients};

pub(crate) const LEASES: &str = "Leases";
/// The longest a test waits for a condition.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

impl Local {
    /// Starts the service with the tables and the lease table.
    pub(crate) async fn start(tables: &[&str]) -> Self {
        let local = Self::serve(tables).await;
        dynamo_streams::create_lease_table(&local.dynamo, LEASES)
            .await
            .unwrap();
        local
    }

    pub(crate) fn processor(&self, tables: &[&str]) -> ProcessorBuilder {
        let builder = Processor::builder(self.streams.clone(), self.dynamo.clone())
            .lease_table(LEASES)
            .application("test")
            .settings(brisk());
        tables
            .iter()
            .fold(builder, |builder, table| builder.stream_of_table(*table))
    }
}

/// Rhythms for a test that has no minute to wait.
pub(crate) fn brisk() -> Settings {
    Settings::default()
        .with_poll_interval(Duration::from_millis(20))
        .with_idle_poll_interval(Duration::from_millis(20))
        .with_checkpoint_interval(Duration::from_millis(200))
        .with_heartbeat_interval(Duration::from_millis(200))
        .with_lease_duration(Duration::from_secs(1))
        .with_sync_interval(Duration::from_millis(200))
        .with_list_shards_interval(Duration::from_secs(1))
}

/// A processor in a task of its own.
pub(crate) struct Running {
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<Result<Snapshot, Error>>,
}

impl Running {
    pub(crate) fn start<H: Handler>(processor: ProcessorBuilder, handler: H) -> Self {
        let shutdown = CancellationToken::new();
        let processor = processor.build().unwrap();
        let task = tokio::spawn(processor.run(handler, shutdown.clone()));
        Self { shutdown, task }
    }

    pub(crate) async fn stop(self) -> Snapshot {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap()
    }
}

/// Writes down the versions of every item, in the order they were handled.
#[derive(Clone)]
pub(crate) struct Journal(Arc<watch::Sender<Entries>>);

pub(crate) type Entries = BTreeMap<String, Vec<u64>>;

impl Journal {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Entries::new())))
    }

    pub(crate) fn note(&self, record: &Record) {
        let image = record.new_image.as_ref().unwrap();
        self.0.send_modify(|entries| {
            let item = format!("{}/{}", record.table_name, text(&record.keys, "PK"));
            entries.entry(item).or_default().push(version(image));
        });
    }

    pub(crate) fn entries(&self) -> Entries {
        self.0.borrow().clone()
    }

    /// Waits until the journal is as wanted, and returns it.
    pub(crate) async fn until(&self, wanted: impl FnMut(&Entries) -> bool) -> Entries {
        let mut entries = self.0.subscribe();
        match tokio::time::timeout(PATIENCE, entries.wait_for(wanted)).await {
            Ok(found) => found.unwrap().clone(),
            Err(_) => panic!("never seen: {:?}", self.entries()),
        }
    }

    /// Waits until each item has been seen in each of its versions, up to this one.
    pub(crate) async fn until_versions(&self, items: usize, versions: u64) -> Entries {
        self.until(|entries| {
            entries.len() == items
                && entries
                    .values()
                    .all(|seen| (1..=versions).all(|version| seen.contains(&version)))
        })
        .await
    }
}

impl Handler for Journal {
    async fn handle(&self, record: &Record, _: &Context) -> Disposition {
        self.note(record);
        Disposition::Done
    }
}

/// A handler made of a function that may refuse, with a journal of what it did not refuse.
pub(crate) struct Refusing<F> {
    pub(crate) journal: Journal,
    pub(crate) refuses: F,
}

impl<F> Handler for Refusing<F>
where
    F: Fn(&str, u64) -> Option<Disposition> + Send + Sync + 'static,
{
    async fn handle(&self, record: &Record, _: &Context) -> Disposition {
        let image = record.new_image.as_ref().unwrap();
        match (self.refuses)(&text(&record.keys, "PK"), version(image)) {
            Some(refusal) => refusal,
            None => {
                self.journal.note(record);
                Disposition::Done
            }
        }
    }
}

pub(crate) fn text(item: &Item, name: &str) -> String {
    item[name].as_s().unwrap().clone()
}

pub(crate) fn version(image: &Item) -> u64 {
    image["version"].as_n().unwrap().parse().unwrap()
}

/// Asks until the answer is as wanted.
pub(crate) async fn eventually<T, F: Future<Output = T>>(
    mut ask: impl FnMut() -> F,
    wanted: impl Fn(&T) -> bool,
) -> T {
    let began = Instant::now();
    loop {
        let answer = ask().await;
        if wanted(&answer) {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "the condition never came true");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
