use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arthouse_store::Store;
use arthouse_worker::Settings;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::verdict::{Reading, Sign};

/// Where the signs of life of a process come together. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Vitals(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    born: Instant,
    commands: Option<Commands>,
    streams: Option<Streams>,
    tables: Option<Tables>,
    was_ready: bool,
}

#[derive(Debug)]
struct Commands {
    monitor: sqs_consumer::Monitor,
    began: Instant,
    longest: Duration,
}

#[derive(Debug)]
struct Streams {
    monitor: dynamo_streams::Monitor,
    longest: Duration,
}

#[derive(Debug, Default)]
struct Tables {
    reached: Option<Instant>,
}

/// The time between two looks at the tables: 8,640 reads of half a unit each a table and day.
const TABLES_EVERY: Duration = Duration::from_secs(10);

/// How long a look at the tables may take.
const LOOK: Duration = Duration::from_secs(5);

/// Looks at the tables for as long as it is not dropped.
pub(super) async fn look_at_tables(vitals: &Vitals, store: &Store) {
    loop {
        match timeout(LOOK, store.reach()).await {
            Ok(Ok(())) => vitals.tables_reached(),
            Ok(Err(error)) => warn!(error = &error as &dyn Error, "the tables can't be reached"),
            Err(_) => warn!("the tables don't answer"),
        }
        sleep(TABLES_EVERY).await;
    }
}

impl Default for Vitals {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            born: Instant::now(),
            commands: None,
            streams: None,
            tables: None,
            was_ready: false,
        })))
    }
}

impl Vitals {
    /// Watches a command worker that is about to run.
    pub(super) fn watch_commands(&self, monitor: sqs_consumer::Monitor, settings: &Settings) {
        let commands = &settings.commands;
        // Idle, a poll answers once a `wait_time`; with every handler busy, a heartbeat once half a `visibility_timeout`. Either may fail once.
        let rhythm = commands.wait_time.max(commands.visibility_timeout / 2);
        let longest = rhythm + commands.request_timeout * 2;
        self.state().commands = Some(Commands {
            monitor,
            began: Instant::now(),
            longest,
        });
    }

    /// Watches a stream processor that is about to run.
    pub(super) fn watch_streams(&self, monitor: dynamo_streams::Monitor, settings: &Settings) {
        self.state().streams = Some(Streams {
            monitor,
            longest: settings.streams.lease_duration,
        });
    }

    /// Says that the tables are looked at every [`TABLES_EVERY`].
    pub(super) fn watch_tables(&self) {
        self.state().tables = Some(Tables::default());
    }

    /// Says that the tables were reached just now.
    fn tables_reached(&self) {
        self.state().tables = Some(Tables {
            reached: Some(Instant::now()),
        });
    }

    pub(super) fn read(&self) -> Reading {
        let state = self.state();
        let mut signs = Vec::new();
        signs.extend(state.commands.iter().map(Commands::sign));
        signs.extend(state.streams.iter().flat_map(Streams::signs));
        signs.extend(state.tables.iter().map(Tables::sign));
        Reading {
            up: state.born.elapsed(),
            signs,
        }
    }

    /// Returns whether it was ready once, and keeps that it is now.
    pub(super) fn was_ready(&self, is_ready: bool) -> bool {
        let mut state = self.state();
        state.was_ready |= is_ready;
        state.was_ready
    }

    /// Shows the ages of this moment to the metrics recorder.
    pub(super) fn publish(&self) {
        if let Some(streams) = &self.state().streams {
            streams.monitor.publish();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Commands {
    /// Polling begins with a queue that was just found, and the first answer of an idle one takes a while: so the start counts as one.
    fn sign(&self) -> Sign {
        let figures = self.monitor.snapshot();
        let polls = figures.counters.receive_requests > 0;
        let answered = figures
            .answered_at
            .map_or(self.began, |at| at.max(self.began));
        Sign {
            name: "commands",
            silent: polls.then(|| answered.elapsed()),
            longest: self.longest,
            is_loop: true,
        }
    }
}

impl Streams {
    fn signs(&self) -> [Sign; 3] {
        let figures = self.monitor.snapshot();
        let sign = |name, silent| Sign {
            name,
            silent,
            longest: self.longest,
            is_loop: true,
        };
        // A processor that holds no idle shard has none that stands still.
        let shards = figures.since_shard_read.unwrap_or_default();
        [
            sign("heartbeat", figures.since_heartbeat),
            sign("lease_table", figures.since_lease_table_read),
            sign("shards", Some(shards)),
        ]
    }
}

impl Tables {
    fn sign(&self) -> Sign {
        Sign {
            name: "tables",
            silent: self.reached.map(|at| at.elapsed()),
            longest: TABLES_EVERY * 3,
            is_loop: false,
        }
    }
}
