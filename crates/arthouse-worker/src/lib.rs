#![doc = include_str!("../README.md")]

mod aws;
mod clock;
mod log;
mod names;
mod settings;

mod queues;

mod commands;
mod reactions;

mod audit;
mod reconcile;

pub use aws::{Clients, LOCAL_CREDENTIALS, LOCAL_REGION, NoRegion};
pub use clock::Clock;
pub use log::{LogError, LogFormat, log_cap, start_log};
pub use names::Names;
pub use queues::{
    Queue, QueueError, QueueNames, QueueUrls, find_queues, protect_queues, provision_queues,
};
pub use settings::Settings;

pub use commands::{CommandHandler, command_message, command_worker};
pub use reactions::{
    APPLICATION, ReactionHandler, StreamObserver, StreamWorkers, reaction_handler,
    stream_processor, stream_workers,
};

pub use audit::{AuditCounts, AuditObserver, AuditOptions, AuditReport, audit_tables};
pub use reconcile::{
    Begin, GapRepair, ReconcileError, ReconcileObserver, ReconcileOptions, ReconcileReport,
    ReconcileStep, Reconciler,
};

use std::error::Error;

/// Writes an error and what caused it in one line, for the log: once, where it is handled.
fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}
