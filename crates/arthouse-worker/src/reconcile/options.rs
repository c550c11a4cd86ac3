use std::num::NonZeroU32;

use arthouse_core::{Reaction, Timestamp};
use arthouse_store::{StoreError, SweepCounts, Unreadable};

/// How tables are reconciled.
#[derive(Debug, Clone)]
pub struct ReconcileOptions {
    /// Where to begin.
    pub begin: Begin,
    /// Tell again what has happened since then, by the queue's clock. Without it: since the earliest gap of the streams that nobody has
    /// repaired; where there is none, nothing is told again.
    pub since: Option<Timestamp>,
    /// The most applications and enrolments that are looked at in a second.
    pub students_per_second: NonZeroU32,
    /// Look and write nothing; it can't be resumed.
    pub dry_run: bool,
}

impl Default for ReconcileOptions {
    fn default() -> Self {
        Self {
            begin: Begin::Anew,
            since: None,
            students_per_second: NonZeroU32::new(100).expect("not zero"),
            dry_run: false,
        }
    }
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At the beginning of the table.
    Anew,
    /// Where the last sweep was stopped or died, and as it was begun; there must be one.
    Resume,
    /// There, if there is one; else at the beginning.
    ResumeOrAnew,
}

/// What has become of a reaction that the tables call for.
#[derive(Debug)]
pub enum ReconcileStep<'a> {
    /// It would be carried out, were this no dry run.
    Due(&'a Reaction),
    /// It was carried out.
    Done(&'a Reaction),
    /// The tables contradict it; why.
    Failed(&'a Reaction, String),
    /// An item can't be read, so that it is not known what it calls for.
    Unreadable(&'a Unreadable),
}

/// Follows a reconciliation.
pub trait ReconcileObserver: Sync {
    /// Learns of each reaction.
    fn step(&self, _step: &ReconcileStep<'_>) {}

    /// Learns how far it is, after each page.
    fn progress(&self, _counts: &SweepCounts) {}
}

/// Follows nothing.
impl ReconcileObserver for () {}

/// What a reconciliation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconcileReport {
    /// What it did, or in a dry run would have done; with what was done before it was resumed.
    pub counts: SweepCounts,
    /// Since when it told again what has happened.
    pub since: Option<Timestamp>,
    /// Whether it went over all of the table; else it can be resumed.
    pub finished: bool,
    /// How many gaps of the streams it has repaired.
    pub gaps_repaired: usize,
}

/// Why a reconciliation did not begin, or did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// Another one is under way.
    #[error("another reconciliation is under way: {owner}, last heard of at {saved_at}")]
    Busy {
        /// Who carries it out.
        owner: String,
        /// When it last said how far it is.
        saved_at: Timestamp,
    },
    /// There is none that was stopped on the way.
    #[error("there is no reconciliation to resume")]
    NothingToResume,
    /// Another one went on with this one, which seemed dead.
    #[error("another reconciliation has taken over")]
    TakenOver,
    /// The tables could not be read or written.
    #[error("the tables can't be reached")]
    Store(#[from] StoreError),
    /// A reaction could not be carried out, but may be later.
    #[error("a reaction did not take place: {0}")]
    Reaction(String),
    /// The table of leases could not be read or written.
    #[error("the table of leases can't be reached")]
    Leases(#[from] dynamo_streams::Error),
}
