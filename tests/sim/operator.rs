//! An operator who has the tables reconciled beside everything else, as `arthouse reconcile` does.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arthouse_core::Timestamp;
use arthouse_worker::{Begin, ReconcileError, ReconcileOptions, Reconciler};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long an operator waits when another reconciliation is under way.
const PATIENCE: Duration = Duration::from_secs(20);

/// What an operator is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errand {
    /// How often the tables are to be reconciled.
    pub(crate) runs: u32,
    /// How long to wait before each run.
    pub(crate) pause: Duration,
    /// Since when to tell again; if it is not said, the program decides.
    pub(crate) since: Option<Timestamp>,
    pub(crate) students_per_second: NonZeroU32,
}

/// How far an operator is. The process may die, and the operator remembers.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    errand: Errand,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    finished: u32,
    /// Whether a run was begun and has not come to its end.
    under_way: bool,
    resumed: u32,
}

impl Operator {
    pub(crate) fn new(errand: Errand) -> Self {
        Self {
            errand,
            state: Arc::default(),
        }
    }

    pub(crate) fn is_through(&self) -> bool {
        self.state().finished >= self.errand.runs
    }

    /// Whether a run was begun and has not come to its end.
    pub(crate) fn is_at_work(&self) -> bool {
        self.state().under_way
    }

    /// How often a run was gone on with.
    pub(crate) fn resumed(&self) -> u32 {
        self.state().resumed
    }

    /// Goes on with the errand until it is through, something fails or `shutdown` fires; then it is to be called again.
    pub(crate) async fn work(
        &self,
        reconciler: &Reconciler,
        shutdown: &CancellationToken,
    ) -> Result<(), ReconcileError> {
        while !self.is_through() && !shutdown.is_cancelled() {
            let resumes = self.state().under_way;
            let pause = if resumes {
                Duration::ZERO
            } else {
                self.errand.pause
            };
            if shutdown.run_until_cancelled(sleep(pause)).await.is_none() {
                return Ok(());
            }
            self.state().under_way = true;
            let ran = reconciler.run(&self.options(resumes), &(), shutdown).await;
            match ran {
                Ok(report) if report.finished => self.finished(resumes),
                Ok(_) => {}
                // It died before it had begun, or somebody else went on with it.
                Err(ReconcileError::NothingToResume) => self.state().under_way = false,
                Err(ReconcileError::Busy { .. }) => {
                    self.state().under_way = resumes;
                    shutdown.run_until_cancelled(sleep(PATIENCE)).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn options(&self, resumes: bool) -> ReconcileOptions {
        ReconcileOptions {
            begin: if resumes { Begin::Resume } else { Begin::Anew },
            since: self.errand.since.filter(|_| !resumes),
            students_per_second: self.errand.students_per_second,
            dry_run: false,
            incremental: false,
        }
    }

    fn finished(&self, resumed: bool) {
        let mut state = self.state();
        state.finished += 1;
        state.under_way = false;
        state.resumed += u32::from(resumed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics with it")
    }
}
