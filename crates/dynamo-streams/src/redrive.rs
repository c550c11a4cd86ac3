//! Redrive: parked records are handled again, in order, until their items are up to date.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::TimeDelta;
use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::WallClock;
use crate::error::{Error, chain};
use crate::handler::{Disposition, RecordContext, RecordHandler};
use crate::observer::QuarantinedRecord;
use crate::record::LaneId;
use crate::store::{ParkedLane, ParkedStore};

/// How long a redrive may take over one record before another redrive may take the item.
const CLAIM: Duration = Duration::from_secs(300);
/// Parked records read at a time.
const BATCH: usize = 50;

/// Which items to redrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every item in quarantine.
    All,
    /// The items of one table.
    Table(String),
    /// One item.
    Lane(LaneId),
}

/// What came of a redrive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedriveReport {
    /// Items that are up to date again: their later records are handled as usual.
    pub reopened: Vec<LaneId>,
    /// Items that stay in quarantine, each with the reason.
    pub remaining: Vec<(LaneId, String)>,
    /// Records whose handler said done.
    pub records: u64,
}

/// Why an item's redrive ended.
enum LaneEnd {
    Reopened,
    Remains(String),
}

pub(crate) async fn redrive<L: ParkedStore, H: RecordHandler>(
    store: &L,
    handler: &H,
    selection: &Selection,
    shutdown: &CancellationToken,
) -> Result<RedriveReport, Error> {
    let id = format!("redrive-{:016x}", fastrand::u64(..));
    let mut report = RedriveReport::default();
    let (table, wanted) = match selection {
        Selection::All => (None, None),
        Selection::Table(table) => (Some(table.as_str()), None),
        Selection::Lane(lane) => (None, Some(*lane)),
    };
    for lane in store.lanes(table).await? {
        if shutdown.is_cancelled() {
            break;
        }
        if wanted.is_some_and(|wanted| wanted != lane.lane) {
            continue;
        }
        let end = redrive_lane(store, handler, &lane, &id, shutdown, &mut report.records).await;
        let end = end.unwrap_or_else(|error| LaneEnd::Remains(chain(&error)));
        match end {
            LaneEnd::Reopened => {
                info!(lane = %lane.lane, "an item is out of quarantine");
                report.reopened.push(lane.lane);
            }
            LaneEnd::Remains(reason) => {
                warn!(lane = %lane.lane, reason, "an item stays in quarantine");
                store.unclaim(&lane, &id).await?;
                report.remaining.push((lane.lane, reason));
            }
        }
    }
    Ok(report)
}

async fn redrive_lane<L: ParkedStore, H: RecordHandler>(
    store: &L,
    handler: &H,
    lane: &ParkedLane,
    id: &str,
    shutdown: &CancellationToken,
    records: &mut u64,
) -> Result<LaneEnd, Error> {
    loop {
        let Some(version) = claim(store, lane, id).await? else {
            return Ok(LaneEnd::Remains("another redrive has the item".to_owned()));
        };
        let batch = store.parked(lane.lane, BATCH).await?;
        if batch.is_empty() && store.reopen(lane, id, version).await? {
            return Ok(LaneEnd::Reopened);
        }
        for parked in batch {
            if shutdown.is_cancelled() {
                return Ok(LaneEnd::Remains("the redrive was stopped".to_owned()));
            }
            // The claim is renewed before each record, so that no record outlives it.
            if claim(store, lane, id).await?.is_none() {
                return Ok(LaneEnd::Remains("another redrive took the item".to_owned()));
            }
            if let Err(reason) = handle(handler, &parked, shutdown).await {
                return Ok(LaneEnd::Remains(reason));
            }
            store
                .remove(lane, id, &parked.record.sequence_number)
                .await?;
            *records += 1;
        }
    }
}

async fn claim<L: ParkedStore>(
    store: &L,
    lane: &ParkedLane,
    id: &str,
) -> Result<Option<u64>, Error> {
    let now = WallClock::default().now();
    let claim = TimeDelta::from_std(CLAIM).unwrap_or_default();
    store.claim(lane, id, now, now + claim).await
}

/// Calls the handler once; says why the record has to stay.
async fn handle<H: RecordHandler>(
    handler: &H,
    parked: &QuarantinedRecord,
    shutdown: &CancellationToken,
) -> Result<(), String> {
    let token = shutdown.child_token();
    let context = RecordContext::new(1, 0, token.clone());
    let attempt = AssertUnwindSafe(handler.handle(&parked.record, &context)).catch_unwind();
    // The claim must outlast the attempt and the removal that follows it.
    let attempt = tokio::time::timeout(CLAIM / 2, token.run_until_cancelled(attempt));
    match attempt.await {
        Err(_) => Err("the handler took too long".to_owned()),
        Ok(None) => Err("the redrive was stopped".to_owned()),
        Ok(Some(Err(_))) => Err("the handler panicked".to_owned()),
        Ok(Some(Ok(Disposition::Done))) => Ok(()),
        Ok(Some(Ok(Disposition::Retry { reason } | Disposition::Quarantine { reason }))) => {
            Err(reason)
        }
    }
}
