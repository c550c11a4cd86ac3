#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[macro_use]
mod setters;

mod error;
mod handler;
mod item;
mod observer;
mod record;
mod settings;

#[cfg(feature = "lambda")]
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

/// The lease table: one DynamoDB table that keeps leases, heartbeats, streams, parked records and gaps.
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

/// DynamoDB in memory, for tests of handlers and of whole processors.
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "lambda")]
pub use batch::{BatchProcessor, BatchReport};
pub use clock::WallClock;
pub use error::{BoxError, Error};
pub use handler::{Context, Disposition, Handler, HandlerFn, handler_fn};
pub use item::{Item, ItemId, ItemKey};
#[doc(no_inline)]
pub use lease_table::create_lease_table;
pub use monitor::{Counters, Monitor, Snapshot};
pub use observer::{BoxFuture, GapCause, GapRecord, NoopObserver, Observer, ParkedRecord};
pub use operations::Operations;
pub use processor::{Processor, ProcessorBuilder};
pub use record::{EventKind, Record, UserIdentity};
pub use redrive::{RedriveReport, RemainingItem, Selection, SkipPolicy};
pub use settings::{RetryPolicy, Settings, StartPosition};
pub use status::{ShardStatus, Status, WorkerStatus};
pub use store::{ParkedItem, SkippedRecord};

/// The crates whose types are in signatures of this one, in the versions that it uses.
#[doc(no_inline)]
pub use aws_sdk_dynamodb;
#[doc(no_inline)]
pub use aws_sdk_dynamodbstreams;
#[cfg(feature = "lambda")]
#[doc(no_inline)]
pub use serde_json;
#[doc(no_inline)]
pub use tokio_util::sync::CancellationToken;

// The tests of whole workers, the model and the suites of the ports: they see what is private and are no part of the product.
#[cfg(test)]
#[path = "../tests/internal"]
mod internal {
    pub(crate) mod fakes;
    pub(crate) mod samples;
    pub(crate) mod world;

    mod conformance;
    mod histories;
    mod model;
    mod scenarios;
}
