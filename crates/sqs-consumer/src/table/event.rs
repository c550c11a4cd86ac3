//! The events that the table handles and the commands that it returns.

use std::time::{Duration, Instant};

use crate::context::CancelReason;
use crate::handler::Disposition;
use crate::message::Message;
use crate::queue::{EntryError, ErrorKind, Receipt, Receive, Received};

/// Identifies a message in flight within one table; never used twice.
pub(crate) type Key = u64;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// Time has passed.
    Tick,
    /// A receive for `reserved` messages has ended.
    Received {
        reserved: usize,
        result: Result<Vec<Received>, ErrorKind>,
    },
    /// A handler has ended.
    Handled { key: Key, ended: Ended },
    /// The dead-letter queue accepted the copy of a message, or the copy failed for good.
    DeadLettered { key: Key, accepted: bool },
    /// The response to a delete.
    Deleted(Answer),
    /// The response to a visibility change that releases messages.
    Released(Answer),
    /// The response to a heartbeat.
    Renewed(Answer),
    /// The consumer is to shut down.
    Shutdown,
}

/// How a handler ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Returned(Disposition),
    Panicked(String),
    TimedOut,
    /// Dropped at the end of a drain.
    Dropped,
}

/// The entries of a batch request and their results.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) entries: Vec<Entry>,
    pub(crate) result: Result<Vec<Result<(), EntryError>>, ErrorKind>,
}

/// One entry of a batch request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) receipt: Receipt,
    /// For visibility changes: the time for which the message stays hidden, counted from `asked_at`.
    pub(crate) visibility_timeout: Duration,
    pub(crate) asked_at: Instant,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Receive(Receive),
    Start {
        key: Key,
        message: Message,
        attempt: u32,
    },
    Cancel {
        key: Key,
        reason: CancelReason,
    },
    /// Fire the handler's token and drop its future; `Handled` follows.
    TimeOut {
        key: Key,
    },
    /// Drop the handler's future; `Handled` follows.
    Abort {
        key: Key,
    },
    /// Copy the message to the dead-letter queue.
    DeadLetter {
        key: Key,
        message: Message,
        attempt: u32,
        reason: String,
        detail: String,
    },
    Delete(Vec<Entry>),
    Release(Vec<Entry>),
    Renew(Vec<Entry>),
    /// The drain is over: no command follows.
    Stop,
}
