//! What must hold, checked after every commit and in the end.

mod changes;
mod finding;
mod images;
mod messages;
mod queues;
mod records;
mod repairs;
mod streams;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use dynamo_streams::Record;

use crate::aws::{ApiCall, ApiReply, Aws, CommittedWrite, Trimmed};
use crate::school::Command;
use changes::Changes;
use finding::Findings;
pub(crate) use finding::{Check, Finding};
use messages::Messages;
use records::Records;
use repairs::Repairs;
pub(crate) use repairs::Toll;
use streams::Streams;

#[derive(Clone, Debug, Default)]
pub(crate) struct Auditor(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    findings: Findings,
    records: Records,
    messages: Messages,
    streams: Streams,
    changes: Changes,
    repairs: Repairs,
    /// Whether reactions may be carried out from what the tables hold.
    swept: bool,
}

/// What it learns.
impl Auditor {
    /// One to whom reactions may be carried out from what the tables hold, too.
    pub(crate) fn of_sweeps(aws: &Aws) -> Self {
        let auditor = Self::default();
        auditor.state().swept = true;
        auditor.state().repairs.lines = Some(aws.clone());
        auditor
    }

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

    /// An item was written, perhaps by a repair: by whoever has no record or command in hand.
    pub(crate) fn committed(&self, write: &CommittedWrite, by_repair: bool, now: Duration) {
        let State {
            findings,
            records,
            messages,
            streams,
            changes,
            repairs,
            ..
        } = &mut *self.state();
        if write.table == "Leases" {
            streams.lease_written(write, now, findings);
            let gap = images::text(&write.key, "PK").is_some_and(|key| key.starts_with("GAP#"));
            if let Some(key) = images::text(&write.key, "SK").filter(|_| gap) {
                repairs.gap_written(key, write, now);
            }
            return;
        }
        let called_for = records.committed(write, now, findings);
        let ids = called_for.iter().map(|it| messages.expect(it)).collect();
        changes.written(write, now, ids);
        if by_repair {
            repairs.item_written(write);
        }
    }

    /// A stream has dropped a record.
    pub(crate) fn trimmed(&self, trimmed: &Trimmed) {
        let State {
            streams, changes, ..
        } = &mut *self.state();
        let number = trimmed.record["dynamodb"]["SequenceNumber"].as_str();
        streams.passable(&trimmed.table, number.unwrap_or_default());
        changes.trimmed(trimmed);
    }

    /// All writes of a call are known.
    pub(crate) fn end_of_call(&self, now: Duration) {
        let State {
            findings,
            records,
            messages,
            swept,
            ..
        } = &mut *self.state();
        if *swept {
            records.derivable().iter().for_each(|it| messages.allow(it));
        }
        records.check_touched(now, findings);
    }

    pub(crate) fn record_begun(&self, record: &Record, now: Duration) {
        let State {
            findings, changes, ..
        } = &mut *self.state();
        changes.begun(record, now, findings);
    }

    pub(crate) fn record_done(&self, record: &Record) {
        let State {
            streams, changes, ..
        } = &mut *self.state();
        streams.passable(&record.table_name, &record.sequence_number);
        changes.done(record);
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
        let mut pending = state.messages.pending(&state.untellable());
        pending.extend(state.records.pending());
        pending.extend(state.repairs.pending(state.messages.noticed()));
        let lost = state.changes.lost();
        let unnoticed = lost.filter(|lost| state.repairs.since(lost.shard, lost.at).is_none());
        pending.extend(unnoticed.map(|lost| format!("it was not noticed: {lost:?}")));
        pending
    }

    /// Which shards a reader has kept its place in, that had none before, since the last time.
    pub(crate) fn take_begun(&self) -> Vec<(String, String)> {
        self.state().streams.take_begun()
    }

    /// Whether the processors know where to begin: from now on they are to miss nothing.
    pub(crate) fn is_seeded(&self) -> bool {
        self.state().streams.seeded() == 2
    }

    /// What was lost, and what was done about it.
    pub(crate) fn toll(&self) -> Toll {
        let state = self.state();
        Toll {
            lost: state.changes.lost().count() as u64,
            untellable: state.untellable().len() as u64,
            gaps: state.repairs.keys().count() as u64,
            made: state.repairs.made,
        }
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
        let state = &mut *self.state();
        let mut findings = std::mem::take(&mut state.findings);
        let kept = (&state.records, &state.repairs);
        let untellable = state.untellable();
        let messages = &state.messages;
        messages.close(aws, urls, kept, &untellable, now, &mut findings);
        state.findings = findings;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics over the audit")
    }
}

impl State {
    /// The notifications that nobody can know of any more: their records are lost, and the items went before the repair was through.
    fn untellable(&self) -> BTreeSet<&str> {
        let lost = self.changes.lost().filter(|lost| {
            let repaired = self.repairs.since(lost.shard, lost.at).flatten();
            lost.gone
                .is_some_and(|gone| repaired.is_none_or(|repaired| gone <= repaired))
        });
        lost.flat_map(|lost| lost.notifications)
            .map(String::as_str)
            .collect()
    }
}
