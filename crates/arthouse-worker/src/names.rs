use arthouse_store::TableNames;

use crate::QueueNames;

/// The names of the tables and the queues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Of the tables.
    pub tables: TableNames,
    /// Of the queues.
    pub queues: QueueNames,
}

impl Names {
    /// Makes the names with a prefix, which may be empty.
    pub fn with_prefix(prefix: &str) -> Self {
        Self {
            tables: TableNames::with_prefix(prefix),
            queues: QueueNames::with_prefix(prefix),
        }
    }
}
