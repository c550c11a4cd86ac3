#![doc = include_str!("../README.md")]

mod context;
mod handler;
mod message;
mod trace;

mod batch;
mod consumer;
mod error;
mod retry;
mod settings;
mod stats;

mod dead_letter;
mod driver;
mod ledger;
mod table;

mod queue;
mod sender;
mod telemetry;

pub use batch::{BatchConsumer, BatchReport};
pub use consumer::{Consumer, ConsumerBuilder};
pub use context::{CancelReason, Context};
pub use error::Error;
pub use handler::{Disposition, Handler, HandlerFn, handler_fn};
pub use message::Message;
pub use queue::{
    BatchResult, ENTRIES_AT_MOST, EntryError, ErrorKind, EventError, OutgoingMessage, Queue,
    QueueError, Receipt, Receive, Received, SqsQueue,
};
pub use retry::RetryPolicy;
pub use sender::{BYTES_AT_MOST, BatchSender, SendError, SenderSettings, SenderStats};
pub use settings::{LONGEST_VISIBILITY, Settings};
pub use stats::{Requests, Stats, StatsHandle, Summary};
pub use trace::TraceContext;

/// A queue in memory with faults on demand, for tests of handlers and of whole consumers.
pub mod memory {
    pub use crate::queue::{Fault, MemoryQueue, Operation};
}
