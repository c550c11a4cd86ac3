//! The queues on disk: one SQLite file that stores the engine's writes and restores the engine.
//!
//! A committed transaction was handed to the operating system, so it survives the end of this process, also `kill -9`. It
//! may not survive a power loss: with `synchronous = NORMAL`, the write-ahead log is flushed to the disk at checkpoints only.
//! A power loss may lose the latest transactions, as whole transactions and in order; the file stays consistent.

mod load;
mod save;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};

use super::engine::{Engine, Write};
use super::moment::Moment;
use crate::data_dir::SQS as FILE_NAME;

const FORMAT: i64 = 1;
const CACHED_STATEMENTS: usize = 32;
const CHECKPOINT_PAGES: i64 = 4_000;
const CACHE_KIB: i64 = 16_384;
const SCHEMA: &str = "
    CREATE TABLE queues (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        record TEXT NOT NULL
    );
    -- What was sent. AUTOINCREMENT never gives a number twice, even if the row that had it is gone.
    CREATE TABLE messages (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        queue INTEGER NOT NULL,
        sent INTEGER NOT NULL,
        enqueued INTEGER NOT NULL,
        dead_letter_source TEXT,
        envelope TEXT NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX messages_by_queue ON messages (queue);
    -- What became of it: apart, so that receiving does not write the body again. No row: visible since it was enqueued.
    CREATE TABLE deliveries (
        seq INTEGER PRIMARY KEY,
        receives INTEGER NOT NULL,
        first_received INTEGER,
        received INTEGER,
        receipt INTEGER NOT NULL,
        visible_at INTEGER NOT NULL
    );
    CREATE TABLE deduplication (
        queue INTEGER NOT NULL,
        message_group TEXT NOT NULL,
        id TEXT NOT NULL,
        message TEXT NOT NULL,
        seq INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        PRIMARY KEY (queue, message_group, id)
    ) WITHOUT ROWID;
    CREATE INDEX deduplication_by_expiry ON deduplication (expires);
    CREATE TABLE moves (
        id TEXT PRIMARY KEY,
        record TEXT NOT NULL
    ) WITHOUT ROWID;
";

/// Why the queues' database can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqsOpenError {
    /// Another process has it open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// It was written by a later version of this crate.
    #[error("{} has format {found}, and this version reads formats up to {FORMAT}", path.display())]
    LaterFormat {
        /// The database.
        path: PathBuf,
        /// The format of the file.
        found: i64,
    },
    /// SQLite can't open or read it, or its content is invalid.
    #[error("the queues' database {} can't be read", path.display())]
    Unreadable {
        /// The database.
        path: PathBuf,
        /// The error of SQLite or of the decoder.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The disk has no room for it.
    #[error("the disk that holds {} is full", path.display())]
    DiskFull {
        /// The database.
        path: PathBuf,
    },
    /// The thread that owns the database can't be started.
    #[error("the thread that keeps the queues can't be started")]
    Thread(#[source] std::io::Error),
}

/// Why the store can't be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("SQLite failed")]
    Sqlite(#[from] rusqlite::Error),
    #[error("a record can't be encoded or decoded")]
    Record(#[from] serde_json::Error),
    #[error("a column has the invalid value {0:?}")]
    Column(String),
}

impl StoreError {
    /// What a client is told of a failed write.
    pub(crate) fn told(&self) -> &'static str {
        match self {
            Self::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                "The disk of the data folder is full: nothing was written, and nothing that was written before is lost."
            }
            Self::Sqlite(_) | Self::Record(_) | Self::Column(_) => {
                "The request could not be written to disk."
            }
        }
    }
}

/// The open database, locked by this process.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
}

impl Store {
    pub(crate) fn open(data_dir: &Path) -> Result<Self, SqsOpenError> {
        let path = data_dir.join(FILE_NAME);
        let unreadable = |source: rusqlite::Error| SqsOpenError::Unreadable {
            path: path.clone(),
            source: source.into(),
        };
        let connection = Connection::open(&path).map_err(unreadable)?;
        match prepare(&connection) {
            Ok(found) if found <= FORMAT => Ok(Self { connection }),
            Ok(found) => Err(SqsOpenError::LaterFormat { path, found }),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                Err(SqsOpenError::InUse { path })
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                Err(SqsOpenError::DiskFull { path })
            }
            Err(error) => Err(unreadable(error)),
        }
    }

    /// Returns the latest time at which something is known to have happened.
    pub(crate) fn latest(&self) -> Result<Moment, StoreError> {
        let latest: Option<i64> = self.connection.query_row(
            "SELECT MAX(at) FROM (SELECT MAX(enqueued) AS at FROM messages UNION ALL SELECT MAX(received) FROM deliveries)",
            [],
            |row| row.get(0),
        )?;
        Ok(Moment::from_millis(
            latest.unwrap_or(0).max(0).unsigned_abs(),
        ))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.connection
            .path()
            .map(PathBuf::from)
            .unwrap_or_default()
    }

    /// Restores the engine as of the latest committed transaction.
    pub(crate) fn load(&self, now: Moment, seed: Option<u64>) -> Result<Engine, StoreError> {
        load::load(&self.connection, now, seed)
    }

    /// Commits the writes in one transaction.
    pub(crate) fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        for write in writes {
            save::save(&transaction, write)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Moves the write-ahead log into the file and closes it.
    pub(crate) fn close(self) -> Result<(), StoreError> {
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.connection.close().map_err(|(_, error)| error)?;
        Ok(())
    }
}

/// Sets up a connection, creates the tables if there are none, and returns the format.
fn prepare(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Without waiting, because another process keeps the file open until it ends.
    connection.busy_timeout(std::time::Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // A checkpoint flushes to the disk. Fewer checkpoints write the same pages less often.
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let format = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format == 0 {
        connection.execute_batch(SCHEMA)?;
        connection.pragma_update(None, "user_version", FORMAT)?;
    }
    connection.execute_batch("COMMIT")?;
    Ok(format)
}

#[cfg(test)]
mod tests;
