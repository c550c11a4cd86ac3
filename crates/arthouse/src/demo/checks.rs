//! What must hold at the end, invariant by invariant (`domain.md`, section 5).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use arthouse_core::Violation;
use arthouse_store::{Key, Table};
use arthouse_worker::audit_tables;
use tokio::sync::mpsc;

use super::ledger::Ledger;
use super::listener::Heard;
use crate::stack::Stack;

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
        let violations = audit_tables(&stack.store).await?.violations;
        let due = notifications_due(stack).await?;
        let missing = due.saturating_sub(ledger.notifications().len());
        let settled = missing == 0 && violations.iter().all(|violation| !violation.pending);
        if settled || started.elapsed() > SETTLE_LIMIT {
            return Ok(checks(ledger, &violations, due));
        }
        if let Ok(Some(heard)) = tokio::time::timeout(LOOK_INTERVAL, heard.recv()).await {
            ledger.note(heard);
        }
    }
}

/// Counts the notifications that the tables' state calls for.
async fn notifications_due(stack: &Stack) -> Result<usize> {
    let (mut due, mut start) = (0, None);
    loop {
        let page = stack.store.scan_keys(Table::UsersCourses, start).await?;
        for key in page.items {
            if let Key::Application(user_id, course_id) | Key::Enrollment(user_id, course_id) = key
            {
                let records = stack.store.student(&user_id, &course_id).await?;
                due += 1;
                if let Some(enrollment) = records.enrollment {
                    let moves: usize = records
                        .sessions
                        .iter()
                        .map(|session| session.sequence as usize)
                        .sum();
                    due += 2
                        + enrollment.charges.len()
                        + moves
                        + usize::from(enrollment.is_complete());
                }
            }
        }
        match page.next {
            Some(next) => start = Some(next),
            None => return Ok(due),
        }
    }
}

/// The invariants by number, as `domain.md` counts them.
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

fn checks(ledger: &Ledger, violations: &[Violation], due: usize) -> Vec<Check> {
    let mut problems: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    for violation in violations {
        let number = violation.invariant.number();
        problems
            .entry(number)
            .or_default()
            .push(violation.to_string());
    }
    problems.insert(6, ledger.wrong_outcomes());
    let told = ledger.notifications().len();
    if told != due {
        problems.insert(7, vec![format!("{due} notifications due, {told} heard")]);
    }
    problems.insert(10, ledger.leaks().to_vec());
    let check = |(number, rule)| Check {
        number,
        rule,
        problems: problems.remove(&number).unwrap_or_default(),
    };
    RULES.into_iter().map(check).collect()
}
