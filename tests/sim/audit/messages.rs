//! What was said: each command's one outcome, each notification that a change calls for, and no contact detail in any.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arthouse_core::Notification;
use serde_json::Value;

use super::queues::{drain, notice};
use super::records::Records;
use super::repairs::Repairs;
use super::{Check, Findings};
use crate::aws::{ApiCall, ApiReply, Aws};
use crate::school::{CONTACT_MARKS, Command};

#[derive(Debug, Default)]
pub(super) struct Messages {
    sent: BTreeSet<String>,
    /// By body: the reason with which a message must be given up.
    doomed: BTreeMap<String, &'static str>,
    /// The bodies of what was given up.
    buried: BTreeSet<String>,
    /// The commands whose outcome a queue has taken.
    outcomes: BTreeSet<String>,
    /// By id: the body of each notification that a change called for.
    expected: BTreeMap<String, String>,
    /// By id: how a sweep over the tables may tell the same. Records don't show in which order charges were made, so that the
    /// balance after one of them may be another.
    retold: BTreeMap<String, BTreeSet<String>>,
    /// The gaps of which whoever is on call has been told.
    noticed: BTreeSet<String>,
    /// The ids of the notifications that a queue has taken.
    told: BTreeSet<String>,
}

impl Messages {
    pub(super) fn sent(&mut self, command: &Command) {
        match command.doomed {
            Some(reason) => {
                self.doomed.insert(command.body.clone(), reason);
            }
            None => {
                self.sent.insert(command.id.clone());
            }
        }
    }

    /// Something calls for a notification; returns its id.
    pub(super) fn expect(&mut self, notification: &Notification) -> String {
        let event = notification.event();
        let id = event.id.as_str().to_owned();
        self.expected.insert(id.clone(), event.to_body());
        id
    }

    /// A sweep may tell it like this.
    pub(super) fn allow(&mut self, notification: &Notification) {
        let event = notification.event();
        let bodies = self.retold.entry(event.id.as_str().to_owned());
        bodies.or_default().insert(event.to_body());
    }

    pub(super) fn observe(
        &mut self,
        call: &ApiCall,
        reply: &ApiReply,
        now: Duration,
        findings: &mut Findings,
    ) {
        let (request, answer) = (call.json(), reply.json());
        let queue = request["QueueUrl"].as_str().unwrap_or_default();
        let taken: BTreeSet<_> = answer["Successful"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| entry["Id"].as_str())
            .collect();
        for entry in request["Entries"].as_array().into_iter().flatten() {
            let body = entry["MessageBody"].as_str().unwrap_or_default();
            let sent = entry["Id"].as_str().is_some_and(|id| taken.contains(id));
            if queue.ends_with("arthouse-commands-dlq.fifo") {
                let attributes = &entry["MessageAttributes"];
                let reason = attributes["reason"]["StringValue"].as_str();
                if reason != self.doomed.get(body).copied() {
                    findings.add(Check::DeadLetter, now, format!("given up: {attributes}"));
                } else if sent {
                    self.buried.insert(body.to_owned());
                }
                continue;
            }
            if let Some(mark) = CONTACT_MARKS.iter().find(|mark| body.contains(**mark)) {
                findings.add(
                    Check::Invariant(10),
                    now,
                    format!("{mark} in a message to {queue}"),
                );
            }
            if sent {
                self.note(queue, body);
            }
        }
    }

    /// The gaps of which whoever is on call has been told.
    pub(super) fn noticed(&self) -> &BTreeSet<String> {
        &self.noticed
    }

    pub(super) fn has_outcome(&self, command: &str) -> bool {
        self.outcomes.contains(command)
    }

    /// What is still to be said, but for notifications that nobody can know of any more.
    pub(super) fn pending(&self, untellable: &BTreeSet<&str>) -> Vec<String> {
        let commands = self.sent.difference(&self.outcomes);
        let commands = commands.map(|id| format!("command {id} has no outcome"));
        let untold = self
            .expected
            .iter()
            .filter(|(id, _)| !self.told.contains(*id) && !untellable.contains(id.as_str()));
        let untold = untold.map(|(id, body)| format!("notification {id} was not sent: {body}"));
        let doomed = self.doomed.keys();
        let alive = doomed.filter(|body| !self.buried.contains(*body));
        let alive = alive.map(|body| format!("not given up: {body}"));
        commands.chain(untold).chain(alive).collect()
    }

    /// Reads the queues as the systems downstream do, and compares.
    pub(super) fn close(
        &self,
        aws: &Aws,
        urls: &arthouse_worker::QueueUrls,
        (records, repairs): (&Records, &Repairs),
        untellable: &BTreeSet<&str>,
        now: Duration,
        findings: &mut Findings,
    ) {
        let mut outcomes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for body in drain(aws, &urls.outcomes) {
            let event: Value = serde_json::from_str(&body).unwrap_or_default();
            let id = event["data"]["command_id"].as_str().unwrap_or_default();
            outcomes.entry(id.to_owned()).or_default().insert(body);
        }
        for id in &self.sent {
            let told = outcomes.remove(id).unwrap_or_default();
            let told: Vec<_> = told.iter().map(|body| said(body)).collect();
            let stored = records.outcome(id);
            if told.is_empty() || told.iter().any(|one| Some(one) != stored.as_ref()) {
                let detail = format!("command {id}: stored {stored:?}, told {told:?}");
                findings.add(Check::Invariant(6), now, detail);
            }
        }
        if let Some(id) = outcomes.keys().next() {
            findings.add(
                Check::Invariant(6),
                now,
                format!("an outcome of no command: {id}"),
            );
        }
        let mut told: BTreeSet<String> = BTreeSet::new();
        for body in drain(aws, &urls.notifications) {
            let event: Value = serde_json::from_str(&body).unwrap_or_default();
            let id = event["id"].as_str().unwrap_or_default().to_owned();
            let expected = self.expected.get(&id);
            let retold = self.retold.get(&id).filter(|_| expected.is_some());
            if expected != Some(&body) && !retold.is_some_and(|it| it.contains(&body)) {
                findings.add(
                    Check::Invariant(7),
                    now,
                    format!("told {body}, expected {expected:?}"),
                );
            }
            told.insert(id);
        }
        for (id, body) in &self.expected {
            if !told.contains(id) && !untellable.contains(id.as_str()) {
                findings.add(Check::Invariant(7), now, format!("not told: {id} {body}"));
            }
        }
        let notices: BTreeSet<String> = drain(aws, &urls.stream_dlq)
            .iter()
            .map(|body| notice(body))
            .collect();
        let gaps: BTreeSet<String> = repairs.keys().map(str::to_owned).collect();
        for one in notices.symmetric_difference(&gaps) {
            let detail = if gaps.contains(one) {
                format!("no notice of the gap {one}")
            } else {
                format!("a notice of no gap: {one}")
            };
            findings.add(Check::Notice, now, detail);
        }
    }

    fn note(&mut self, queue: &str, body: &str) {
        let event: Value = serde_json::from_str(body).unwrap_or_default();
        if queue.ends_with("arthouse-outcomes.fifo") {
            let id = event["data"]["command_id"].as_str().unwrap_or_default();
            self.outcomes.insert(id.to_owned());
        } else if queue.ends_with("arthouse-stream-dlq") {
            self.noticed.insert(notice(body));
        } else if queue.ends_with("arthouse-notifications.fifo") {
            self.told
                .insert(event["id"].as_str().unwrap_or_default().to_owned());
        }
    }
}

/// What an outcome on the wire says: its kind, and the code if it was rejected.
fn said(body: &str) -> (String, Option<String>) {
    let event: Value = serde_json::from_str(body).unwrap_or_default();
    let kind = match event["type"].as_str() {
        Some("com.digitalarthouse.command.applied.v1") => "Applied",
        Some("com.digitalarthouse.command.rejected.v1") => "Rejected",
        _ => "unknown",
    };
    (
        kind.to_owned(),
        event["data"]["code"].as_str().map(str::to_owned),
    )
}
