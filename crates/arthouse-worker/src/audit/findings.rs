use std::sync::{Mutex, MutexGuard, PoisonError};

use arthouse_core::Violation;
use arthouse_store::Unreadable;
use serde::Serialize;

/// How much an audit has looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AuditCounts {
    /// Applications that wait for their payment.
    pub applications: u64,
    /// Paid enrolments.
    pub enrollments: u64,
    /// Sessions of the enrolments.
    pub sessions: u64,
    /// Sessions that were looked at for whether they belong to an enrolment.
    #[serde(skip)]
    pub session_keys: u64,
    /// Receipts of commands.
    pub receipts: u64,
}

/// What an audit found.
#[derive(Debug, Clone, Default)]
pub struct AuditReport {
    /// What was looked at.
    pub counts: AuditCounts,
    /// How many invariants don't hold.
    pub violated: u64,
    /// How many may be reactions that are still under way.
    pub pending: u64,
    /// How many items can't be read and break no invariant that has a number: of these the audit can't tell.
    pub undecided: u64,
    /// What does not hold, and what is under way; as many as were asked for of each.
    pub violations: Vec<Violation>,
    /// The items that can't be read; as many as were asked for.
    pub unreadable: Vec<Unreadable>,
}

/// What was found so far; segments add to it side by side.
pub(super) struct Findings {
    listed: usize,
    report: Mutex<AuditReport>,
}

impl Findings {
    pub(super) fn up_to(listed: usize) -> Self {
        Self {
            listed,
            report: Mutex::default(),
        }
    }

    pub(super) fn add(&self, violation: Violation) {
        let mut report = self.report();
        let count = if violation.pending {
            &mut report.pending
        } else {
            &mut report.violated
        };
        *count += 1;
        if *count <= self.listed as u64 {
            report.violations.push(violation);
        }
    }

    pub(super) fn add_unreadable(&self, defect: Unreadable) {
        let mut report = self.report();
        report.undecided += 1;
        if report.undecided <= self.listed as u64 {
            report.unreadable.push(defect);
        }
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut AuditCounts)) {
        count(&mut self.report().counts);
    }

    pub(super) fn counts(&self) -> AuditCounts {
        self.report().counts
    }

    pub(super) fn into_report(self) -> AuditReport {
        self.report
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self) -> MutexGuard<'_, AuditReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
