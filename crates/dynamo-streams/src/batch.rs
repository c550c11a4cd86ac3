//! Batches that AWS Lambda's event source mapping reads and checkpoints.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::error::{Error, chain};
use crate::handler::{Context, Disposition, Handler};
use crate::item::ItemId;
use crate::item_queues::ItemQueues;
use crate::lineage::missing::Missing;
use crate::observer::ParkedRecord;
use crate::processor::setup::Setup;
use crate::record::Record;
use crate::shard::work::Shared;
use crate::shard::{BEHIND, unreadable};
use crate::store::{ParkOutcome, ParkedStore, Store, with_store};
use crate::watermark::Watermark;

/// Handles batches of records that AWS Lambda's event source mapping reads and checkpoints. Made by
/// [`Processor::into_batches`](crate::Processor::into_batches).
///
/// Records of one item are handled in order and one at a time, different items side by side. Records are parked in the lease table, with the
/// later records of their item behind them, and redriven as those of a processor. No lease fences a park: a batch that the service has
/// abandoned may still park a record that another batch has handled, and a redrive then repeats that record.
#[derive(Debug)]
pub struct BatchProcessor {
    store: Store,
    setup: Setup,
    handlers: Arc<Semaphore>,
}

/// The result of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchReport {
    /// The sequence number of the first record that is not finished: the `itemIdentifier` of a partial batch response. The mapping delivers
    /// it and all later records again.
    pub first_unfinished: Option<String>,
    /// Records whose handler returned `Done`.
    pub done: u64,
    /// Records that were parked.
    pub parked: u64,
    /// Records that failed, or were not started before `stop` fired.
    pub unfinished: u64,
}

impl BatchProcessor {
    pub(crate) fn new(store: Store, setup: Setup) -> Self {
        let handlers = Arc::new(Semaphore::new(setup.settings.concurrency));
        Self {
            store,
            setup,
            handlers,
        }
    }

    /// Handles a batch of one shard, in the order of the shard, until every record is finished or has failed, or until `stop` fires: attempts
    /// are then dropped at their next await. No record is tried twice, since the mapping delivers unfinished records again.
    pub async fn handle<H: Handler>(
        &self,
        records: Vec<Record>,
        handler: H,
        stop: &CancellationToken,
    ) -> BatchReport {
        with_store!(self.store.clone(), store => {
            Box::pin(handle(&self.shared(store, handler), records, stop)).await
        })
    }

    fn shared<L, H>(&self, store: L, handler: H) -> Shared<(), L, H> {
        Shared {
            source: (),
            store,
            handler,
            observer: Arc::clone(&self.setup.observer),
            settings: self.setup.settings.clone(),
            figures: Arc::clone(&self.setup.figures),
            missing: Missing::default(),
            handlers: Arc::clone(&self.handlers),
        }
    }
}

/// How the handling of a record ended.
enum End {
    Done,
    Parked,
    Unfinished,
}

async fn handle<L: ParkedStore, H: Handler>(
    shared: &Shared<(), L, H>,
    records: Vec<Record>,
    stop: &CancellationToken,
) -> BatchReport {
    let total = records.len() as u64;
    let mut parked = match parked_item_ids(&shared.store, &records).await {
        Ok(parked) => parked,
        Err(error) => {
            warn!(error = chain(&error), "the parked items could not be read");
            return BatchReport {
                first_unfinished: records
                    .into_iter()
                    .next()
                    .map(|first| first.sequence_number),
                unfinished: total,
                ..BatchReport::default()
            };
        }
    };
    let (mut watermark, mut queues) = (Watermark::default(), ItemQueues::default());
    for record in records {
        let item_id = record.item_id();
        queues.push(item_id, watermark.push(Arc::new(record)));
    }
    let (mut running, mut report) = (FuturesUnordered::new(), BatchReport::default());
    loop {
        while running.len() < shared.settings.concurrency_per_shard
            && let Some((item_id, ordinal)) = queues.start(Instant::now())
            && let Some(record) = watermark.record(ordinal).map(Arc::clone)
        {
            let behind = parked.contains(&item_id);
            running.push(async move {
                let end = finish(shared, &record, behind, stop).await;
                (item_id, ordinal, end)
            });
        }
        let Some((item_id, ordinal, end)) = running.next().await else {
            break;
        };
        match end {
            End::Done => report.done += 1,
            End::Parked => {
                report.parked += 1;
                parked.insert(item_id);
            }
            End::Unfinished => continue, // the later records of its item are not started
        }
        watermark.finish(ordinal);
        queues.finish(item_id);
    }
    report.first_unfinished = watermark
        .head()
        .map(|(_, record)| record.sequence_number.clone());
    report.unfinished = total - report.done - report.parked;
    report
}

async fn parked_item_ids<L: ParkedStore>(
    store: &L,
    records: &[Record],
) -> Result<BTreeSet<ItemId>, Error> {
    let tables: BTreeSet<&str> = records
        .iter()
        .map(|record| record.table_name.as_str())
        .collect();
    let mut parked = BTreeSet::new();
    for table in tables {
        parked.extend(store.parked_item_ids(table).await?);
    }
    Ok(parked)
}

/// Handles a record, or parks it: behind the parked records of its item, or if its handler returns [`Disposition::Park`].
async fn finish<L: ParkedStore, H: Handler>(
    shared: &Shared<(), L, H>,
    record: &Record,
    behind: bool,
    stop: &CancellationToken,
) -> End {
    if behind {
        match park(shared, record, BEHIND.to_owned(), true).await {
            Ok(ParkOutcome::Parked) => return End::Parked,
            Ok(ParkOutcome::ItemNotParked) => {} // the item was reopened meanwhile
            Err(_) => return End::Unfinished,
        }
    }
    let context = Context::new(1, stop.child_token());
    let reason = match &record.defect {
        Some(defect) => unreadable(defect),
        None => match shared.deliver(record, &context, stop).await {
            Some(Disposition::Done) => return End::Done,
            Some(Disposition::Retry { .. }) | None => return End::Unfinished,
            Some(Disposition::Park { reason }) => reason,
        },
    };
    match park(shared, record, reason, false).await {
        Ok(_) => End::Parked,
        Err(_) => End::Unfinished,
    }
}

async fn park<L: ParkedStore, H: Handler>(
    shared: &Shared<(), L, H>,
    record: &Record,
    reason: String,
    behind: bool,
) -> Result<ParkOutcome, Error> {
    let parked = ParkedRecord {
        record: record.clone(),
        item_id: record.item_id(),
        reason,
        attempts: u32::from(!behind && record.defect.is_none()),
        behind,
        parked_at: shared.settings.wall_clock.now(),
    };
    shared.park(None, &parked).await
}
