//! How far a long run is: a line on stderr that is written over, on a terminal only.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Runs that are over sooner show nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time between two lines.
const INTERVAL: Duration = Duration::from_millis(200);

/// Shows a line now and then; takes it away in the end.
#[derive(Debug)]
pub(crate) struct Ticker {
    /// When the next line is due; nothing if nobody would see it.
    due: Option<Mutex<Instant>>,
}

impl Ticker {
    pub(crate) fn start() -> Self {
        let due = || Mutex::new(Instant::now() + PATIENCE);
        Self {
            due: io::stderr().is_terminal().then(due),
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
