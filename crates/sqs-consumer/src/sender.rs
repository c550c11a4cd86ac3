//! Sending in batches: many tasks send one message each, and tens of messages share a request.

mod courier;
mod outbox;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use tokio::sync::{mpsc, oneshot, watch};

use crate::queue::{ErrorKind, OutgoingMessage, Queue, SqsQueue};
use courier::Courier;

/// The largest message and the largest batch that SQS takes: 1 MiB, attributes included.
pub const BYTES_AT_MOST: usize = 1_048_576;

/// How a [`BatchSender`] behaves. Values beyond what SQS allows are clamped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderSettings {
    /// How long a message waits for others to share its request. Default 10 ms: it is added to the time of every send.
    pub linger: Duration,
    /// The most messages in a request, 1 to 10. Default 10.
    pub entries_at_most: usize,
    /// The most bytes in a request and in a message, up to 1 MiB. Default 1 MiB.
    pub bytes_at_most: usize,
    /// How many requests may be under way at once. Default 4; while they are, messages gather and batches fill.
    pub requests_in_flight: usize,
    /// How often a message is tried before its send fails. Default 8: with the pauses between them, some 12 s.
    pub attempts_at_most: u32,
    /// The pause after the first failure; it doubles, and a random part of up to a half is taken off. Default 100 ms.
    pub first_pause: Duration,
    /// The longest pause. Default 5 s.
    pub longest_pause: Duration,
    /// How long a request may take. Default 5 s.
    pub request_timeout: Duration,
}

impl Default for SenderSettings {
    fn default() -> Self {
        Self {
            linger: Duration::from_millis(10),
            entries_at_most: crate::queue::ENTRIES_AT_MOST,
            bytes_at_most: BYTES_AT_MOST,
            requests_in_flight: 4,
            attempts_at_most: 8,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
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
    /// Requests failed, for a reason that has nothing to do with the message. The message may or may not have been sent.
    #[error("sending failed after {attempts} attempts ({kind})")]
    Failed {
        /// How often it was tried.
        attempts: u32,
        /// What the last failure was.
        kind: ErrorKind,
    },
    /// The sender's runtime has shut down.
    #[error("the sender has stopped")]
    Stopped,
}

/// What a sender has done since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SenderStats {
    /// Messages that the queue has accepted.
    pub sent: u64,
    /// Messages whose sending failed for good.
    pub failed: u64,
    /// Entries that were tried again.
    pub retried: u64,
    /// `SendMessageBatch` requests.
    pub requests: u64,
}

/// Sends messages to one queue in batches, by size or age, whichever comes first. Clones share the batches.
///
/// Failed entries are tried again with growing pauses. On a FIFO queue the messages of one group go one by one, in the
/// order in which they were given in, so that no failure can reorder them; different groups share requests. Delivery is at
/// least once: where an answer was lost, a standard queue gets the message twice, and a FIFO queue drops the repeat.
#[derive(Debug, Clone)]
pub struct BatchSender {
    inbox: mpsc::Sender<Parcel>,
    stats: watch::Receiver<SenderStats>,
}

/// A message and whom to tell of its fate.
#[derive(Debug)]
struct Parcel {
    message: Arc<OutgoingMessage>,
    answer: oneshot::Sender<Result<(), SendError>>,
}

impl BatchSender {
    /// Makes a sender to the queue at this URL and starts its task, which ends when the last clone is gone and everything
    /// is sent.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    #[must_use]
    pub fn new(client: Client, queue_url: impl Into<String>, settings: SenderSettings) -> Self {
        let queue = SqsQueue::new(&client, queue_url, Duration::ZERO, settings.request_timeout);
        Self::over(queue, settings)
    }

    /// Makes a sender to any [`Queue`], for tests or other transports.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    #[must_use]
    pub fn over<Q: Queue>(queue: Q, settings: SenderSettings) -> Self {
        // As many as can be under way twice over: beyond that senders wait, so that memory stays bounded.
        let room = settings.requests_in_flight.clamp(1, 1_000) * 20;
        let (inbox, parcels) = mpsc::channel(room);
        let (publish, stats) = watch::channel(SenderStats::default());
        tokio::spawn(Courier::new(queue, settings, publish).run(parcels));
        Self { inbox, stats }
    }

    /// Sends a message: waits until the queue has accepted it, or its sending has failed for good.
    ///
    /// Dropping the future doesn't take back a message that was given in.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, message: OutgoingMessage) -> Result<(), SendError> {
        let (answer, fate) = oneshot::channel();
        let parcel = Parcel {
            message: Arc::new(message),
            answer,
        };
        self.inbox
            .send(parcel)
            .await
            .map_err(|_| SendError::Stopped)?;
        fate.await.map_err(|_| SendError::Stopped)?
    }

    /// Returns what was done so far.
    #[must_use]
    pub fn stats(&self) -> SenderStats {
        *self.stats.borrow()
    }
}
