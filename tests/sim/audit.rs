//! What must hold, checked after every commit and in the end.

mod images;
mod messages;
mod records;
mod streams;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use dynamo_streams::Record;

use crate::aws::{ApiCall, ApiReply, Aws, CommittedWrite};
use crate::school::Command;
use messages::Messages;
use records::Records;
use streams::Streams;

/// What was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Check {
    /// An invariant of `domain.md`, section 5, by its number.
    Invariant(u8),
    /// A receipt is written once.
    Receipt,
    /// A command is never given up, and what is none always is.
    DeadLetter,
    /// The checkpoint passes only what is finished.
    Checkpoint,
    /// A checkpoint is written only by who holds the lease.
    Fence,
    /// The records of one item are handled in order.
    ItemOrder,
    /// No record is parked while nothing contradicts it.
    Parked,
    /// Nothing panics.
    Panic,
    /// What is under way comes to an end.
    Settles,
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) check: Check,
    pub(crate) at: Duration,
    pub(crate) detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}: {}", self.check, self.at, self.detail)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Auditor(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    findings: Findings,
    records: Records,
    messages: Messages,
    streams: Streams,
}

#[derive(Debug, Default)]
struct Findings {
    found: Vec<Finding>,
}

/// As many findings as are kept: one is enough to fail.
const KEPT: usize = 20;

impl Findings {
    fn add(&mut self, check: Check, at: Duration, detail: impl Into<String>) {
        let detail = detail.into();
        let known = self
            .found
            .iter()
            .any(|finding| finding.check == check && finding.detail == detail);
        if !known && self.found.len() < KEPT {
            self.found.push(Finding { check, at, detail });
        }
    }
}

/// What it learns.
impl Auditor {
    /// A command was given to the queue.
    pub(crate) fn sent(&self, command: &Command) {
        self.state().messages.sent(command);
    }

    /// A call was carried out.
    pub(crate) fn observe(&self, call: &ApiCall, reply: &ApiReply, now: Duration) {
        if reply.status != 200 {
            return;
        }
        let State {
            findings,
            messages,
            streams,
            ..
        } = &mut *self.state();
        match call.target.as_str() {
            "AmazonSQS.SendMessageBatch" => messages.observe(call, reply, now, findings),
            "DynamoDBStreams_20120810.GetShardIterator" => streams.opened(call, reply),
            "DynamoDBStreams_20120810.GetRecords" => streams.read(call, reply),
            _ => {}
        }
    }

    /// An item was written.
    pub(crate) fn committed(&self, write: &CommittedWrite, now: Duration) {
        let State {
            findings,
            records,
            messages,
            streams,
        } = &mut *self.state();
        if write.table == "Leases" {
            streams.lease_written(write, now, findings);
            return;
        }
        for notification in records.committed(write, now, findings) {
            messages.expect(&notification);
        }
        streams.item_written(write);
    }

    /// All writes of a call are known.
    pub(crate) fn end_of_call(&self, now: Duration) {
        let State {
            findings, records, ..
        } = &mut *self.state();
        records.check_touched(now, findings);
    }

    pub(crate) fn record_begun(&self, record: &Record, now: Duration) {
        let State {
            findings, streams, ..
        } = &mut *self.state();
        streams.begun(record, now, findings);
    }

    pub(crate) fn record_done(&self, record: &Record) {
        self.state().streams.done(record);
    }

    pub(crate) fn panicked(&self, what: &str, now: Duration) {
        self.state().findings.add(Check::Panic, now, what);
    }
}

/// What it tells.
impl Auditor {
    /// What does not hold so far.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.state().findings.found.clone()
    }

    pub(crate) fn has_outcome(&self, command: &str) -> bool {
        self.state().messages.has_outcome(command)
    }

    pub(crate) fn is_initialised(&self, user: &str, course: &str) -> bool {
        self.state().records.is_initialised(user, course)
    }

    pub(crate) fn is_charged(&self, user: &str, course: &str, session: u32) -> bool {
        self.state().records.is_charged(user, course, session)
    }

    /// What is still to come.
    pub(crate) fn pending(&self) -> Vec<String> {
        let state = self.state();
        let mut pending = state.messages.pending();
        pending.extend(state.records.pending());
        pending
    }

    /// What was still to come when time was up.
    pub(crate) fn not_settled(&self, what: &str, now: Duration) {
        let pending = self.pending();
        let mut state = self.state();
        state.findings.add(Check::Settles, now, what);
        for one in pending {
            state.findings.add(Check::Settles, now, one);
        }
    }

    /// Looks at what lies in the queues, for good.
    pub(crate) fn close(&self, aws: &Aws, urls: &arthouse_worker::QueueUrls, now: Duration) {
        let State {
            findings,
            messages,
            records,
            ..
        } = &mut *self.state();
        messages.close(aws, urls, records, now, findings);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics over the audit")
    }
}
