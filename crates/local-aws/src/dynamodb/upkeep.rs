//! What the clock does: expired items, tokens and stream records go, shards are replaced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dynoxide::Database;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::tokens;
use crate::Pace;
use crate::ledger::Ledger;
use crate::streams;

/// Upkeep takes at most one part in so many of the time: removing expired items reads whole tables.
const SHARE_OF_TIME: u32 = 50;

/// Does the upkeep every so often until `stop`.
pub(super) fn spawn(
    database: Database,
    ledger: Arc<Ledger>,
    pace: Pace,
    stop: CancellationToken,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut pause = pace.upkeep_every;
        while stop
            .run_until_cancelled(tokio::time::sleep(pause))
            .await
            .is_some()
        {
            let (database, ledger, of) = (database.clone(), Arc::clone(&ledger), pace.clone());
            let done = tokio::task::spawn_blocking(move || run(&database, &ledger, &of)).await;
            pause = done.map_or(pace.upkeep_every, |took| {
                pace.upkeep_every.max(took.saturating_mul(SHARE_OF_TIME))
            });
        }
    })
}

/// Does all that is due and tells how long it took; what fails is tried again the next time.
fn run(database: &Database, ledger: &Ledger, pace: &Pace) -> Duration {
    let begun = Instant::now();
    if let Err(error) = database.sweep_ttl() {
        tracing::warn!(error = %error, "expired items could not be removed");
    }
    if let Err(error) = streams::tidy(ledger, pace) {
        tracing::warn!(error = ?error, "streams could not be tidied");
    }
    if let Err(error) = tokens::purge(ledger, tokens::since_epoch()) {
        tracing::warn!(error = ?error, "expired request tokens could not be removed");
    }
    begun.elapsed()
}
