//! Redrive: parked records are handled again, in order, until their items have none.
//!
//! A redrive claims the item that it handles. It renews its claim while it works on the item, and stops if it cannot. Another redrive takes a
//! claim over that has not changed for the duration of a claim on its own monotonic clock, as workers do with leases: no clocks of two
//! machines are compared.

use std::future::ready;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::attempt::{Ended, PANICKED, TIMED_OUT, attempt};
use crate::clock::WallClock;
use crate::error::{Error, chain};
use crate::handler::{Context, Disposition, Handler};
use crate::item::{ItemId, ItemKey};
use crate::observer::ParkedRecord;
use crate::settings::HANDLER_TIMEOUT;
use crate::shard::unreadable;
use crate::store::{ClaimOutcome, ParkedItem, ParkedStore, SkippedRecord};

/// How long a claim must stay unchanged, on the observer's clock, before it is taken over.
const CLAIM: Duration = Duration::from_secs(25);
/// How long after its last renewal a redrive still acts on its claim.
const SELF_FENCE: Duration = Duration::from_secs(20);
/// The time between two renewals: two may fail.
const RENEWAL: Duration = Duration::from_secs(6);
/// The most parked records of one read.
const MAX_RECORDS_PER_READ: usize = 50;
/// Why an item remains when the redrive's token has fired.
const STOPPED: &str = "the redrive was stopped";

/// Which items to redrive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selection {
    /// Every item with parked records.
    All,
    /// One item.
    Item(ItemId),
}

/// The result of a redrive.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RedriveReport {
    /// Items without parked records: their later records are handled as usual.
    pub reopened: Vec<ItemId>,
    /// Records that were skipped.
    pub skipped: Vec<SkippedRecord>,
    /// Items that still have parked records.
    pub remaining: Vec<RemainingItem>,
    /// Records whose handler returned `Done`.
    pub records: u64,
}

/// An item that still has parked records after a redrive.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RemainingItem {
    /// The id of the item.
    pub item_id: ItemId,
    /// The key of the item.
    pub key: ItemKey,
    /// The sequence number of the record at which the redrive stopped, if it came to one.
    pub sequence_number: Option<String>,
    /// Why it stopped.
    pub reason: String,
}

/// Decides which parked records a redrive skips, and repairs their items.
pub trait SkipPolicy: Sync {
    /// Returns why a record is skipped; `None` if it is handled. The reason is stored, so it must contain no personal data.
    fn skip(&self, _parked: &ParkedRecord) -> Option<String> {
        None
    }

    /// Repairs an item from its present state, so that nothing is lost that the record and the later ones of its item would have led to. It runs
    /// before the record is removed, once for up to fifty records that were parked before, and again if the process dies in between. Its
    /// error is the reason for which the record stays parked.
    fn repair(
        &self,
        _item: &ParkedItem,
        _parked: &ParkedRecord,
    ) -> impl Future<Output = Result<(), String>> + Send {
        ready(Ok(()))
    }
}

/// Skips nothing.
impl SkipPolicy for () {}

/// How the redrive of an item ended.
enum ItemEnd {
    Reopened,
    /// With the reason, and the number of the record at which it stopped.
    Remains(String, Option<String>),
}

/// What a redrive finds at an item.
enum Claimed {
    /// Its claim, sent at this time, holds.
    Mine(Instant),
    Others,
    NotParked,
    Stopped,
}

pub(crate) async fn redrive<L: ParkedStore, H: Handler, P: SkipPolicy>(
    store: &L,
    handler: &H,
    policy: &P,
    selection: &Selection,
    shutdown: &CancellationToken,
) -> Result<RedriveReport, Error> {
    let redrive = Redrive {
        store,
        handler,
        policy,
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
        let end = redrive.item(&item, &mut report).await;
        let end = end.unwrap_or_else(|error| ItemEnd::Remains(chain(&error), None));
        match end {
            ItemEnd::Reopened => {
                info!(item = %item.item_id, "an item has no parked records any more");
                report.reopened.push(item.item_id);
            }
            ItemEnd::Remains(reason, sequence_number) => {
                warn!(item = %item.item_id, reason, "an item still has parked records");
                store.release_claim(&item, &redrive.id).await?;
                report.remaining.push(RemainingItem {
                    item_id: item.item_id,
                    key: item.key,
                    sequence_number,
                    reason,
                });
            }
        }
    }
    Ok(report)
}

struct Redrive<'a, L, H, P> {
    store: &'a L,
    handler: &'a H,
    policy: &'a P,
    id: String,
    shutdown: &'a CancellationToken,
}

impl<L: ParkedStore, H: Handler, P: SkipPolicy> Redrive<'_, L, H, P> {
    async fn item(&self, item: &ParkedItem, report: &mut RedriveReport) -> Result<ItemEnd, Error> {
        let remains = |reason: &str| Ok(ItemEnd::Remains(reason.to_owned(), None));
        let claimed_at = match self.claim(item).await? {
            Claimed::Mine(at) => at,
            Claimed::Others => return remains("another redrive has the item"),
            Claimed::Stopped => return remains(STOPPED),
            Claimed::NotParked => return Ok(ItemEnd::Reopened),
        };
        tokio::select! {
            biased;
            end = self.records(item, report) => end,
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
    async fn records(
        &self,
        item: &ParkedItem,
        report: &mut RedriveReport,
    ) -> Result<ItemEnd, Error> {
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
            let mut repaired = false;
            for parked in batch {
                let number = parked.record.sequence_number.clone();
                let reason = self.policy.skip(&parked);
                let ended = match reason {
                    None => self.handle(&parked).await,
                    // The first repair saw the changes of all records that were parked before it.
                    Some(_) if repaired => Ok(()),
                    Some(_) => self.repair(item, &parked).await,
                };
                if let Err(reason) = ended {
                    return Ok(ItemEnd::Remains(reason, Some(number)));
                }
                let skipped = reason.map(|reason| skipped(item, parked, reason));
                repaired |= skipped.is_some();
                let removed = self.store.remove(item, &self.id, &number, skipped.as_ref());
                removed.await?;
                report.records += u64::from(skipped.is_none());
                report.skipped.extend(skipped);
            }
        }
    }

    /// Repairs the item before a record of it is skipped; an error is the reason for which the record stays parked.
    async fn repair(&self, item: &ParkedItem, parked: &ParkedRecord) -> Result<(), String> {
        let repair = timeout(HANDLER_TIMEOUT, self.policy.repair(item, parked));
        match self.shutdown.run_until_cancelled(repair).await {
            None => Err(STOPPED.to_owned()),
            Some(Err(_)) => Err("the repair of the item timed out".to_owned()),
            Some(Ok(Err(reason))) => Err(format!("the item could not be repaired: {reason}")),
            Some(Ok(Ok(()))) => Ok(()),
        }
    }

    /// Calls the handler once; an error is the reason for which the record stays parked.
    async fn handle(&self, parked: &ParkedRecord) -> Result<(), String> {
        if let Some(defect) = &parked.record.defect {
            return Err(unreadable(defect));
        }
        let stopped = || Err(STOPPED.to_owned());
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

fn skipped(item: &ParkedItem, parked: ParkedRecord, reason: String) -> SkippedRecord {
    SkippedRecord {
        table_name: item.table_name.clone(),
        item_id: item.item_id,
        key: item.key.clone(),
        sequence_number: parked.record.sequence_number,
        parked_reason: parked.reason,
        reason,
        skipped_at: WallClock::default().now(),
    }
}
