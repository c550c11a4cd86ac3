#![doc = include_str!("../README.md")]

mod error;
mod handler;
mod item;
mod observer;
mod record;
mod settings;

mod batch;
mod processor;

mod coordinator;
mod discovery;
mod shard;

mod attempt;
mod item_queues;
mod lease;
mod lineage;
mod pacing;
mod parking;
mod watermark;

mod source;
mod store;

pub mod lease_table;
mod sdk_client;
mod sdk_error;

mod operations;
mod redrive;
mod status;

mod monitor;

mod arn;
mod clock;
mod sequence;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod model;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod testing;

pub use batch::{BatchProcessor, BatchReport};
pub use clock::WallClock;
pub use error::{BoxError, Error};
pub use handler::{Context, Disposition, Handler};
pub use item::{Item, ItemId, ItemKey};
pub use lease_table::create_lease_table;
pub use monitor::{Counters, Monitor, Snapshot};
pub use observer::{GapCause, GapRecord, NoopObserver, Observer, ParkedRecord};
pub use operations::Operations;
pub use processor::{Processor, ProcessorBuilder};
pub use record::{EventKind, Record, UserIdentity};
pub use redrive::{RedriveReport, RemainingItem, Selection, SkipPolicy};
pub use settings::{RetryPolicy, Settings, StartPosition};
pub use status::{ShardStatus, Status, WorkerStatus};
pub use store::{ParkedItem, SkippedRecord};
