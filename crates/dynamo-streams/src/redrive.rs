//! Redrive: parked records are handled again, in order, until their items have none.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::attempt::{Ended, PANICKED, TIMED_OUT, attempt};
use crate::clock::WallClock;
use crate::error::{Error, chain};
use crate::handler::{Context, Disposition, Handler};
use crate::item::ItemId;
use crate::observer::ParkedRecord;
use crate::shard::unreadable;
use crate::store::{ParkedItem, ParkedStore};

/// How long a redrive may take over one record before another redrive may claim the item.
const CLAIM: Duration = Duration::from_secs(300);
/// The most parked records of one read.
const MAX_RECORDS_PER_READ: usize = 50;

/// Which items to redrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every item with parked records.
    All,
    /// One item.
    Item(ItemId),
}

/// The result of a redrive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedriveReport {
    /// Items without parked records: their later records are handled as usual.
    pub reopened: Vec<ItemId>,
    /// Items that still have parked records, each with the reason.
    pub remaining: Vec<(ItemId, String)>,
    /// Records whose handler returned `Done`.
    pub records: u64,
}

/// How the redrive of an item ended.
enum ItemEnd {
    Reopened,
    Remains(String),
}

pub(crate) async fn redrive<L: ParkedStore, H: Handler>(
    store: &L,
    handler: &H,
    selection: &Selection,
    shutdown: &CancellationToken,
) -> Result<RedriveReport, Error> {
    let id = format!("redrive-{:016x}", fastrand::u64(..));
    let mut report = RedriveReport::default();
    let wanted = match selection {
        Selection::All => None,
        Selection::Item(item_id) => Some(*item_id),
    };
    for item in store.parked_items(None).await? {
        if shutdown.is_cancelled() {
            break;
        }
        if wanted.is_some_and(|wanted| wanted != item.item_id) {
            continue;
        }
        let end = redrive_item(store, handler, &item, &id, shutdown, &mut report.records).await;
        let end = end.unwrap_or_else(|error| ItemEnd::Remains(chain(&error)));
        match end {
            ItemEnd::Reopened => {
                info!(item = %item.item_id, "an item has no parked records any more");
                report.reopened.push(item.item_id);
            }
            ItemEnd::Remains(reason) => {
                warn!(item = %item.item_id, reason, "an item still has parked records");
                store.release_claim(&item, &id).await?;
                report.remaining.push((item.item_id, reason));
            }
        }
    }
    Ok(report)
}

async fn redrive_item<L: ParkedStore, H: Handler>(
    store: &L,
    handler: &H,
    item: &ParkedItem,
    id: &str,
    shutdown: &CancellationToken,
    records: &mut u64,
) -> Result<ItemEnd, Error> {
    let remains = |reason: &str| Ok(ItemEnd::Remains(reason.to_owned()));
    loop {
        let Some(version) = claim(store, item, id).await? else {
            return remains("another redrive has the item");
        };
        let batch = store
            .parked_records(item.item_id, MAX_RECORDS_PER_READ)
            .await?;
        if batch.is_empty() && store.reopen(item, id, version).await? {
            return Ok(ItemEnd::Reopened);
        }
        for parked in batch {
            if shutdown.is_cancelled() {
                return remains("the redrive was stopped");
            }
            // The claim is renewed before each record, so that no record outlives it.
            if claim(store, item, id).await?.is_none() {
                return remains("another redrive took the item");
            }
            if let Err(reason) = handle(handler, &parked, shutdown).await {
                return Ok(ItemEnd::Remains(reason));
            }
            store
                .remove(item, id, &parked.record.sequence_number)
                .await?;
            *records += 1;
        }
    }
}

async fn claim<L: ParkedStore>(
    store: &L,
    item: &ParkedItem,
    id: &str,
) -> Result<Option<u64>, Error> {
    let now = WallClock::default().now();
    let claim = TimeDelta::from_std(CLAIM).unwrap_or_default();
    store.claim(item, id, now, now + claim).await
}

/// Calls the handler once; an error is the reason for which the record stays parked.
async fn handle<H: Handler>(
    handler: &H,
    parked: &ParkedRecord,
    shutdown: &CancellationToken,
) -> Result<(), String> {
    if let Some(defect) = &parked.record.defect {
        return Err(unreadable(defect));
    }
    let context = Context::new(1, shutdown.child_token());
    // The claim must outlast the attempt and the removal of the record.
    match attempt(handler, &parked.record, &context, CLAIM / 2).await {
        Ended::Dropped => Err("the redrive was stopped".to_owned()),
        Ended::Panicked => Err(PANICKED.to_owned()),
        Ended::TimedOut => Err(TIMED_OUT.to_owned()),
        Ended::Returned(Disposition::Done) => Ok(()),
        Ended::Returned(Disposition::Retry { reason } | Disposition::Park { reason }) => {
            Err(reason)
        }
    }
}
