//! The upkeep at intervals: removes expired items, tokens and stream records, and replaces shards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dynoxide::Database;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{expiry, tokens};
use crate::Pace;
use crate::ledger::Ledger;
use crate::streams;

/// Upkeep takes at most this fraction (1/50) of the time, because removing expired items reads whole tables.
const SHARE_OF_TIME: u32 = 50;

/// Runs the upkeep at intervals until `stop`.
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

/// Runs the upkeep and returns its duration. A failed part is retried at the next interval.
fn run(database: &Database, ledger: &Ledger, pace: &Pace) -> Duration {
    let begun = Instant::now();
    if let Err(error) = expiry::sweep(database, ledger, tokens::since_epoch()) {
        tracing::warn!(error = ?error, "expired items were not removed");
    }
    if let Err(error) = streams::run_upkeep(ledger, pace) {
        tracing::warn!(error = ?error, "upkeep of streams failed");
    }
    if let Err(error) = tokens::purge(ledger, tokens::since_epoch()) {
        tracing::warn!(error = ?error, "expired request tokens were not removed");
    }
    begun.elapsed()
}
