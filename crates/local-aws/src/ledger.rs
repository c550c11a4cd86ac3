//! A second connection to the database's file, for what dynoxide itself doesn't do.
//!
//! Reads see whole transactions and take no lock of dynoxide's. Writes wait for dynoxide's and make
//! it wait, so they are few and short.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// How long a write waits for dynoxide to finish its own.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The connection; `None` once closed.
#[derive(Debug)]
pub(crate) struct Ledger(Mutex<Option<Connection>>);

/// Why the ledger can't be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    #[error("the database is closed")]
    Closed,
    #[error("the database refused")]
    Sqlite(#[from] rusqlite::Error),
}

impl Ledger {
    /// Opens the file that dynoxide has made and runs `schema` on it.
    pub(crate) fn open(file: &Path, schema: &str) -> Result<Self, LedgerError> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(schema)?;
        Ok(Self(Mutex::new(Some(connection))))
    }

    /// Reads one moment's state.
    pub(crate) fn read<T, E: From<LedgerError>>(
        &self,
        reading: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.run(TransactionBehavior::Deferred, reading)
    }

    /// Writes all or nothing, with no write of dynoxide's in between.
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
