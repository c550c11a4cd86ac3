//! The stream processor: a record becomes a change, the change becomes reactions.

mod handler;
mod observer;

pub use handler::ReactionHandler;
pub(crate) use observer::StreamObserver;
