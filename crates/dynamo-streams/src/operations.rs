//! The operations on an application: its status, its parked records, its gaps.

use tokio_util::sync::CancellationToken;

use crate::clock::WallClock;
use crate::error::Error;
use crate::handler::Handler;
use crate::item::ItemId;
use crate::lease_table::LeaseTable;
use crate::observer::{GapRecord, ParkedRecord};
use crate::redrive::{self, RedriveReport, Selection, SkipPolicy};
use crate::sdk_client::bounded_dynamo;
use crate::status::{self, Status};
use crate::store::{LeaseStore as _, ParkedItem, ParkedStore as _, Store, with_store};
#[cfg(feature = "testing")]
use crate::testing::memory::MemoryStore;

/// The operations on an application, from any process that reaches its lease table.
#[derive(Clone, Debug)]
pub struct Operations {
    store: Store,
}

impl Operations {
    /// Makes the operations of an application; fails if `application` is not a valid name.
    pub fn new(
        client: aws_sdk_dynamodb::Client,
        lease_table: &str,
        application: &str,
    ) -> Result<Self, Error> {
        Ok(Self {
            store: Store::Table(LeaseTable::new(
                bounded_dynamo(&client),
                lease_table,
                application,
            )?),
        })
    }

    #[cfg(feature = "testing")]
    pub(crate) fn on(store: MemoryStore) -> Self {
        Self {
            store: Store::Fake(store),
        }
    }

    /// Reads the status of the application.
    pub async fn status(&self) -> Result<Status, Error> {
        let (view, parked, skipped, gaps) = with_store!(&self.store, store => futures::try_join!(
            store.view(),
            store.parked_items(None),
            store.skipped_records(),
            store.gaps()
        ))?;
        let now = WallClock::default().utc();
        Ok(status::summarise(view, parked, skipped, gaps, now))
    }

    /// Lists the items with parked records.
    pub async fn parked_items(&self) -> Result<Vec<ParkedItem>, Error> {
        with_store!(&self.store, store => store.parked_items(None).await)
    }

    /// Reads up to `limit` parked records of an item, the oldest first.
    pub async fn parked_records(
        &self,
        item_id: ItemId,
        limit: usize,
    ) -> Result<Vec<ParkedRecord>, Error> {
        with_store!(&self.store, store => store.parked_records(item_id, limit).await)
    }

    /// Handles the parked records of the selected items again, item by item, the oldest first.
    ///
    /// A record whose handler returns `Done` is removed; any other disposition ends the redrive of the item and leaves the rest parked. An
    /// item without parked records is reopened. The redrive may run beside the processors: records that they park meanwhile are redriven too.
    pub async fn redrive<H: Handler>(
        &self,
        handler: &H,
        selection: &Selection,
        shutdown: &CancellationToken,
    ) -> Result<RedriveReport, Error> {
        self.redrive_skipping(handler, &(), selection, shutdown)
            .await
    }

    /// The same, without the records that the policy skips: each of them is removed, and stored with the reason in [`Status::skipped`], after the
    /// policy has repaired its item. It is the way out for a record that can never be handled, and for the records of its item behind it.
    pub async fn redrive_skipping<H: Handler>(
        &self,
        handler: &H,
        policy: &impl SkipPolicy,
        selection: &Selection,
        shutdown: &CancellationToken,
    ) -> Result<RedriveReport, Error> {
        with_store!(&self.store, store => {
            redrive::redrive(store, handler, policy, selection, shutdown).await
        })
    }

    /// Lists the gaps that are not acknowledged.
    pub async fn gaps(&self) -> Result<Vec<GapRecord>, Error> {
        with_store!(&self.store, store => store.gaps().await)
    }

    /// Removes a repaired gap, unless it was found again since it was read.
    pub async fn acknowledge_gap(&self, gap: &GapRecord) -> Result<(), Error> {
        with_store!(&self.store, store => store.acknowledge(gap).await)
    }
}
