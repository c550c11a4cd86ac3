//! What does not hold.

use std::fmt;
use std::time::Duration;

/// What was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Check {
    /// An invariant by its number in the README, "What always holds".
    Invariant(u8),
    /// A receipt is written once.
    Receipt,
    /// A command is never given up, and what is none always is.
    DeadLetter,
    /// The checkpoint passes only what is finished.
    Checkpoint,
    /// A checkpoint is written only by who holds the lease.
    Fence,
    /// A worker that has left gets no heartbeat any more.
    Ghost,
    /// The records of one item are handled in order.
    ItemOrder,
    /// No record is parked while nothing contradicts it.
    Parked,
    /// Nothing panics.
    Panic,
    /// A gap of a stream is told to whoever is on call, and nothing else is.
    Notice,
    /// What is under way comes to an end.
    Settles,
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) check: Check,
    pub(crate) at: Duration,
    pub(crate) detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}: {}", self.check, self.at, self.detail)
    }
}

#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) found: Vec<Finding>,
}

/// As many findings as are kept: one is enough to fail.
const KEPT: usize = 20;

impl Findings {
    pub(super) fn add(&mut self, check: Check, at: Duration, detail: impl Into<String>) {
        let detail = detail.into();
        let known = self
            .found
            .iter()
            .any(|finding| finding.check == check && finding.detail == detail);
        if !known && self.found.len() < KEPT {
            self.found.push(Finding { check, at, detail });
        }
    }
}
