#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[macro_use]
mod setters;

mod attribute;
mod context;
mod handler;
mod message;
mod trace;

mod batch;
mod consumer;
mod error;
mod monitor;
mod retry;
mod settings;

mod driver;
mod history;
mod table;

mod queue;
/// Sending in batches: many tasks send one message each, and up to ten messages share a request.
pub mod sender;
#[cfg(feature = "metrics")]
mod telemetry;
#[cfg(not(feature = "metrics"))]
#[path = "telemetry/off.rs"]
mod telemetry;

/// The message attributes that a dead letter has from this crate.
pub mod dead_letter;

/// A queue in memory with faults on demand, for tests of handlers and of whole consumers.
#[cfg(feature = "testing")]
pub mod testing;

pub use attribute::Attribute;
pub use batch::{BatchConsumer, BatchReport};
pub use consumer::{Consumer, ConsumerBuilder};
pub use context::{CancelReason, Context};
pub use error::Error;
pub use handler::{Disposition, Handler, HandlerFn, handler_fn};
pub use message::Message;
pub use monitor::{Counters, Monitor, Snapshot};
pub use queue::aws::SqsQueue;
#[cfg(feature = "lambda")]
pub use queue::event::EventError;
pub use queue::{
    BatchResult, EntryError, ErrorKind, MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES,
    MAX_VISIBILITY_TIMEOUT, OutgoingMessage, Queue, QueueError, Receipt, Receive, Received,
};
pub use retry::RetryPolicy;
#[doc(no_inline)]
pub use sender::{BatchSender, SendError, SenderCounters, SenderSettings};
pub use settings::Settings;
pub use trace::TraceContext;

/// The crates whose types are in signatures of this one, in the versions that it uses.
#[doc(no_inline)]
pub use aws_sdk_sqs;
#[cfg(feature = "lambda")]
#[doc(no_inline)]
pub use serde_json;
#[doc(no_inline)]
pub use tokio_util::sync::CancellationToken;
#[doc(no_inline)]
pub use tracing::Span;
