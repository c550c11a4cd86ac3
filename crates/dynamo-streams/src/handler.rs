//! What the user of this crate writes: the reaction to one record.

use std::future::Future;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::record::Record;

/// Reacts to records.
///
/// A record may arrive more than once (after a crash, a lost lease, a redrive), so a reaction must be
/// harmless when repeated: make its writes conditional. Records of one item arrive in order and one
/// at a time; records of different items run side by side. A panic counts as [`Disposition::Retry`].
pub trait RecordHandler: Send + Sync + 'static {
    /// Reacts to one record and says what is to become of it.
    fn handle(
        &self,
        record: &Record,
        context: &RecordContext,
    ) -> impl Future<Output = Disposition> + Send;
}

impl<H: RecordHandler> RecordHandler for Arc<H> {
    fn handle(
        &self,
        record: &Record,
        context: &RecordContext,
    ) -> impl Future<Output = Disposition> + Send {
        H::handle(self, record, context)
    }
}

/// What is to become of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The reaction took place; the checkpoint may pass the record.
    Done,
    /// Try again later; after the last attempt of [`RetryPolicy`](crate::RetryPolicy) the record is quarantined.
    Retry {
        /// Why, for the log and the quarantine; free of personal data.
        reason: String,
    },
    /// Park the record now, and the later records of its item behind it.
    Quarantine {
        /// Why, for the log and the quarantine; free of personal data.
        reason: String,
    },
}

/// The circumstances of one attempt.
#[derive(Clone, Debug)]
pub struct RecordContext {
    attempt: u32,
    epoch: u64,
    token: CancellationToken,
}

impl RecordContext {
    /// Makes a context, as a test of a handler needs it.
    pub fn new(attempt: u32, epoch: u64, token: CancellationToken) -> Self {
        Self {
            attempt,
            epoch,
            token,
        }
    }

    /// Counts the attempts of this process at this record, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The epoch of the lease under which the record was read: it grows with every change of owner.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Fires when the lease is lost or the grace of a drain has ended; the attempt is then dropped at
    /// its next await. Hand it to work that the attempt has passed on to other tasks.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }
}
