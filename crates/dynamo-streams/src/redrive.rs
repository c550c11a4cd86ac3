//! Redrive: parked records are handled again, in order, until their items have none.
//!
//! A redrive claims the item that it handles. It renews its claim while it works on the item, and stops if it cannot. Another redrive takes a
//! claim over that has not changed for the duration of a claim on its own monotonic clock, as workers do with leases: no clocks of two
//! machines are compared.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::attempt::{Ended, PANICKED, TIMED_OUT, attempt};
use crate::error::{Error, chain};
use crate::handler::{Context, Disposition, Handler};
use crate::item::ItemId;
use crate::observer::ParkedRecord;
use crate::settings::HANDLER_TIMEOUT;
use crate::shard::unreadable;
use crate::store::{ClaimOutcome, ParkedItem, ParkedStore};

/// How long a claim must stay unchanged, on the observer's clock, before it is taken over.
const CLAIM: Duration = Duration::from_secs(25);
/// How long after its last renewal a redrive still acts on its claim.
const SELF_FENCE: Duration = Duration::from_secs(20);
/// The time between two renewals: two may fail.
const RENEWAL: Duration = Duration::from_secs(6);
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

/// What a redrive finds at an item.
enum Claimed {
    /// Its claim, sent at this time, holds.
    Mine(Instant),
    Others,
    NotParked,
    Stopped,
}

pub(crate) async fn redrive<L: ParkedStore, H: Handler>(
    store: &L,
    handler: &H,
    selection: &Selection,
    shutdown: &CancellationToken,
) -> Result<RedriveReport, Error> {
    let redrive = Redrive {
        store,
        handler,
        id: format!("redrive-{:016x}", fastrand::u64(..)),
        shutdown,
    };
    let mut report = RedriveReport::default();
    for item in store.parked_items(None).await? {
        if shutdown.is_cancelled() {
            break;
        }
        if *selection != Selection::All && *selection != Selection::Item(item.item_id) {
            continue;
        }
        let end = redrive.item(&item, &mut report.records).await;
        let end = end.unwrap_or_else(|error| ItemEnd::Remains(chain(&error)));
        match end {
            ItemEnd::Reopened => {
                info!(item = %item.item_id, "an item has no parked records any more");
                report.reopened.push(item.item_id);
            }
            ItemEnd::Remains(reason) => {
                warn!(item = %item.item_id, reason, "an item still has parked records");
                store.release_claim(&item, &redrive.id).await?;
                report.remaining.push((item.item_id, reason));
            }
        }
    }
    Ok(report)
}

struct Redrive<'a, L, H> {
    store: &'a L,
    handler: &'a H,
    id: String,
    shutdown: &'a CancellationToken,
}

impl<L: ParkedStore, H: Handler> Redrive<'_, L, H> {
    async fn item(&self, item: &ParkedItem, records: &mut u64) -> Result<ItemEnd, Error> {
        let remains = |reason: &str| Ok(ItemEnd::Remains(reason.to_owned()));
        let claimed_at = match self.claim(item).await? {
            Claimed::Mine(at) => at,
            Claimed::Others => return remains("another redrive has the item"),
            Claimed::Stopped => return remains("the redrive was stopped"),
            Claimed::NotParked => return Ok(ItemEnd::Reopened),
        };
        tokio::select! {
            biased;
            end = self.records(item, records) => end,
            () = self.keep_claim(item, claimed_at) => {
                remains("the claim of the redrive could not be renewed in time, or another redrive took the item")
            }
        }
    }

    /// Claims an item. A claim of another redrive is watched once for the time of a claim: if it has not changed then, that redrive is dead.
    async fn claim(&self, item: &ParkedItem) -> Result<Claimed, Error> {
        let mut seen = None;
        loop {
            let asked = Instant::now();
            match self.store.claim(item, &self.id, seen.as_ref()).await? {
                ClaimOutcome::Claimed { .. } => return Ok(Claimed::Mine(asked)),
                ClaimOutcome::NotParked => return Ok(Claimed::NotParked),
                ClaimOutcome::Others(_) if seen.is_some() => return Ok(Claimed::Others),
                ClaimOutcome::Others(claim) => seen = Some(claim),
            }
            info!(item = %item.item_id, "another redrive has claimed the item: its claim is watched");
            let watched = self.shutdown.run_until_cancelled(sleep(CLAIM)).await;
            if watched.is_none() {
                return Ok(Claimed::Stopped);
            }
        }
    }

    /// Renews the claim; returns once it is lost, or may be.
    async fn keep_claim(&self, item: &ParkedItem, mut renewed: Instant) {
        let renew = async || loop {
            sleep(RENEWAL).await;
            let asked = Instant::now();
            match self.store.claim(item, &self.id, None).await {
                Ok(ClaimOutcome::Claimed { .. }) => return Some(asked),
                Ok(ClaimOutcome::Others(_) | ClaimOutcome::NotParked) => return None,
                Err(error) => warn!(error = chain(&error), "a claim could not be renewed"),
            }
        };
        while let Ok(Some(asked)) = timeout_at(renewed + SELF_FENCE, renew()).await {
            renewed = asked;
        }
    }

    /// Handles the parked records of a claimed item, the oldest first.
    async fn records(&self, item: &ParkedItem, records: &mut u64) -> Result<ItemEnd, Error> {
        loop {
            let ClaimOutcome::Claimed { version } = self.store.claim(item, &self.id, None).await?
            else {
                return Err(Error::Fenced);
            };
            let batch = self
                .store
                .parked_records(item.item_id, MAX_RECORDS_PER_READ)
                .await?;
            if batch.is_empty() && self.store.reopen(item, &self.id, version).await? {
                return Ok(ItemEnd::Reopened);
            }
            for parked in batch {
                if let Err(reason) = self.handle(&parked).await {
                    return Ok(ItemEnd::Remains(reason));
                }
                self.store
                    .remove(item, &self.id, &parked.record.sequence_number)
                    .await?;
                *records += 1;
            }
        }
    }

    /// Calls the handler once; an error is the reason for which the record stays parked.
    async fn handle(&self, parked: &ParkedRecord) -> Result<(), String> {
        if let Some(defect) = &parked.record.defect {
            return Err(unreadable(defect));
        }
        let stopped = || Err("the redrive was stopped".to_owned());
        if self.shutdown.is_cancelled() {
            return stopped();
        }
        let context = Context::new(1, self.shutdown.child_token());
        match attempt(self.handler, &parked.record, &context, HANDLER_TIMEOUT).await {
            Ended::Dropped => stopped(),
            Ended::Panicked => Err(PANICKED.to_owned()),
            Ended::TimedOut => Err(TIMED_OUT.to_owned()),
            Ended::Returned(Disposition::Done) => Ok(()),
            Ended::Returned(Disposition::Retry { reason } | Disposition::Park { reason }) => {
                Err(reason)
            }
        }
    }
}
