use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The time that is reserved for returning unfinished messages and records, and for the response.
pub(crate) const RESERVE: Duration = Duration::from_secs(4);
/// The minimum of working time; with less, nothing would be finished.
const LEAST: Duration = Duration::from_secs(1);

/// When the work of an invocation must end.
#[derive(Debug)]
pub(crate) struct Deadline {
    stop: CancellationToken,
    _watched: DropGuard,
}

/// The function's time-out leaves no time to work in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the function's time-out is too short: it must leave {LEAST:?} beside the {RESERVE:?} kept for the response"
)]
pub(crate) struct TooShort;

impl Deadline {
    /// Starts watching the deadline of an invocation.
    pub(crate) fn of(context: &Context) -> Result<Self, TooShort> {
        let time = work_time(context.deadline(), SystemTime::now())?;
        let (stop, watched) = (CancellationToken::new(), CancellationToken::new());
        let (fire, ended) = (stop.clone(), watched.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = tokio::time::sleep(time) => fire.cancel(),
            }
        });
        Ok(Self {
            stop,
            _watched: watched.drop_guard(),
        })
    }

    /// Fires when unfinished messages and records must be returned.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }
}

fn work_time(deadline: SystemTime, now: SystemTime) -> Result<Duration, TooShort> {
    let remaining = deadline.duration_since(now).unwrap_or_default();
    remaining
        .checked_sub(RESERVE)
        .filter(|time| *time >= LEAST)
        .ok_or(TooShort)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_kept_and_a_time_out_that_leaves_nothing_is_refused() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let after = |seconds| work_time(now + Duration::from_secs(seconds), now);
        assert_eq!(after(30), Ok(Duration::from_secs(26)));
        assert_eq!(after(5), Ok(Duration::from_secs(1)));
        assert_eq!(after(4), Err(TooShort));
        assert_eq!(work_time(now - Duration::from_secs(1), now), Err(TooShort));
    }
}
