mod batcher;
pub(crate) mod settings;
mod task;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::Error;
use crate::queue::aws::SqsQueue;
use crate::queue::{OutgoingMessage, Queue};
pub use settings::{SendError, SenderCounters, SenderSettings};
use task::{SendRequest, SenderTask};

/// Sends messages to one queue in batches, by size or age, whichever comes first. Clones share the batches.
///
/// Failed entries are sent again after growing delays. On a FIFO queue the messages of one group are sent one by one, in the order of the
/// calls, so that a failure cannot reorder them; different groups share requests. Delivery is at least once: if a response is lost, a
/// standard queue gets the message twice, and a FIFO queue drops the repeat.
#[derive(Debug, Clone)]
pub struct BatchSender {
    requests: mpsc::Sender<SendRequest>,
    counters: watch::Receiver<SenderCounters>,
}

impl BatchSender {
    /// Makes a sender to the queue at this URL and starts its task. The task ends when the last clone is dropped and every message is
    /// sent.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`].
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    pub fn new(
        client: Client,
        queue_url: impl Into<String>,
        settings: SenderSettings,
    ) -> Result<Self, Error> {
        let queue = SqsQueue::new(&client, queue_url, Duration::ZERO, settings.request_timeout);
        Self::over(queue, settings)
    }

    /// Makes a sender to any [`Queue`], for tests or other transports.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`].
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    pub fn over<Q: Queue>(queue: Q, settings: SenderSettings) -> Result<Self, Error> {
        settings.check()?;
        Ok(Self::start(queue, settings))
    }

    /// Starts a sender with valid settings.
    pub(crate) fn start<Q: Queue>(queue: Q, settings: SenderSettings) -> Self {
        // Twice the messages that can be in flight. The task stops to receive when it has enough; then `send` waits, so that memory stays
        // bounded.
        let capacity = settings.max_concurrent_requests * 20;
        let (requests, received) = mpsc::channel(capacity);
        let (publish, counters) = watch::channel(SenderCounters::default());
        tokio::spawn(SenderTask::new(queue, settings, publish).run(received));
        Self { requests, counters }
    }

    /// Sends a message: waits until the queue has accepted it, or its sending has failed for good. If many messages wait already, it waits
    /// for them first, so that the memory of a sender is bounded.
    ///
    /// Dropping the future does not cancel a message that the sender has accepted.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, message: OutgoingMessage) -> Result<(), SendError> {
        let (reply, result) = oneshot::channel();
        let message = Arc::new(message);
        let sent = self.requests.send(SendRequest { message, reply }).await;
        sent.map_err(|_| SendError::Stopped)?;
        result.await.map_err(|_| SendError::Stopped)?
    }

    /// Returns the counts as they are now.
    #[must_use]
    pub fn counters(&self) -> SenderCounters {
        *self.counters.borrow()
    }
}
