//! What an operator asks of an application: its state, its parked records, its gaps.

use tokio_util::sync::CancellationToken;

use crate::clock::WallClock;
use crate::error::Error;
use crate::handler::RecordHandler;
use crate::lease_table::LeaseTable;
use crate::observer::{GapRecord, QuarantinedRecord};
use crate::record::LaneId;
use crate::redrive::{self, RedriveReport, Selection};
use crate::sdk_client::bounded_dynamo;
use crate::status::{self, Status};
use crate::store::{LeaseStore as _, ParkedLane, ParkedStore as _};

/// What an operator asks of an application, from any process that reaches its lease table.
#[derive(Clone, Debug)]
pub struct Operations {
    store: LeaseTable,
}

impl Operations {
    /// Looks at the lease table of an application; fails if `application` is no name for one.
    pub fn new(
        client: aws_sdk_dynamodb::Client,
        lease_table: &str,
        application: &str,
    ) -> Result<Self, Error> {
        Ok(Self {
            store: LeaseTable::new(bounded_dynamo(&client), lease_table, application)?,
        })
    }

    /// Reads the state of the application.
    pub async fn status(&self) -> Result<Status, Error> {
        let (view, parked, gaps) =
            futures::try_join!(self.store.view(), self.store.lanes(None), self.store.gaps())?;
        Ok(status::summarise(
            view,
            parked,
            gaps,
            WallClock::default().now(),
        ))
    }

    /// Lists the items in quarantine.
    pub async fn parked_lanes(&self) -> Result<Vec<ParkedLane>, Error> {
        self.store.lanes(None).await
    }

    /// Reads the parked records of an item, the oldest first, `limit` at most.
    pub async fn parked_records(
        &self,
        lane: LaneId,
        limit: usize,
    ) -> Result<Vec<QuarantinedRecord>, Error> {
        self.store.parked(lane, limit).await
    }

    /// Hands the parked records of the selected items to the handler, item by item, the oldest first.
    ///
    /// A record whose handler says done is removed; any other answer ends the item's redrive and leaves
    /// the rest parked. An item without parked records leaves the quarantine. May run beside the
    /// processors: what they park meanwhile is redriven too.
    pub async fn redrive<H: RecordHandler>(
        &self,
        handler: &H,
        selection: &Selection,
        shutdown: &CancellationToken,
    ) -> Result<RedriveReport, Error> {
        redrive::redrive(&self.store, handler, selection, shutdown).await
    }

    /// Lists the gaps that nobody has acknowledged.
    pub async fn gaps(&self) -> Result<Vec<GapRecord>, Error> {
        self.store.gaps().await
    }

    /// Removes a gap whose repair is done, unless it was found anew since it was read.
    pub async fn acknowledge_gap(&self, gap: &GapRecord) -> Result<(), Error> {
        self.store.acknowledge(gap).await
    }
}
