//! Derives the same reactions as the stream processor from the tables, and so repairs what the streams have lost.
//!
//! Records show sessions that were never initialised and charges that were never made; these are written. Records don't show which
//! notifications were sent, so they are sent again only for a time in which some may have been lost: since a gap, or since a given time.

mod gap_repair;
mod options;
mod pages;
mod run;

pub use gap_repair::GapRepair;
pub use options::{
    Begin, ReconcileError, ReconcileObserver, ReconcileOptions, ReconcileReport, ReconcileStep,
};

use arthouse_core::Timestamp;
use arthouse_store::{Store, SweepCause};
use chrono::{DateTime, Utc};
use dynamo_streams::{GapRecord, Operations};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{Clock, ReactionHandler};

/// How long before its detection a gap without a start may have lost records: the maximum retention of a queue.
const UNKNOWN_GAP_DAYS: i64 = 14;

/// Runs reactions over the tables. One sweep at a time runs in a deployment; its state is in the table of leases.
#[derive(Debug, Clone)]
pub struct Reconciler {
    store: Store,
    handler: ReactionHandler,
    operations: Operations,
    clock: Clock,
    owner: String,
}

impl Reconciler {
    /// Makes a reconciler that carries out reactions as the stream processor does.
    pub(crate) fn new(
        store: Store,
        handler: ReactionHandler,
        operations: Operations,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            handler,
            operations,
            clock,
            owner: format!("{:016x}", fastrand::u64(..)),
        }
    }

    /// Carries out the reactions that the applications and enrolments call for, until the whole table is covered or `stop` fires. It can be
    /// repeated, and run beside the other programs.
    ///
    /// At its end it acknowledges the gaps that were known at its start, if it sent all notifications that they may have lost.
    ///
    /// # Errors
    /// Returns why it could not start, or the failure that interrupted it; it can then be resumed.
    pub async fn run(
        &self,
        options: &ReconcileOptions,
        observer: &impl ReconcileObserver,
        stop: &CancellationToken,
    ) -> Result<ReconcileReport, ReconcileError> {
        let gaps = self.operations.gaps().await?;
        let since = options.since.or_else(|| earliest(&gaps));
        if options.dry_run {
            return self.look(since, options, observer, stop).await;
        }
        let cause = SweepCause::Asked;
        self.sweep(cause, since, gaps, options, observer, stop)
            .await
    }

    /// Repairs what the gaps of the streams may have lost, and resumes a repair that was stopped or whose process died. Returns `None` if
    /// there is no gap.
    ///
    /// # Errors
    /// The same.
    pub async fn repair_gaps(
        &self,
        stop: &CancellationToken,
    ) -> Result<Option<ReconcileReport>, ReconcileError> {
        let gaps = self.operations.gaps().await?;
        let Some(since) = earliest(&gaps) else {
            return Ok(None);
        };
        info!(gaps = gaps.len(), %since, "repairing gaps of the streams");
        let options = ReconcileOptions {
            begin: Begin::ResumeOrAnew,
            ..ReconcileOptions::default()
        };
        let cause = SweepCause::Gap;
        let report = self.sweep(cause, Some(since), gaps, &options, &(), stop);
        Ok(Some(report.await?))
    }
}

/// Returns the time since which notifications may have been lost, if there are gaps.
fn earliest(gaps: &[GapRecord]) -> Option<Timestamp> {
    gaps.iter().map(lost_since).min()
}

fn lost_since(gap: &GapRecord) -> Timestamp {
    let utc = DateTime::<Utc>::from;
    let unknown = || utc(gap.detected_at) - chrono::TimeDelta::days(UNKNOWN_GAP_DAYS);
    Timestamp::from(gap.since.map_or_else(unknown, utc))
}
