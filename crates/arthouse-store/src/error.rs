use std::error::Error;
use std::fmt;
use std::sync::Arc;

use arthouse_core::Invariant;

use crate::items::{Item, Record};
use crate::{Key, Table};

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
    #[error(transparent)]
    Decode(#[from] Box<Unreadable>),
    /// The state of the latest reconciliation can't be read.
    #[error("{table} {key} can't be read: {error}; delete the item, and reconcile anew")]
    Sweep {
        /// The table's name.
        table: String,
        /// The item's key.
        key: String,
        /// Its defect.
        error: DecodeError,
    },
    /// A charge is more than the balance, or counts a session when none remains.
    #[error(
        "UsersCourses {enrollment}: charge {charge_id} is more than {attribute} has left; `arthouse audit` names what contradicts it"
    )]
    Overdrawn {
        /// The charge.
        charge_id: String,
        /// The enrolment's key.
        enrollment: String,
        /// The attribute that would become negative.
        attribute: &'static str,
    },
    /// The enrolment does not exist.
    #[error("UsersCourses has no enrolment {0}; restore the item, or delete its sessions")]
    EnrollmentMissing(String),
    /// The schedule of an enrolment has fewer dates than sessions, although the confirmation checked it.
    #[error(
        "UsersCourses {0}: Schedule has fewer dates than Duration sessions; correct it in the table"
    )]
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

/// An item that is not a valid record of its table. It never quotes a value, only the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Unreadable {
    /// The table.
    pub table: Table,
    /// The key, if it has a known form.
    pub key: Option<Key>,
    /// The key as text.
    pub raw_key: String,
    /// The defect.
    pub error: DecodeError,
}

impl Unreadable {
    /// Returns whether the item is of no known family: another program's, or a later version's.
    pub fn is_foreign(&self) -> bool {
        self.error == DecodeError::Key
    }

    pub(crate) fn new(table: Table, item: &Item, error: DecodeError) -> Box<Self> {
        Box::new(Self {
            table,
            key: Key::of_item(table, item).ok(),
            raw_key: raw_key(item),
            error,
        })
    }
}

/// Says which item it is, what is wrong with it, and what to do.
impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            raw_key,
            error,
            ..
        } = self;
        let table = table.base_name();
        let remedy = match error {
            DecodeError::Key => "no program of the school reads it",
            DecodeError::Attribute { .. } | DecodeError::Inconsistent { .. }
                if self.table == Table::Courses =>
            {
                "give the course the right value with `course.update`, or correct it in the table"
            }
            DecodeError::Attribute { .. } | DecodeError::Inconsistent { .. } => {
                "correct it in the table"
            }
            DecodeError::Twice => "delete one of the two",
        };
        write!(f, "{table} {raw_key} can't be read: {error}; {remedy}")
    }
}

/// Reads a record, or says which item can't be read.
pub(crate) fn read<R: Record>(item: &Item) -> Result<R, Box<Unreadable>> {
    R::from_item(item).map_err(|error| Unreadable::new(R::TABLE, item, error))
}

/// Writes an item's key.
pub(crate) fn raw_key(item: &Item) -> String {
    let text = |name| {
        item.get(name)
            .and_then(|value| value.as_s().ok())
            .map_or("", String::as_str)
    };
    format!("{} {}", text("PK"), text("SK"))
        .trim_end()
        .to_owned()
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
        /// The attribute; within a map with the path to it, such as `Charges.0001#1.Amount`.
        attribute: String,
        /// Its defect.
        problem: String,
    },
    /// The attributes contradict each other.
    #[error("{record}: {}", contradiction(*invariant))]
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

impl DecodeError {
    /// What is said of an attribute that is missing.
    pub(crate) const MISSING: &'static str = "is missing";

    /// Returns whether an attribute must be there and is not.
    pub fn is_missing(&self, name: &str) -> bool {
        matches!(self, Self::Attribute { attribute, problem, .. } if attribute == name && problem == Self::MISSING)
    }
}

/// Names the attributes of an item that an invariant is about, and what is wrong with them.
fn contradiction(invariant: Invariant) -> String {
    let attributes = match invariant {
        Invariant::Balance => "Balance is negative, too large or not a whole number",
        Invariant::SessionsRemaining => "SessionsRemaining is not a whole number from 0 to 65535",
        Invariant::Outcome => "Outcome is Applied, and there is a Rejection",
        Invariant::PaymentStatus => {
            "PaymentStatus contradicts Status: Paid goes with Attended and Skipped only"
        }
        Invariant::RescheduleDate => {
            "RescheduleDate, OriginalSessionDate and RescheduledAt must all be there, with the SessionDate as the first, or none"
        }
        Invariant::OneCharge | Invariant::AppliedOrPaid | Invariant::Sessions => {
            "the attributes contradict each other"
        }
    };
    format!("{attributes} (invariant {})", invariant.number())
}
