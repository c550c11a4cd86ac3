//! A second connection to the database's file, for features that dynoxide lacks.
//!
//! Reads see whole transactions and take no lock of dynoxide's. Writes and dynoxide's writes wait for each
//! other, so they are few and short.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// How long a write waits for a write of dynoxide's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The connection; `None` once closed.
#[derive(Debug)]
pub(crate) struct Ledger(Mutex<Option<Connection>>);

/// Why the ledger can't be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    #[error("the database is closed")]
    Closed,
    #[error("the database request failed")]
    Sqlite(#[from] rusqlite::Error),
}

impl Ledger {
    /// Opens dynoxide's file and runs `schema` on it.
    pub(crate) fn open(file: &Path, schema: &str) -> Result<Self, LedgerError> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(schema)?;
        // Folders of before shards could split.
        let column = "SELECT 1 FROM pragma_table_info('local_shards') WHERE name = 'half'";
        if !connection.prepare(column)?.exists([])? {
            connection.execute_batch("ALTER TABLE local_shards ADD COLUMN half INTEGER")?;
        }
        Ok(Self(Mutex::new(Some(connection))))
    }

    /// Reads in one transaction.
    pub(crate) fn read<T, E: From<LedgerError>>(
        &self,
        reading: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.run(TransactionBehavior::Deferred, reading)
    }

    /// Writes in one transaction.
    pub(crate) fn write<T, E: From<LedgerError>>(
        &self,
        writing: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.run(TransactionBehavior::Immediate, writing)
    }

    /// Closes the connection; later calls fail.
    pub(crate) fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn run<T, E: From<LedgerError>>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = guard.as_mut().ok_or(LedgerError::Closed)?;
        let transaction = connection
            .transaction_with_behavior(behavior)
            .map_err(LedgerError::from)?;
        let result = work(&transaction)?;
        transaction.commit().map_err(LedgerError::from)?;
        Ok(result)
    }
}
