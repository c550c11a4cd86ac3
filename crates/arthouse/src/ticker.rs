//! How far a long run is: a line on stderr that is written over, on a terminal only.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Runs that are over sooner show nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time between two lines.
const INTERVAL: Duration = Duration::from_millis(200);

static SILENT: AtomicBool = AtomicBool::new(false);

/// Lets this process show no progress.
pub(crate) fn silence() {
    SILENT.store(true, Ordering::Relaxed);
}

/// Shows a line now and then; takes it away in the end.
#[derive(Debug)]
pub(crate) struct Ticker {
    /// When the next line is due; nothing if nobody would see it.
    due: Option<Mutex<Instant>>,
}

impl Ticker {
    pub(crate) fn start() -> Self {
        let due = || Mutex::new(Instant::now() + PATIENCE);
        let is_seen = io::stderr().is_terminal() && !SILENT.load(Ordering::Relaxed);
        Self {
            due: is_seen.then(due),
        }
    }

    /// Shows lines, each when it is time for one; never ends.
    pub(crate) async fn follow(&self, line: impl Fn() -> String) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            self.show(&line);
        }
    }

    /// Shows a line if it is time for one.
    pub(crate) fn show(&self, line: impl FnOnce() -> String) {
        let Some(due) = &self.due else {
            return;
        };
        let mut due = due.lock().unwrap_or_else(PoisonError::into_inner);
        if *due <= Instant::now() {
            *due = Instant::now() + INTERVAL;
            write(&line());
        }
    }

    /// Takes the line away, so that something else can be written there.
    pub(crate) fn clear(&self) {
        if self.due.is_some() {
            write("");
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.clear();
    }
}

fn write(line: &str) {
    let mut stderr = io::stderr().lock();
    // A line that can't be shown is no loss.
    let _lost = write!(stderr, "\r{line}\x1b[K").and_then(|()| stderr.flush());
}
