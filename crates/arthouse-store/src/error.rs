use std::error::Error;
use std::sync::Arc;

use arthouse_core::Invariant;

/// A failure of a DynamoDB request, or of an item.
///
/// Failed requests, contended transactions and unprocessed keys may pass. The other failures remain until the tables are corrected.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A request failed, after the SDK's own retries.
    #[error("{operation} failed")]
    Request {
        /// The API operation.
        operation: &'static str,
        /// The SDK's error.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A transaction conflicted with another one, or was throttled.
    #[error("the transaction was cancelled ({0})")]
    Contended(String),
    /// Repeated requests left keys unprocessed.
    #[error("{0} left keys unprocessed")]
    Unprocessed(&'static str),
    /// An item is not a valid record of its table.
    #[error("an item can't be read")]
    Decode(#[from] DecodeError),
    /// A charge is more than the balance.
    #[error("charge {charge_id} is more than the balance of {enrollment}")]
    Overdrawn {
        /// The charge.
        charge_id: String,
        /// The enrolment's key.
        enrollment: String,
    },
    /// The enrolment does not exist.
    #[error("there is no enrolment {0}")]
    EnrollmentMissing(String),
    /// The schedule of an enrolment has fewer dates than sessions, although the confirmation checked it.
    #[error("the schedule of {0} has too few dates")]
    ScheduleTooShort(String),
    /// A table exists with another definition.
    #[error("table {table} exists, but {problem}")]
    TableDiffers {
        /// The table's name.
        table: String,
        /// The difference.
        problem: &'static str,
    },
}

impl StoreError {
    pub(crate) fn request(
        operation: &'static str,
        source: impl Error + Send + Sync + 'static,
    ) -> Self {
        Self::Request {
            operation,
            source: Arc::new(source),
        }
    }
}

/// Why an item is not a valid record of its table. It never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The key has no known form.
    #[error("the key is of no known family")]
    Key,
    /// An attribute is missing or of the wrong kind.
    #[error("{record}: {attribute} {problem}")]
    Attribute {
        /// The expected kind of record.
        record: &'static str,
        /// The attribute.
        attribute: &'static str,
        /// Its defect.
        problem: String,
    },
    /// The attributes contradict each other.
    #[error("{record}: invariant {number} does not hold", number = invariant.number())]
    Inconsistent {
        /// The kind of record.
        record: &'static str,
        /// The violated invariant.
        invariant: Invariant,
    },
    /// The same record exists under both forms of its key.
    #[error("the same record lies under both forms of its key")]
    Twice,
}
