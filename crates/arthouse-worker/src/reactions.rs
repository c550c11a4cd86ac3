//! The stream processor: a record becomes a change, the change becomes reactions.

mod handler;
mod observer;
mod skip;

pub use handler::ReactionHandler;
pub(crate) use observer::StreamObserver;
pub use skip::{RecordSkips, SkippedRecords};
