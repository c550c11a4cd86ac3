//! One file a command.

pub(crate) mod audit;
pub(crate) mod course;
pub(crate) mod healthy;
#[cfg(feature = "local")]
pub(crate) mod local;
pub(crate) mod outcome;
pub(crate) mod pending;
pub(crate) mod progress;
pub(crate) mod provision;
pub(crate) mod reconcile;
pub(crate) mod redrive;
pub(crate) mod roster;
pub(crate) mod schema;
pub(crate) mod send;
pub(crate) mod status;
pub(crate) mod streams;
pub(crate) mod worker;
