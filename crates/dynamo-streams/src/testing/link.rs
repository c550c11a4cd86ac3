//! The line between one worker and the world: it can fail, stall, freeze and die.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::error::Error;

/// The line of one worker. A frozen line holds calls and answers until it thaws, as a stopped process
/// does; a dead one never answers again.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) state: Arc<watch::Sender<State>>,
    pub(crate) stalled: Arc<watch::Sender<BTreeSet<&'static str>>>,
    faults: Arc<Mutex<Faults>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Up,
    Frozen,
    Dead,
}

/// How often calls fail, in percent: before they are applied, or with their answer lost.
#[derive(Debug)]
pub(crate) struct Faults {
    pub(crate) random: fastrand::Rng,
    pub(crate) percent: u8,
    pub(crate) longest_delay: Duration,
}

/// A line that carries everything at once.
impl Default for Link {
    fn default() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(State::Up)),
            stalled: Arc::default(),
            faults: Arc::new(Mutex::new(Faults {
                random: fastrand::Rng::with_seed(0),
                percent: 0,
                longest_delay: Duration::ZERO,
            })),
        }
    }
}

impl Link {
    pub(crate) fn freeze(&self) {
        self.set(State::Frozen);
    }

    pub(crate) fn thaw(&self) {
        self.set(State::Up);
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a call over, and its answer back.
    pub(crate) async fn call<T>(
        &self,
        operation: &'static str,
        apply: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut stalled = self.stalled.subscribe();
        let passes = stalled.wait_for(|stalled| !stalled.contains(operation));
        drop(passes.await);
        self.cross(operation, "the request was lost").await?;
        let answer = apply();
        self.cross(operation, "the answer was lost").await?;
        answer
    }

    async fn cross(&self, operation: &'static str, fault: &'static str) -> Result<(), Error> {
        let (delay, fails) = {
            let Faults {
                random,
                percent,
                longest_delay,
            } = &mut *self.faults();
            let delay = longest_delay.mul_f64(random.f64());
            (delay, random.u8(0..100) < *percent)
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let mut state = self.state.subscribe();
        let up = state.wait_for(|state| *state == State::Up).await;
        drop(up);
        if fails {
            Err(Error::unavailable(operation, fault))
        } else {
            Ok(())
        }
    }

    fn set(&self, wanted: State) {
        self.state.send_if_modified(|state| {
            let changes = *state != State::Dead && *state != wanted;
            if changes {
                *state = wanted;
            }
            changes
        });
    }
}
