//! The start of a daemon: it waits, with back-off, for what it needs.

use std::time::{Duration, Instant};

use anyhow::Result;
use arthouse_worker::{ClientsError, Limits, QueueError, chain};
use aws_credential_types::provider::error::CredentialsError;
use clap::Args;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::duration;
use crate::deployment::Deployment;
use crate::{Exit, Stack};

/// How a daemon starts.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Start {
    /// How long queues and tables that do not exist may still be made; 0s ends at once. Services that don't answer are waited for without end
    #[arg(long, env = "ARTHOUSE_START_TIMEOUT", value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    start_timeout: Duration,
}

/// The pauses between attempts: doubled from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl Start {
    /// Finds a deployment.
    pub(super) async fn stack(
        self,
        deployment: &Deployment,
        shutdown: &CancellationToken,
    ) -> Result<Option<Stack>> {
        let find = async || {
            let found = Box::pin(deployment.stack(Limits::Daemon));
            shutdown.run_until_cancelled(found).await.transpose()
        };
        self.until_up(shutdown, find).await
    }

    /// Calls until it succeeds, and logs what is waited for. Returns nothing if `shutdown` fires before; an attempt that is under way hears
    /// that itself.
    ///
    /// # Errors
    /// Returns an invalid setting at once, and what is still missing once its time is over.
    pub(super) async fn until_up<T>(
        self,
        shutdown: &CancellationToken,
        mut attempt: impl AsyncFnMut() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match attempt().await {
                Ok(ended) => return Ok(ended),
                Err(error) => error,
            };
            let in_vain = is_missing(&error) && began.elapsed() + pause > self.start_timeout;
            if in_vain || is_misconfigured(&error) {
                return Err(error);
            }
            warn!(
                error = chain(error.as_ref()),
                retry_in_ms = pause.as_millis(),
                "can't start yet"
            );
            let slept = shutdown.run_until_cancelled(tokio::time::sleep(pause));
            if slept.await.is_none() {
                return Ok(None);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Whether what the process was given is not right, which does not change while it runs.
fn is_misconfigured(error: &anyhow::Error) -> bool {
    let invalid = |error| matches!(error, &CredentialsError::InvalidConfiguration(_));
    Exit::of(error) == Exit::BadInput
        || error.is::<ClientsError>()
        || credentials_error(error).is_some_and(invalid)
}

/// Returns why a request had no credentials.
fn credentials_error(error: &anyhow::Error) -> Option<&CredentialsError> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

/// Whether something that must exist does not, which no retry mends by itself.
fn is_missing(error: &anyhow::Error) -> bool {
    // A machine that has just booted may be asked for its role's credentials too early.
    let none_yet = |error| matches!(error, &CredentialsError::CredentialsNotLoaded(_));
    credentials_error(error).is_some_and(none_yet)
        || error.chain().any(|cause| {
            matches!(cause.downcast_ref(), Some(QueueError::Missing(_)))
                || matches!(
                    cause.downcast_ref(),
                    Some(
                        dynamo_streams::Error::NotFound { .. }
                            | dynamo_streams::Error::NoStream { .. }
                    )
                )
        })
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use tokio::time::Instant as Clock;

    use super::*;

    async fn start(
        timeout: u64,
        shutdown: &CancellationToken,
        attempt: impl AsyncFnMut() -> Result<Option<u32>>,
    ) -> Result<Option<u32>> {
        let start = Start {
            start_timeout: Duration::from_secs(timeout),
        };
        start.until_up(shutdown, attempt).await
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_tried_again_with_longer_pauses() {
        let (began, never) = (Clock::now(), CancellationToken::new());
        let mut at = Vec::new();
        let up = start(0, &never, async || {
            at.push(began.elapsed().as_millis());
            if at.len() < 8 {
                return Err(anyhow!("no answer"));
            }
            Ok(Some(7))
        });
        assert_eq!(up.await.unwrap(), Some(7));
        assert_eq!(at, [0, 500, 1500, 3500, 7500, 15500, 25500, 35500]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_ends_a_pause() {
        let shutdown = CancellationToken::new();
        let fired = shutdown.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            fired.cancel();
        });
        let began = Clock::now();
        let up = start(30, &shutdown, async || Err(anyhow!("no answer")));
        assert_eq!(up.await.unwrap(), None);
        assert_eq!(began.elapsed().as_millis(), 100);
    }

    #[tokio::test]
    async fn what_is_missing_is_told_once_its_time_is_over_and_what_is_invalid_at_once() {
        let never = CancellationToken::new();
        let missing = || QueueError::Missing("commands".to_owned()).into();
        let told = start(0, &never, async || Err(missing())).await.unwrap_err();
        assert!(told.to_string().contains("commands"), "{told}");
        let nowhere = || CredentialsError::not_loaded("no providers").into();
        let told = start(0, &never, async || Err(nowhere())).await.unwrap_err();
        assert!(told.is::<CredentialsError>(), "{told}");
        let login = || CredentialsError::invalid_configuration("sso").into();
        let told = start(30, &never, async || Err(login())).await.unwrap_err();
        assert!(told.is::<CredentialsError>(), "{told}");
        let invalid = || crate::exit::Failure::BadInput("port".to_owned()).into();
        let told = start(30, &never, async || Err(invalid()))
            .await
            .unwrap_err();
        assert_eq!(told.to_string(), "port");
    }
}
