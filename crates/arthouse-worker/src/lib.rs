#![doc = include_str!("../README.md")]

mod aws;
mod clock;
mod log;
mod names;
mod settings;
mod time_zones;

mod queues;

mod commands;
mod reactions;

mod audit;
mod reconcile;

mod stack;

pub use arthouse_core::SourceRules;
pub use aws::{Clients, ClientsError, FetchError, LOCAL_CREDENTIALS, LOCAL_REGION, Limits, fetch};
pub use clock::Clock;
pub use log::{LogError, LogFormat, log_cap, start_log};
pub use names::Names;
pub use queues::{Queue, QueueError, QueueNames, QueueUrls, find_queues};
pub use settings::{Settings, local_settings};
pub use time_zones::use_newest_time_zones;

pub use commands::{
    CommandHandler, CommandRedrive, CommandRedriveReport, RemainingDeadLetter, command_message,
};
pub use reactions::{ReactionHandler, RecordSkips, SkippedRecords};

pub use audit::{
    AuditCounts, AuditObserver, AuditOptions, AuditReport, ForeignItems, RefusedSchedule,
    audit_tables,
};
pub use reconcile::{
    Begin, GapRepair, ReconcileError, ReconcileObserver, ReconcileOptions, ReconcileReport,
    ReconcileStep, Reconciler,
};

pub use stack::{
    APPLICATION, CommandWorker, ProvisionError, RunError, RunSummary, Stack, StreamWorkers, Workers,
};

use std::error::Error;

/// Writes an error and its causes in one line: once, where it is handled. A cause that only repeats what was said is left out.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let (mut line, mut source) = (error.to_string(), error.source());
    while let Some(cause) = source {
        let text = cause.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        source = cause.source();
    }
    line
}
