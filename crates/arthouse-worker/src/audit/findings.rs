use std::sync::{Mutex, MutexGuard, PoisonError};

use arthouse_core::{OffTimetable, Violation};
use arthouse_store::Unreadable;
use serde::Serialize;

/// The numbers of records that an audit has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AuditCounts {
    /// Applications that wait for payment.
    pub applications: u64,
    /// Paid enrolments.
    pub enrollments: u64,
    /// Sessions of the enrolments.
    pub sessions: u64,
    /// Session keys that were checked for an enrolment.
    #[serde(skip)]
    pub session_keys: u64,
    /// Receipts of commands.
    pub receipts: u64,
}

/// The result of an audit.
#[derive(Debug, Clone, Default)]
pub struct AuditReport {
    /// The numbers of records that were read.
    pub counts: AuditCounts,
    /// The number of violations.
    pub violated: u64,
    /// The number of findings that may be reactions not carried out yet.
    pub pending: u64,
    /// The number of unreadable items that violate no numbered invariant; the audit can't judge them.
    pub undecided: u64,
    /// The number of sessions that are not at a time of their timetable, which violates nothing.
    pub off_timetable: u64,
    /// The violations and the pending findings, up to the limit of each.
    pub violations: Vec<Violation>,
    /// The unreadable items, up to the limit.
    pub unreadable: Vec<Unreadable>,
    /// The sessions that are not at a time of their timetable, up to the limit.
    pub sessions_off_timetable: Vec<OffTimetable>,
}

/// The findings so far; parallel segments add to them.
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

    pub(super) fn add_off_timetable(&self, session: OffTimetable) {
        let mut report = self.report();
        report.off_timetable += 1;
        if report.off_timetable <= self.listed as u64 {
            report.sessions_off_timetable.push(session);
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
