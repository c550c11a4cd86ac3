use std::error::Error;
use std::sync::Arc;

use arthouse_core::Invariant;

/// What can fail between us and DynamoDB.
///
/// A request, a contended transaction and unprocessed keys may pass; the others stay until someone mends the tables.
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
    /// A transaction met another one, or was throttled.
    #[error("the transaction was cancelled ({0})")]
    Contended(String),
    /// Requests were answered in part, again and again.
    #[error("{0} left keys unprocessed")]
    Unprocessed(&'static str),
    /// An item is not what its table holds.
    #[error("an item can't be read")]
    Decode(#[from] DecodeError),
    /// A charge is more than what is left of the payment.
    #[error("charge {charge_id} is more than the balance of {enrollment}")]
    Overdrawn {
        /// The charge.
        charge_id: String,
        /// The enrolment's key.
        enrollment: String,
    },
    /// There is no enrolment where one must be.
    #[error("there is no enrolment {0}")]
    EnrollmentMissing(String),
    /// The timetable of an enrolment has fewer dates than sessions, which its confirmation ruled out.
    #[error("the schedule of {0} has too few dates")]
    ScheduleTooShort(String),
    /// A table exists, but differs from what is needed.
    #[error("table {table} exists, but {problem}")]
    TableDiffers {
        /// The table's name.
        table: String,
        /// What is not as it must be.
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

/// Why an item is not what its table holds. It never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The key is of no known family.
    #[error("the key is of no known family")]
    Key,
    /// An attribute is missing or of the wrong kind.
    #[error("{record}: {problem}")]
    Attributes {
        /// What kind of record it should be.
        record: &'static str,
        /// Which attribute, and what is wrong.
        problem: String,
    },
    /// The attributes contradict each other.
    #[error("{record}: invariant {number} does not hold", number = invariant.number())]
    Inconsistent {
        /// What kind of record it is.
        record: &'static str,
        /// Which invariant it breaks.
        invariant: Invariant,
    },
    /// The same record lies under both forms of its key.
    #[error("the same record lies under both forms of its key")]
    Twice,
}
