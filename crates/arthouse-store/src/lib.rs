#![doc = include_str!("../README.md")]

mod error;
mod keys;
mod tables;

mod change;
mod items;

mod commit;
mod load;
mod reactions;
mod read;
mod session_loader;
mod sweep;

pub use error::{DecodeError, StoreError, Unreadable};
pub use keys::Key;
pub use tables::{Backups, Table, TableNames, protect, provision};

pub use change::{Image, change};
pub use commit::Commit;
pub use load::Loaded;
pub use reactions::WriteResult;
pub use read::{Enrolling, KeptReceipt, Page, PageStart, Scanned, Segment, StudentRecords};
pub use sweep::{Sweep, SweepCause, SweepCounts, SweepState};

use aws_sdk_dynamodb::Client;

use session_loader::SessionLoader;

/// The school's records. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    tables: TableNames,
    sessions: SessionLoader,
}

impl Store {
    /// Makes the store of a set of tables. Must be called within a tokio runtime, because a task batches the loads.
    pub fn new(client: Client, tables: TableNames) -> Self {
        let sessions = SessionLoader::spawn(client.clone(), tables.name(Table::Sessions));
        Self {
            client,
            tables,
            sessions,
        }
    }

    fn table(&self, table: Table) -> String {
        self.tables.name(table)
    }
}
