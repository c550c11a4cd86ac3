//! The port: what a consumer and a sender need of a queue.

mod aws;
mod event;
mod memory;

pub use aws::SqsQueue;
pub use event::EventError;
pub use memory::{Fault, MemoryQueue, Operation};

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::message::Message;

/// The most entries that one batch request takes.
pub const ENTRIES_AT_MOST: usize = 10;

/// A queue, as far as this crate uses one. [`SqsQueue`] is the real one, [`MemoryQueue`] a faithful fake.
///
/// Batch calls take 1 to 10 entries and answer with one result an entry, in the same order. A call gives up by itself
/// after a time that its implementation sets.
pub trait Queue: Send + Sync + 'static {
    /// Returns the queue's name; it labels metrics and spans.
    fn name(&self) -> &str;

    /// Returns whether the queue is FIFO.
    fn is_fifo(&self) -> bool;

    /// Waits for messages and returns up to `request.at_most` of them.
    fn receive(
        &self,
        request: Receive,
    ) -> impl Future<Output = Result<Vec<Received>, QueueError>> + Send;

    /// Deletes messages.
    fn delete(&self, receipts: Vec<Receipt>) -> impl Future<Output = BatchResult> + Send;

    /// Makes messages visible after these whole seconds from now.
    fn change_visibility(
        &self,
        changes: Vec<(Receipt, Duration)>,
    ) -> impl Future<Output = BatchResult> + Send;

    /// Sends messages.
    fn send(&self, messages: Vec<Arc<OutgoingMessage>>)
    -> impl Future<Output = BatchResult> + Send;
}

/// One result an entry, in the order of the entries, or the reason for which the whole request failed.
pub type BatchResult = Result<Vec<Result<(), EntryError>>, QueueError>;

/// The proof of having received a message, needed to delete it or to change its visibility.
pub type Receipt = Arc<str>;

/// What to ask of a receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receive {
    /// How many messages at most, 1 to 10.
    pub at_most: usize,
    /// How long to wait for the first, in whole seconds up to 20.
    pub wait: Duration,
    /// How long what is received stays hidden, in whole seconds.
    pub visibility: Duration,
}

/// A message with the receipt of this delivery.
#[derive(Debug, Clone)]
pub struct Received {
    /// The message.
    pub message: Message,
    /// The receipt of this delivery.
    pub receipt: Receipt,
}

/// A message to be sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// The body.
    pub body: String,
    /// The message group: required on a FIFO queue, optional on a standard one (fair queues).
    pub group_id: Option<String>,
    /// The deduplication id, for FIFO queues: SQS drops a repeat of it within five minutes.
    pub deduplication_id: Option<String>,
    /// Message attributes of type String, at most ten.
    pub attributes: BTreeMap<String, String>,
}

impl OutgoingMessage {
    /// Returns the size that SQS counts: the body, and names, types and values of the attributes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let attribute =
            |(name, value): (&String, &String)| name.len() + "String".len() + value.len();
        self.body.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }
}

impl fmt::Debug for OutgoingMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingMessage")
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why a request failed as a whole.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed ({kind})")]
pub struct QueueError {
    /// What sort of failure it was.
    pub kind: ErrorKind,
    /// The operation that failed, as the AWS API calls it.
    pub operation: &'static str,
    /// The client's own error.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The sorts of failure, told apart by the type or code of the error and never by its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Too many requests: the same again later.
    Throttled,
    /// No answer, or the service's own failure: the same again later.
    Unavailable,
    /// Not permitted; people must act, and then it works without a restart.
    Denied,
    /// There is no such queue.
    QueueMissing,
    /// The request is wrong: the same again fails again.
    Invalid,
}

impl ErrorKind {
    /// Returns a constant lower-case word, used as `error.type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Denied => "denied",
            Self::QueueMissing => "queue_missing",
            Self::Invalid => "invalid",
        }
    }

    /// Returns whether the same request may work later without anybody's doing.
    #[must_use]
    pub fn is_transient(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable => true,
            Self::Denied | Self::QueueMissing | Self::Invalid => false,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why one entry of a batch failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry failed with {code}")]
pub struct EntryError {
    /// The service's error code.
    pub code: String,
    /// Whether the same entry may work later.
    pub transient: bool,
}
