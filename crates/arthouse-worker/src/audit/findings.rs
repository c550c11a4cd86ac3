use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arthouse_core::{OffTimetable, ScheduleError, Timestamp, Violation};
use arthouse_store::{Key, Table, Unreadable};
use serde::Serialize;

/// The numbers of records that an audit has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AuditCounts {
    /// Courses.
    pub courses: u64,
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

/// Items of a table that are of no known family: another program's, or a later version's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignItems {
    /// The key of one of them.
    pub key: String,
    /// How many there are.
    pub items: u64,
}

/// A record whose schedule would be refused today, and has no dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedSchedule {
    /// The record's key.
    pub key: Key,
    /// Why it would be refused.
    pub problem: String,
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
    /// When the oldest of these became due, as far as the records tell.
    pub pending_since: Option<Timestamp>,
    /// The number of unreadable items that violate no numbered invariant; the audit can't judge them.
    pub undecided: u64,
    /// The number of sessions that are not at a time of their timetable, which violates nothing.
    pub off_timetable: u64,
    /// The number of schedules that would be refused today, which violates nothing.
    pub refused: u64,
    /// The items of no known family, which are passed over.
    pub foreign: BTreeMap<Table, ForeignItems>,
    /// The violations and the pending findings, up to the limit of each.
    pub violations: Vec<Violation>,
    /// The unreadable items, up to the limit.
    pub unreadable: Vec<Unreadable>,
    /// The sessions that are not at a time of their timetable, up to the limit.
    pub sessions_off_timetable: Vec<OffTimetable>,
    /// The schedules that would be refused today, up to the limit.
    pub refused_schedules: Vec<RefusedSchedule>,
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
            let since = report.pending_since.into_iter().chain(violation.since);
            report.pending_since = since.min();
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

    pub(super) fn add_foreign(&self, defect: Unreadable) {
        let mut report = self.report();
        let found = report.foreign.entry(defect.table);
        let found = found.or_insert_with(|| ForeignItems {
            key: defect.raw_key.clone(),
            items: 0,
        });
        found.items += 1;
        // The same one in every audit, whichever segment comes first.
        if defect.raw_key < found.key {
            found.key = defect.raw_key;
        }
    }

    pub(super) fn add_refused(&self, key: Key, problem: &ScheduleError) {
        let mut report = self.report();
        report.refused += 1;
        if report.refused <= self.listed as u64 {
            let problem = problem.to_string();
            let refused = RefusedSchedule { key, problem };
            report.refused_schedules.push(refused);
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

#[cfg(test)]
mod tests {
    use arthouse_core::{AuditSubject, Invariant};

    use super::*;

    #[test]
    fn the_oldest_pending_finding_tells_since_when() {
        let findings = Findings::up_to(1);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for since in [
            None,
            Some(at("2026-10-02T00:00:00Z")),
            Some(at("2026-10-01T00:00:00Z")),
        ] {
            let subject = AuditSubject::Enrollment {
                user_id: "ada".parse().unwrap(),
                course_id: "oils".parse().unwrap(),
            };
            findings.add(Violation {
                invariant: Invariant::OneCharge,
                subject,
                detail: String::new(),
                pending: true,
                since,
            });
        }
        let report = findings.into_report();
        assert_eq!(report.pending, 3);
        assert_eq!(report.pending_since, Some(at("2026-10-01T00:00:00Z")));
    }
}
