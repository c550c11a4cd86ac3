//! Batches that somebody else reads: AWS Lambda's event source mapping.

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
use crate::handler::{Disposition, RecordContext, RecordHandler};
use crate::lanes::Lanes;
use crate::lease_table::LeaseTable;
use crate::lineage::unseen::Unseen;
use crate::observer::QuarantinedRecord;
use crate::processor::setup::Setup;
use crate::record::{LaneId, Record};
use crate::shard::BEHIND;
use crate::shard::work::Shared;
use crate::store::{ParkOutcome, ParkedStore};
use crate::watermark::Watermark;

/// Handles batches of records that somebody else reads from the streams and keeps the checkpoint of.
/// Made by [`Processor::into_batches`](crate::Processor::into_batches).
///
/// Records of one item are handled in order and one at a time, different items side by side. What is to be
/// quarantined is parked in the lease table, and the later records of its item behind it, as a processor does;
/// the redrive is the same. It holds no lease, so a park is not fenced: a batch that the service gave up on may
/// still park a record that another batch has handled since, and a redrive then repeats it.
#[derive(Debug)]
pub struct BatchProcessor {
    store: LeaseTable,
    setup: Setup,
    handlers: Arc<Semaphore>,
}

/// What came of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchReport {
    /// The sequence number of the first record that is not finished: the `itemIdentifier` of a partial batch
    /// response. All before it are handled or parked; it and all behind it are to come again.
    pub first_unfinished: Option<String>,
    /// Records whose handler said done.
    pub done: u64,
    /// Records that were parked.
    pub parked: u64,
    /// Records that failed, or were not begun because the time was up.
    pub unfinished: u64,
}

impl BatchProcessor {
    pub(crate) fn new(store: LeaseTable, setup: Setup) -> Self {
        let handlers = Arc::new(Semaphore::new(setup.settings.concurrent_handlers));
        Self {
            store,
            setup,
            handlers,
        }
    }

    /// Handles a batch of one shard, in the order of the shard, until every record is finished or has failed, or
    /// until `stop` fires: attempts are then dropped at their next await. Nothing is tried twice: whoever reads
    /// the stream brings again what is not finished.
    pub async fn handle<H: RecordHandler>(
        &self,
        records: Vec<Record>,
        handler: H,
        stop: &CancellationToken,
    ) -> BatchReport {
        let shared = Shared {
            source: (),
            store: self.store.clone(),
            handler,
            observer: Arc::clone(&self.setup.observer),
            settings: self.setup.settings.clone(),
            figures: Arc::clone(&self.setup.figures),
            unseen: Unseen::default(),
            handlers: Arc::clone(&self.handlers),
        };
        Box::pin(handle(&shared, records, stop)).await
    }
}

/// What came of a record.
enum End {
    Done,
    Parked,
    Unfinished,
}

async fn handle<L: ParkedStore, H: RecordHandler>(
    shared: &Shared<(), L, H>,
    records: Vec<Record>,
    stop: &CancellationToken,
) -> BatchReport {
    let total = records.len() as u64;
    let mut parked = match parked_lanes(&shared.store, &records).await {
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
    let (mut watermark, mut lanes) = (Watermark::default(), Lanes::default());
    for record in records {
        let lane = record.lane();
        lanes.push(lane, watermark.push(Arc::new(record)));
    }
    let (mut running, mut report) = (FuturesUnordered::new(), BatchReport::default());
    loop {
        while running.len() < shared.settings.lanes_per_shard
            && let Some((lane, ordinal)) = lanes.start(Instant::now())
            && let Some(record) = watermark.record(ordinal).map(Arc::clone)
        {
            let behind = parked.contains(&lane);
            running.push(async move {
                let end = finish(shared, &record, behind, stop).await;
                (lane, ordinal, end)
            });
        }
        let Some((lane, ordinal, end)) = running.next().await else {
            break;
        };
        match end {
            End::Done => report.done += 1,
            End::Parked => {
                report.parked += 1;
                parked.insert(lane);
            }
            End::Unfinished => continue, // its lane stands still
        }
        watermark.finish(ordinal);
        lanes.finish(lane);
    }
    report.first_unfinished = watermark
        .head()
        .map(|(_, record)| record.sequence_number.clone());
    report.unfinished = total - report.done - report.parked;
    report
}

async fn parked_lanes<L: ParkedStore>(
    store: &L,
    records: &[Record],
) -> Result<BTreeSet<LaneId>, Error> {
    let tables: BTreeSet<&str> = records
        .iter()
        .map(|record| record.table_name.as_str())
        .collect();
    let mut parked = BTreeSet::new();
    for table in tables {
        parked.extend(store.parked_lanes(table).await?);
    }
    Ok(parked)
}

/// Handles a record, or parks it: at once if its item is in quarantine, else if its handler asks for it.
async fn finish<L: ParkedStore, H: RecordHandler>(
    shared: &Shared<(), L, H>,
    record: &Record,
    behind: bool,
    stop: &CancellationToken,
) -> End {
    if behind {
        match park(shared, record, BEHIND.to_owned(), true).await {
            Ok(ParkOutcome::Parked) => return End::Parked,
            Ok(ParkOutcome::LaneOpen) => {} // it was redriven meanwhile
            Err(_) => return End::Unfinished,
        }
    }
    let context = RecordContext::new(1, 0, stop.clone());
    match shared.deliver(record, &context, stop).await {
        Some(Disposition::Done) => End::Done,
        Some(Disposition::Retry { .. }) | None => End::Unfinished,
        Some(Disposition::Quarantine { reason }) => {
            match park(shared, record, reason, false).await {
                Ok(_) => End::Parked,
                Err(_) => End::Unfinished,
            }
        }
    }
}

async fn park<L: ParkedStore, H: RecordHandler>(
    shared: &Shared<(), L, H>,
    record: &Record,
    reason: String,
    behind: bool,
) -> Result<ParkOutcome, Error> {
    let parked = QuarantinedRecord {
        record: record.clone(),
        lane: record.lane(),
        reason,
        attempts: u32::from(!behind),
        behind,
        parked_at: shared.settings.wall_clock.now(),
    };
    shared.park(None, &parked).await
}
