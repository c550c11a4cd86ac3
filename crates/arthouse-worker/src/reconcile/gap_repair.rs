use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{ReconcileError, Reconciler};
use crate::chain;

/// How often a stream processor looks for unrepaired gaps, for example of a process that died. It costs one query of an empty
/// partition.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

/// How long after a sweep in which items failed the next one begins. Someone has to correct the items first, and a sweep reads the whole
/// table.
const FAILED_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Repairs gaps of the streams beside a stream processor: at its start, and as soon as it finds one.
#[derive(Debug)]
pub struct GapRepair {
    reconciler: Reconciler,
    found: Arc<Notify>,
}

impl GapRepair {
    pub(crate) fn new(reconciler: Reconciler, found: Arc<Notify>) -> Self {
        Self { reconciler, found }
    }

    /// Repairs until `shutdown` fires; the next stream processor resumes an interrupted repair. A gap record stays until its repair is
    /// complete, so no gap is lost with a process. One repair runs at a time; if gaps were found meanwhile, another one follows.
    pub async fn run(&self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let mut interval = LOOK_INTERVAL;
            match self.reconciler.repair_gaps(&shutdown).await {
                // More gaps may have been found meanwhile, or since the beginning of the sweep that was resumed.
                Ok(Some(report)) if report.finished && report.counts.failed == 0 => continue,
                Ok(Some(report)) if report.finished => interval = FAILED_INTERVAL,
                Ok(Some(_) | None) => {}
                Err(ReconcileError::Busy { owner, .. }) => {
                    info!(owner, "another reconciliation is running");
                }
                Err(error) => error!(
                    error = chain(&error),
                    "gaps of the streams are not repaired yet"
                ),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.found.notified() => {}
                () = tokio::time::sleep(interval) => {}
            }
        }
    }
}
