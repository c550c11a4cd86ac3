#![doc = include_str!("../README.md")]

mod error;
mod handler;
mod observer;
mod record;
mod settings;

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
mod sdk_error;

mod operations;
mod redrive;
mod status;

mod figures;

mod arn;
mod sequence;

#[cfg(test)]
mod testing;

use chrono::{DateTime, Utc};

pub use error::{BoxError, Error};
pub use figures::{Counts, Monitor, Snapshot};
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

/// The time as people see it: for ages and stamps, never for judging who is alive.
fn wall_clock() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}
