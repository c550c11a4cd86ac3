#![doc = include_str!("../README.md")]

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
mod sender;
mod telemetry;

/// The message attributes that a dead letter has from this crate.
pub mod dead_letter;

/// A queue in memory with faults on demand, for tests of handlers and of whole consumers.
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
pub use queue::event::EventError;
pub use queue::{
    BatchResult, EntryError, ErrorKind, MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES,
    MAX_VISIBILITY_TIMEOUT, OutgoingMessage, Queue, QueueError, Receipt, Receive, Received,
};
pub use retry::RetryPolicy;
pub use sender::BatchSender;
pub use sender::settings::{SendError, SenderCounters, SenderSettings};
pub use settings::Settings;
pub use trace::TraceContext;
