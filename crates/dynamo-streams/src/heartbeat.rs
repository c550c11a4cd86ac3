//! The heartbeat of the worker, independent of handlers and shards, and the fence that is lowered when it fails.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::error::{Error, chain};
use crate::lease::Heartbeat;
use crate::shard::work::Shared;
use crate::store::LeaseStore;

/// The delay before a failed heartbeat is retried.
const RETRY: Duration = Duration::from_secs(1);

/// Separates a worker from its leases: while the fence is down, no lease may be held.
#[derive(Debug, Default)]
pub(crate) struct Fence(Mutex<Option<CancellationToken>>);

impl Fence {
    /// A token that fires when the fence is lowered; none while it is down.
    pub(crate) fn token(&self) -> Option<CancellationToken> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn raise(&self) {
        let mut token = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        token.get_or_insert_default();
    }

    fn lower(&self) {
        let token = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(token) = token {
            token.cancel();
        }
    }
}

/// Writes heartbeats until it is dropped. The first was sent before `began`.
pub(crate) async fn run<S, L: LeaseStore, H>(
    shared: Arc<Shared<S, L, H>>,
    worker: String,
    fence: Arc<Fence>,
    began: Instant,
) {
    let mut beats = 1;
    let mut valid_until = began + shared.settings.self_fence_after();
    let mut due = began + shared.settings.heartbeat_interval;
    loop {
        lower_fence_at(&fence, valid_until, sleep_until(due)).await;
        let asked = Instant::now();
        beats += 1;
        let call = timeout(
            shared.settings.heartbeat_interval,
            write(&shared, &worker, beats),
        );
        match lower_fence_at(&fence, valid_until, call).await {
            Ok(Ok(())) => {
                valid_until = asked + shared.settings.self_fence_after();
                due = asked + shared.settings.heartbeat_interval;
                if Instant::now() < valid_until {
                    fence.raise();
                }
            }
            Ok(Err(error)) => {
                warn!(error = chain(&error), "a heartbeat failed");
                due = Instant::now() + RETRY;
            }
            Err(_) => {
                warn!("a heartbeat was not answered");
                due = Instant::now();
            }
        }
    }
}

/// Writes one heartbeat, with the worker's figures.
pub(crate) async fn write<S, L: LeaseStore, H>(
    shared: &Shared<S, L, H>,
    worker: &str,
    beat: u64,
) -> Result<(), Error> {
    shared.figures.lease_writes();
    let heartbeat = Heartbeat {
        worker: worker.to_owned(),
        beat,
        sent_at: shared.settings.wall_clock.now(),
        figures: shared.figures.publish(),
    };
    shared.store.write_heartbeat(&heartbeat).await?;
    shared.figures.heartbeat_written();
    Ok(())
}

/// Makes a raised fence, after the first heartbeat.
pub(crate) fn raised() -> Arc<Fence> {
    let fence = Fence::default();
    fence.raise();
    Arc::new(fence)
}

/// Awaits the future, and lowers the fence at `valid_until` if the future is not ready before.
async fn lower_fence_at<F: Future>(fence: &Fence, valid_until: Instant, future: F) -> F::Output {
    tokio::pin!(future);
    tokio::select! {
        biased;
        () = sleep_until(valid_until) => {}
        output = &mut future => return output,
    }
    if fence.token().is_some() {
        info!("the heartbeat is too old: every lease is given up");
        fence.lower();
    }
    future.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_fence_is_lowered_when_a_heartbeat_is_not_answered_in_time() {
        let fence = raised();
        let token = fence.token().unwrap();
        let valid_until = Instant::now() + Duration::from_secs(20);
        let late = tokio::time::sleep(Duration::from_secs(60));
        let seen = async {
            let fall = timeout(Duration::from_secs(60), token.cancelled());
            fall.await.expect("it is lowered");
            Instant::now()
        };
        let ((), fell) = tokio::join!(lower_fence_at(&fence, valid_until, late), seen);
        assert_eq!(fell, valid_until);
        assert!(fence.token().is_none());
        fence.raise();
        assert!(!fence.token().unwrap().is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn the_fence_stays_raised_while_heartbeats_are_answered() {
        let fence = raised();
        let valid_until = Instant::now() + Duration::from_secs(20);
        lower_fence_at(
            &fence,
            valid_until,
            tokio::time::sleep(Duration::from_secs(19)),
        )
        .await;
        assert!(!fence.token().unwrap().is_cancelled());
    }
}
