//! The port: the requests that a consumer and a sender make to a queue.

pub(crate) mod aws;
#[cfg(feature = "lambda")]
pub(crate) mod event;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::attribute::Attribute;
use crate::message::Message;

/// The most entries in one batch request to SQS.
pub const MAX_BATCH_ENTRIES: usize = 10;

/// The largest message and the largest batch that SQS accepts: 1 MiB, attributes included.
pub const MAX_MESSAGE_BYTES: usize = 1_048_576;

/// The longest visibility timeout of SQS, counted from the receipt of a message: 12 hours.
pub const MAX_VISIBILITY_TIMEOUT: Duration = Duration::from_secs(12 * 60 * 60);

/// Returns whether a message may contain this character (those of XML 1.0; `SendMessage`, SQS API reference).
pub(crate) fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// A queue, as far as this crate uses one: [`SqsQueue`](crate::SqsQueue), or, in tests, the fake queue of the
/// feature `testing`.
///
/// Batch requests take 1 to 10 entries and return one result an entry, in the same order. The implementation sets the timeout of a
/// request.
pub trait Queue: Send + Sync + 'static {
    /// Returns the queue's name; it labels metrics and spans.
    fn name(&self) -> &str;

    /// Returns whether the queue is FIFO.
    fn is_fifo(&self) -> bool;

    /// Waits for messages and returns up to `request.max_messages` of them.
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

/// The receipt handle of a delivery, needed to delete the message or to change its visibility timeout.
pub type Receipt = Arc<str>;

/// The parameters of a receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receive {
    /// The most messages to return, 1 to 10.
    pub max_messages: usize,
    /// How long to wait for the first message, in whole seconds up to 20.
    pub wait_time: Duration,
    /// How long received messages stay hidden from other consumers, in whole seconds.
    pub visibility_timeout: Duration,
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
    /// Message attributes, at most ten.
    pub attributes: BTreeMap<String, Attribute>,
}

impl OutgoingMessage {
    /// Makes a message of a body alone.
    #[must_use]
    pub fn new(body: impl Into<String>) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    /// Returns the size that SQS counts: the body, and names, types and values of the attributes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let attribute = |(name, value): (&String, &Attribute)| name.len() + value.len();
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
    /// The kind of failure.
    pub kind: ErrorKind,
    /// The operation that failed, as the AWS API calls it.
    pub operation: &'static str,
    /// The client's own error.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of failure, classified by the type or code of the error and never by its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Too many requests: the same request may succeed later.
    Throttled,
    /// No answer, or a failure of the service: the same request may succeed later.
    Unavailable,
    /// Not permitted. Once an operator has granted the permission, the request succeeds without a restart.
    Denied,
    /// The queue does not exist.
    QueueNotFound,
    /// The request is invalid: the same request fails again.
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
            Self::QueueNotFound => "queue_missing",
            Self::Invalid => "invalid",
        }
    }

    /// Returns whether the same request may succeed later without intervention.
    #[must_use]
    pub fn is_transient(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable => true,
            Self::Denied | Self::QueueNotFound | Self::Invalid => false,
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
    /// Whether the same entry may succeed later.
    pub transient: bool,
}
