use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{ReconcileError, Reconciler};
use crate::chain;

/// How often a stream processor looks for gaps that nobody repairs: those of a process that died. It costs one query of an empty
/// partition.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

/// Repairs what the streams have lost, beside a stream processor: as soon as a gap is found, and at the start what was left undone.
#[derive(Debug)]
pub struct GapRepair {
    reconciler: Reconciler,
    found: Arc<Notify>,
}

impl GapRepair {
    pub(crate) fn new(reconciler: Reconciler, found: Arc<Notify>) -> Self {
        Self { reconciler, found }
    }

    /// Repairs until `shutdown` fires; what is then under way is gone on with by the next stream processor. A gap record stays until
    /// its repair is through, so that nothing is lost with a process, and repairs never stack up: one at a time, and after it another
    /// one if there are gaps that were found meanwhile.
    pub async fn run(&self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            match self.reconciler.repair_gaps(&shutdown).await {
                // There may be more by now.
                Ok(Some(report)) if report.finished && report.gaps_repaired > 0 => continue,
                Ok(Some(_) | None) => {}
                Err(ReconcileError::Busy { owner, .. }) => {
                    info!(owner, "another reconciliation is under way");
                }
                Err(error) => error!(
                    error = chain(&error),
                    "what the streams have lost is not repaired yet"
                ),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.found.notified() => {}
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
    }
}
