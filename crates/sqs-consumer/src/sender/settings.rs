//! The settings, counters and errors of a sender.

use std::time::Duration;

use crate::queue::{ErrorKind, MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES};

/// How a [`BatchSender`](crate::BatchSender) behaves. Values beyond the limits of SQS are clamped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderSettings {
    /// How long a message waits for others to share its request. Default 10 ms: it is added to the time of every send.
    pub linger: Duration,
    /// The most messages in a request, 1 to 10. Default 10.
    pub max_batch_entries: usize,
    /// The most bytes in a request and in a message, up to 1 MiB. Default 1 MiB.
    pub max_batch_bytes: usize,
    /// The most requests in flight at once. Default 4; meanwhile messages gather and batches fill.
    pub max_concurrent_requests: usize,
    /// How many attempts a message gets before its send fails. Default 8: with the delays between them, some 12 s.
    pub max_attempts: u32,
    /// The delay after the first failure. It doubles with each failure, less a random part of up to half of it. Default 100 ms.
    pub first_delay: Duration,
    /// The longest delay. Default 5 s.
    pub max_delay: Duration,
    /// How long a request may take. Default 5 s.
    pub request_timeout: Duration,
}

impl Default for SenderSettings {
    fn default() -> Self {
        Self {
            linger: Duration::from_millis(10),
            max_batch_entries: MAX_BATCH_ENTRIES,
            max_batch_bytes: MAX_MESSAGE_BYTES,
            max_concurrent_requests: 4,
            max_attempts: 8,
            first_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(5),
            request_timeout: Duration::from_secs(5),
        }
    }
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The message is larger than a request may be.
    #[error("the message has {bytes} bytes and {limit} are allowed")]
    TooLarge {
        /// The size of the message, attributes included.
        bytes: usize,
        /// The largest size allowed.
        limit: usize,
    },
    /// The queue refused this message; the same message will be refused again.
    #[error("the queue refused the message with {code}")]
    Refused {
        /// The service's error code.
        code: String,
    },
    /// The requests failed, for a reason that is not in the message. The message may or may not have been sent.
    #[error("sending failed after {attempts} attempts ({kind})")]
    Failed {
        /// The number of attempts.
        attempts: u32,
        /// The kind of the last failure.
        kind: ErrorKind,
    },
    /// The sender's runtime has shut down.
    #[error("the sender has stopped")]
    Stopped,
}

/// Counts since a sender was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SenderCounters {
    /// Messages that the queue has accepted.
    pub sent: u64,
    /// Messages whose sending failed for good.
    pub failed: u64,
    /// Entries that were sent again.
    pub retried: u64,
    /// `SendMessageBatch` requests.
    pub requests: u64,
}
