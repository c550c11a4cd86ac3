use std::num::NonZeroU32;

use arthouse_core::{Reaction, Timestamp};
use arthouse_store::{StoreError, SweepCounts, Unreadable};

/// The options of a reconciliation.
#[derive(Debug, Clone)]
pub struct ReconcileOptions {
    /// Where to begin.
    pub begin: Begin,
    /// Send notifications again for events since then, by the queue's clock. The default is the earliest unrepaired gap of the streams;
    /// without a gap, none is sent again.
    pub since: Option<Timestamp>,
    /// The maximum of applications and enrolments per second.
    pub students_per_second: NonZeroU32,
    /// Only read, and write nothing; it can't be resumed.
    pub dry_run: bool,
    /// Read only the sessions that have no charge yet, and all eventually consistent: what is missed is found by a later sweep. It makes no
    /// difference if notifications are sent again, which need all sessions.
    pub incremental: bool,
}

impl Default for ReconcileOptions {
    fn default() -> Self {
        Self {
            begin: Begin::Anew,
            since: None,
            students_per_second: NonZeroU32::new(100).expect("not zero"),
            dry_run: false,
            incremental: false,
        }
    }
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At the beginning of the table.
    Anew,
    /// Where the last sweep was stopped or died, with its options; there must be one.
    Resume,
    /// Where the last sweep was stopped or died, if there is one; else at the beginning.
    ResumeOrAnew,
}

/// The result of a reaction that the tables call for.
#[derive(Debug)]
pub enum ReconcileStep<'a> {
    /// It would be carried out; this is a dry run.
    Due(&'a Reaction),
    /// It was carried out.
    Done(&'a Reaction),
    /// It changed nothing, because another process had carried it out since the records were read.
    Unchanged(&'a Reaction),
    /// The tables contradict it, or the queue refuses its message for good; why.
    Failed(&'a Reaction, String),
    /// The first item of no known family; all are passed over.
    Foreign(&'a Unreadable),
    /// An item can't be read, so its reactions are unknown.
    Unreadable(&'a Unreadable),
}

/// Observes a reconciliation.
pub trait ReconcileObserver: Sync {
    /// Called with each reaction.
    fn step(&self, _step: &ReconcileStep<'_>) {}

    /// Called with the counts after each page.
    fn progress(&self, _counts: &SweepCounts) {}
}

/// Observes nothing.
impl ReconcileObserver for () {}

/// The result of a reconciliation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconcileReport {
    /// Its counts, including those before it was resumed; in a dry run, those of what it would do.
    pub counts: SweepCounts,
    /// The time since which it sent notifications again.
    pub since: Option<Timestamp>,
    /// Whether it covered the whole table; else it can be resumed.
    pub finished: bool,
    /// How many gaps of the streams it has repaired: none if anything failed.
    pub gaps_repaired: usize,
}

/// Why a reconciliation did not start, or was interrupted.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// Another one is running.
    #[error("another reconciliation is running: {owner}, last saved at {saved_at}")]
    Busy {
        /// The process that runs it.
        owner: String,
        /// When it last saved its place.
        saved_at: Timestamp,
    },
    /// No reconciliation was interrupted.
    #[error("there is no reconciliation to resume")]
    NothingToResume,
    /// Another process resumed this reconciliation, because it seemed dead.
    #[error("another reconciliation has taken over")]
    TakenOver,
    /// The tables could not be read or written.
    #[error("a table can't be read or written")]
    Store(#[from] StoreError),
    /// A reaction could not be carried out, but may be later.
    #[error("a reaction failed: {0}")]
    Reaction(String),
    /// The table of leases could not be read or written.
    #[error("the table of leases can't be reached")]
    Leases(#[from] dynamo_streams::Error),
}
