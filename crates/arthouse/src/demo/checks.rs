//! Checks at the end of the demo that the invariants hold, one by one (README, "What always holds").

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use arthouse_core::{EventId, owed};
use arthouse_store::StudentRecords;
use arthouse_worker::{AuditObserver, AuditOptions, AuditReport, audit_tables};
use tokio::sync::mpsc;

use super::ledger::Ledger;
use super::listener::Heard;
use crate::Stack;

/// How long reactions may take to settle after the last outcome.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);
/// How often the tables are looked at meanwhile, if nothing is heard.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// An invariant, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) number: u8,
    pub(super) rule: &'static str,
    pub(super) problems: Vec<String>,
}

/// Waits until nothing is under way any more, then says of each invariant whether it holds.
pub(super) async fn settle(
    stack: &Stack,
    heard: &mut mpsc::Receiver<Heard>,
    ledger: &mut Ledger,
) -> Result<Vec<Check>> {
    let started = Instant::now();
    loop {
        while let Ok(heard) = heard.try_recv() {
            ledger.note(heard);
        }
        let due = NotificationsDue::default();
        let report = audit_tables(&stack.store, &AuditOptions::default(), &due).await?;
        let due = due.into_ids();
        let settled = report.pending == 0 && wrong_notifications(ledger, &due).is_empty();
        if settled || started.elapsed() > SETTLE_LIMIT {
            return Ok(checks(ledger, &report, &due));
        }
        if let Ok(Some(heard)) = tokio::time::timeout(LOOK_INTERVAL, heard.recv()).await {
            ledger.note(heard);
        }
    }
}

/// Gathers from the records that the audit reads which notifications they call for.
#[derive(Debug, Default)]
struct NotificationsDue(Mutex<BTreeMap<EventId, &'static str>>);

impl NotificationsDue {
    fn into_ids(self) -> BTreeMap<EventId, &'static str> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditObserver for NotificationsDue {
    fn records(&self, records: &StudentRecords) {
        let (application, enrollment) = (records.application.as_ref(), records.enrollment.as_ref());
        let owed = owed(application, enrollment, &records.sessions);
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        due.extend(
            owed.notifications
                .iter()
                .map(|notification| (notification.id().clone(), notification.name())),
        );
    }
}

/// The invariants by their numbers in the README, "What always holds".
const RULES: [(u8, &str); 10] = [
    (1, "each balance is the cost less the charges"),
    (
        2,
        "each attended or skipped session is charged once, no other is",
    ),
    (
        3,
        "sessions remaining are the duration less the attended ones",
    ),
    (4, "nobody is both applied and paid"),
    (
        5,
        "each enrolment has its sessions, whose costs sum to its cost",
    ),
    (6, "each command has one outcome, the expected one"),
    (
        7,
        "each change that calls for a notification yielded one id",
    ),
    (8, "a session is paid exactly when attended or skipped"),
    (9, "a session has both or none of its two dates"),
    (10, "no contact detail in any outcome or notification"),
];

fn checks(
    ledger: &Ledger,
    report: &AuditReport,
    due: &BTreeMap<EventId, &'static str>,
) -> Vec<Check> {
    let mut problems: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    for violation in &report.violations {
        let number = violation.invariant.number();
        problems
            .entry(number)
            .or_default()
            .push(violation.to_string());
    }
    let unreadable = report.unreadable.iter().map(ToString::to_string);
    problems.entry(5).or_default().extend(unreadable);
    problems
        .entry(6)
        .or_default()
        .extend(ledger.wrong_outcomes());
    problems
        .entry(7)
        .or_default()
        .extend(wrong_notifications(ledger, due));
    problems.insert(10, ledger.leaks().to_vec());
    let check = |(number, rule)| Check {
        number,
        rule,
        problems: problems.remove(&number).unwrap_or_default(),
    };
    RULES.into_iter().map(check).collect()
}

/// Compares what was heard with what the tables call for. Of an application that was paid since, only its payment still is in the
/// tables.
fn wrong_notifications(ledger: &Ledger, due: &BTreeMap<EventId, &'static str>) -> Vec<String> {
    let heard = ledger.notifications();
    let missing = due
        .iter()
        .filter(|(id, _)| !heard.contains_key(id.as_str()));
    let missing = missing.map(|(id, name)| format!("{name} {id} was not heard"));
    let due_ids: BTreeSet<_> = due.keys().map(EventId::as_str).collect();
    let is_paid_since = |name: &str| name == "application.received";
    let strange = heard
        .iter()
        .filter(|(id, name)| !due_ids.contains(id.as_str()) && !is_paid_since(name));
    let strange =
        strange.map(|(id, name)| format!("{name} {id} was heard, but nothing calls for it"));
    let count = |wanted: &str| heard.values().filter(|name| *name == wanted).count();
    let paid = due
        .values()
        .filter(|name| **name == "payment.confirmed")
        .count();
    let waiting = due
        .values()
        .filter(|name| **name == "application.received")
        .count();
    let applied = count("application.received");
    let lost = (applied != paid + waiting).then(|| {
        format!(
            "{applied} application.received were heard of {}",
            paid + waiting
        )
    });
    missing.chain(strange).chain(lost).collect()
}
