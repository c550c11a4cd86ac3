//! The state of a reconciliation's sweep over the tables: one item in the table of leases, so one sweep runs at a time and another
//! process can resume it.

use std::collections::HashMap;
use std::fmt;

use arthouse_core::Timestamp;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::items::{Fields, Item, attribute};
use crate::{DecodeError, PageStart, Store, StoreError};

/// The item's key. The keys of the streams consumer in the same table have other prefixes.
const PK: &str = "SWEEP#arthouse";
const SK: &str = "RECONCILE";

/// The latest sweep.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// The process that runs or ran it.
    pub owner: String,
    /// Its state.
    pub state: SweepState,
    /// Its cause.
    pub cause: SweepCause,
    /// Notifications of events since then are sent again; none if `None`.
    pub since: Option<Timestamp>,
    /// The names of the gaps that were known at its start.
    pub gaps: Vec<String>,
    /// Where it continues.
    pub cursor: Option<PageStart>,
    /// What it has done so far.
    pub counts: SweepCounts,
    /// When it was started.
    pub started_at: Timestamp,
    /// When this item was written, by its owner's clock.
    pub saved_at: Timestamp,
    /// Counts the writes of this item, over all sweeps.
    pub revision: u64,
}

/// The state of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SweepState {
    /// Its owner is running it, or has died.
    Running,
    /// It was stopped and can be resumed.
    Stopped,
    /// It has covered the whole table.
    Finished,
}

/// The cause of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SweepCause {
    /// It was requested.
    Asked,
    /// A stream has lost records.
    Gap,
}

/// The counts of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SweepCounts {
    /// Applications and enrolments that were read.
    pub students: u64,
    /// Enrolments whose sessions were initialised.
    pub initialised: u64,
    /// Charges that were made.
    pub charged: u64,
    /// Notifications that were sent again.
    pub notified: u64,
    /// Repairs that changed nothing, because another process had made them since the records were read.
    pub unchanged: u64,
    /// Items of no known family, which are passed over.
    pub foreign: u64,
    /// Reactions that the tables contradict.
    pub failed: u64,
}

impl SweepCounts {
    /// Returns the counts with their names, for programs.
    pub fn by_name(self) -> [(&'static str, u64); 7] {
        [
            ("students", self.students),
            ("initialised", self.initialised),
            ("charged", self.charged),
            ("notified", self.notified),
            ("unchanged", self.unchanged),
            ("foreign", self.foreign),
            ("failed", self.failed),
        ]
    }
}

/// Writes the counts for people.
impl fmt::Display for SweepCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} students, sessions of {} enrolments, {} charges, {} notifications, {} unchanged, {} foreign, {} failed",
            self.students,
            self.initialised,
            self.charged,
            self.notified,
            self.unchanged,
            self.foreign,
            self.failed
        )
    }
}

impl Store {
    /// Reads the latest sweep.
    ///
    /// # Errors
    /// Returns the failed request.
    pub async fn sweep(&self) -> Result<Option<Sweep>, StoreError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        // A query, because the permissions for the table of leases include no GetItem.
        let request = self
            .client
            .query()
            .table_name(self.tables.leases())
            .key_condition_expression("PK = :pk AND SK = :sk")
            .expression_attribute_values(":pk", text(PK))
            .expression_attribute_values(":sk", text(SK))
            .consistent_read(true);
        let output = request
            .send()
            .await
            .map_err(|e| StoreError::request("Query", e))?;
        let item = output.items.unwrap_or_default().into_iter().next();
        let unreadable = |error| StoreError::Sweep {
            table: self.tables.leases(),
            key: format!("{PK} {SK}"),
            error,
        };
        let sweep = item.as_ref().map(Sweep::from_item).transpose();
        sweep.map_err(unreadable)
    }

    /// Writes a sweep with the next revision and returns whether it was written. It is not written if another process has written the item since
    /// it was read (at revision 0: if the item exists).
    ///
    /// # Errors
    /// Returns the failed request; it may have been written.
    pub async fn save_sweep(&self, sweep: &mut Sweep) -> Result<bool, StoreError> {
        let next = Sweep {
            revision: sweep.revision + 1,
            ..sweep.clone()
        };
        let request = self
            .client
            .put_item()
            .table_name(self.tables.leases())
            .set_item(Some(next.to_item()));
        let request = if sweep.revision == 0 {
            request.condition_expression("attribute_not_exists(PK)")
        } else {
            request
                .condition_expression("Revision = :read")
                .expression_attribute_values(":read", AttributeValue::N(sweep.revision.to_string()))
        };
        match request.send().await {
            Ok(_) => {
                *sweep = next;
                Ok(true)
            }
            Err(e)
                if e.as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                self.is_written(sweep, next).await
            }
            Err(e) => Err(StoreError::request("PutItem", e)),
        }
    }

    /// Returns whether a refused write was written after all: the response to an earlier attempt of the same request may have been lost.
    async fn is_written(&self, sweep: &mut Sweep, next: Sweep) -> Result<bool, StoreError> {
        let found = self.sweep().await?;
        let same = found.is_some_and(|found| {
            (found.revision, &found.owner, found.saved_at)
                == (next.revision, &next.owner, next.saved_at)
        });
        if same {
            *sweep = next;
        }
        Ok(same)
    }
}

impl Sweep {
    fn to_item(&self) -> Item {
        let attributes = [
            ("Owner", attribute(&self.owner)),
            ("State", attribute(self.state)),
            ("Cause", attribute(self.cause)),
            ("Since", attribute(self.since)),
            ("Gaps", attribute(&self.gaps)),
            (
                "Cursor",
                self.cursor
                    .as_ref()
                    .map(|start| AttributeValue::M(start.0.clone())),
            ),
            ("Counts", attribute(self.counts)),
            ("StartedAt", attribute(self.started_at)),
            ("SavedAt", attribute(self.saved_at)),
            ("Revision", attribute(self.revision)),
        ];
        let present = |(name, value): (&str, _)| Some((name.to_owned(), value?));
        let attributes = attributes.into_iter().filter_map(present);
        attributes.chain(key()).collect()
    }

    fn from_item(item: &Item) -> Result<Self, DecodeError> {
        let fields = Fields::new("sweep", item);
        let cursor = fields.find::<HashMap<String, String>>("Cursor")?;
        let text = |(name, text)| (name, AttributeValue::S(text));
        Ok(Self {
            owner: fields.get("Owner")?,
            state: fields.get("State")?,
            cause: fields.get("Cause")?,
            since: fields.find("Since")?,
            gaps: fields.find("Gaps")?.unwrap_or_default(),
            cursor: cursor.map(|key| PageStart(key.into_iter().map(text).collect())),
            counts: fields.get("Counts")?,
            started_at: fields.get("StartedAt")?,
            saved_at: fields.get("SavedAt")?,
            revision: fields.get("Revision")?,
        })
    }
}

fn key() -> Item {
    [("PK", PK), ("SK", SK)]
        .map(|(name, text)| (name.to_owned(), AttributeValue::S(text.to_owned())))
        .into()
}
