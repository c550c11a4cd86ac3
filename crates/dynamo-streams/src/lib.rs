#![doc = include_str!("../README.md")]

mod error;
mod handler;
mod observer;
mod record;
mod settings;

mod batch;
mod processor;

mod coordinator;
mod discovery;
mod heartbeat;
mod shard;

mod lanes;
mod lease;
mod lineage;
mod pacing;
mod quarantine;
mod watermark;

mod source;
mod store;

pub mod lease_table;
mod sdk_client;
mod sdk_error;

mod operations;
mod redrive;
mod status;

mod figures;

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
pub use figures::{Counts, Monitor, Pulse, Snapshot};
pub use handler::{Disposition, RecordContext, RecordHandler};
pub use lease_table::create_lease_table;
pub use observer::{GapCause, GapRecord, Observer, QuarantinedRecord, Unobserved};
pub use operations::Operations;
pub use processor::{Processor, ProcessorBuilder, Summary};
pub use record::{EventKind, Item, LaneId, Record, UserIdentity};
pub use redrive::{RedriveReport, Selection};
pub use settings::{RetryPolicy, Settings, StartPosition};
pub use status::{ShardStatus, Status, WorkerStatus};
pub use store::ParkedLane;
