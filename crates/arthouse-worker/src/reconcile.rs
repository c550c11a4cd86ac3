//! The same reactions as the stream processor's, from what the tables hold: whatever the streams have lost is repaired.
//!
//! Records show which sessions were never initialised and which charges never made, and those are made. They don't show what was told,
//! so that notifications are told again only for a time in which some may have been lost: since a gap, or since whenever one says.

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
use dynamo_streams::{GapRecord, Operations};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{Clock, ReactionHandler};

/// How long before a gap was found something may have been lost, where the gap does not say: the longest that anything waits in a queue.
const UNKNOWN_GAP_DAYS: i64 = 14;

/// Runs reactions over the tables. One sweep at a time goes on in a deployment; how far it is lies in the table of leases.
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

    /// Goes over all applications and enrolments and carries out what they call for, until it is through or `stop` fires. It may be
    /// repeated, and run beside everything else.
    ///
    /// Gaps of the streams that were known when it began are acknowledged at its end, if it told again all that they may have lost.
    ///
    /// # Errors
    /// Returns why it could not begin, or what failed on the way; it can then be resumed.
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

    /// Repairs what the gaps of the streams may have lost, if there are any; goes on with a repair that was stopped or whose process
    /// died. Returns nothing if there is nothing to repair.
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
        info!(gaps = gaps.len(), %since, "repairing what the streams have lost");
        let options = ReconcileOptions {
            begin: Begin::ResumeOrAnew,
            ..ReconcileOptions::default()
        };
        let cause = SweepCause::Gap;
        let report = self.sweep(cause, Some(since), gaps, &options, &(), stop);
        Ok(Some(report.await?))
    }
}

/// Returns since when notifications may have been lost, if there are gaps.
fn earliest(gaps: &[GapRecord]) -> Option<Timestamp> {
    gaps.iter().map(lost_since).min()
}

fn lost_since(gap: &GapRecord) -> Timestamp {
    let unknown = || gap.detected_at - chrono::TimeDelta::days(UNKNOWN_GAP_DAYS);
    Timestamp::from(gap.since.unwrap_or_else(unknown))
}
