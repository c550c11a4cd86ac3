//! Reads the tables and checks the invariants.
//!
//! Memory is bounded by the pages in flight: only counts and findings of a page are kept. Changes during the audit must not look like
//! violations. A record is therefore read before the records that follow from it (an enrolment before its sessions; a session's key before
//! its enrolment), and suspect records are read again, in one transaction, before a violation is reported.

mod findings;
mod judge;
mod seen;

pub use findings::{AuditCounts, AuditReport, ForeignItems, RefusedSchedule};

use std::num::NonZeroU16;

use arthouse_core::{
    CourseId, Enrollment, Invariant, Schedule, Session, SessionId, UserId, Violation, audit,
    audit_receipt, off_timetable, stray_session,
};
use arthouse_store::{
    Enrolling, KeptReceipt, Key, Scanned, Segment, Store, StoreError, StudentRecords, Table,
    Unreadable,
};
use futures::{StreamExt, TryStreamExt};
use tracing::info;

use findings::Findings;
use judge::judge;
use seen::Seen;

use crate::Clock;

/// Items per page, which is what a segment holds in memory.
const PAGE: u16 = 100;
/// Receipts and session keys per page; they are smaller.
const SMALL_PAGE: u16 = 500;
/// Students of one page whose sessions are read concurrently.
const STUDENTS_IN_FLIGHT: usize = 8;

/// The options of an audit.
#[derive(Debug, Clone, Copy)]
pub struct AuditOptions {
    /// The number of segments of each table; they are scanned in parallel.
    pub segments: NonZeroU16,
    /// The maximum of violations and of unreadable items that the report lists; further ones are only counted.
    pub listed: usize,
    /// Check applications and enrolments only, and read no sessions of those that are complete. Sessions without an enrolment, receipts and
    /// courses are left to a full audit.
    pub incremental: bool,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self {
            segments: NonZeroU16::new(4).expect("not zero"),
            listed: 1_000,
            incremental: false,
        }
    }
}

/// Observes an audit.
pub trait AuditObserver: Sync {
    /// Called once with each application, and once with each enrolment and its sessions, as they are checked.
    fn records(&self, _records: &StudentRecords) {}

    /// Called with the counts after each page.
    fn progress(&self, _counts: &AuditCounts) {}
}

/// Observes nothing.
impl AuditObserver for () {}

/// Reads every course, and checks every student's records, every session for its enrolment, and every receipt. A reaction that is not carried out yet is a
/// pending [`Violation`].
///
/// # Errors
/// Returns the failed request; there is no partial report.
pub async fn audit_tables(
    store: &Store,
    options: &AuditOptions,
    observer: &impl AuditObserver,
) -> Result<AuditReport, StoreError> {
    let audit = Audit {
        store,
        observer,
        findings: Findings::up_to(options.listed),
        seen: Seen::default(),
        incremental: options.incremental,
    };
    // What looks wrong is read again, consistently.
    let segments = || {
        let segments = Segment::all(options.segments).map(Segment::eventually);
        futures::stream::iter(segments.map(Ok))
    };
    if !options.incremental {
        segments()
            .try_for_each_concurrent(None, |segment| audit.courses(segment))
            .await?;
    }
    segments()
        .try_for_each_concurrent(None, |segment| audit.enrolling(segment))
        .await?;
    if !options.incremental {
        segments()
            .try_for_each_concurrent(None, |segment| audit.sessions(segment))
            .await?;
        segments()
            .try_for_each_concurrent(None, |segment| audit.receipts(segment))
            .await?;
    }
    let report = audit.findings.into_report();
    let now = Clock::system().now();
    let pending = report.pending_since.map(|since| now.since(since));
    // A metric filter matches this line by its text and its fields.
    info!(
        violations = report.violated,
        pending = report.pending,
        pending_seconds = pending.map_or(0, |age| age.num_seconds().max(0)),
        undecided = report.undecided,
        enrollments = report.counts.enrollments,
        incremental = options.incremental,
        "the audit has ended"
    );
    Ok(report)
}

struct Audit<'a, O> {
    store: &'a Store,
    observer: &'a O,
    findings: Findings,
    seen: Seen,
    incremental: bool,
}

type Student = (UserId, CourseId);

/// Why a student's records are read again.
#[derive(Clone, Copy)]
enum Suspect {
    /// There seem to be an application and an enrolment.
    AppliedAndPaid,
    /// The enrolment or its sessions.
    Enrollment,
}

impl Suspect {
    fn is_about(self, found: &Violation) -> bool {
        let is_both = found.invariant == Invariant::AppliedOrPaid;
        match self {
            Self::AppliedAndPaid => is_both,
            Self::Enrollment => !is_both,
        }
    }

    /// Returns whether an unreadable item is to be listed. The scan lists applications and enrolments.
    fn is_told(self, defect: &Unreadable) -> bool {
        match self {
            Self::AppliedAndPaid => false,
            Self::Enrollment => defect.table == Table::Sessions,
        }
    }
}

impl<O: AuditObserver> Audit<'_, O> {
    /// Reads the courses of a segment. No invariant is about them.
    async fn courses(&self, segment: Segment) -> Result<(), StoreError> {
        let mut start = None;
        loop {
            let page = self.store.scan_courses(segment, PAGE, start).await?;
            for item in page.items {
                match item {
                    Ok(course) => {
                        self.findings.count(|counts| counts.courses += 1);
                        self.schedule(Key::Course(course.course_id), &course.schedule);
                    }
                    Err(defect) => self.unreadable(*defect),
                }
            }
            self.observer.progress(&self.findings.counts());
            match page.next {
                Some(next) => start = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn schedule(&self, key: Key, schedule: &Schedule) {
        if let Some(problem) = schedule.problem() {
            self.findings.add_refused(key, problem);
        }
    }

    /// Checks the applications and enrolments of a segment.
    async fn enrolling(&self, segment: Segment) -> Result<(), StoreError> {
        let mut start = None;
        loop {
            let page = self.store.scan_enrolling(segment, PAGE, start).await?;
            let mut applied = Vec::new();
            let mut paid = Vec::new();
            for item in page.items {
                match item {
                    Ok(Enrolling::Application(application)) => applied.push(*application),
                    Ok(Enrolling::Enrollment(enrollment)) => paid.push(*enrollment),
                    Err(defect) => self.unreadable(*defect),
                }
            }
            let students: Vec<Student> = applied
                .iter()
                .map(|application| (application.user_id.clone(), application.course_id.clone()))
                .collect();
            for application in applied {
                self.findings.count(|counts| counts.applications += 1);
                self.observer.records(&StudentRecords {
                    application: Some(application),
                    ..StudentRecords::default()
                });
            }
            for student in self.store.enrolled(&students).await?.into_keys() {
                self.read_again(&student, Suspect::AppliedAndPaid).await?;
            }
            futures::stream::iter(paid)
                .map(Ok::<_, StoreError>)
                .try_for_each_concurrent(STUDENTS_IN_FLIGHT, |enrollment| {
                    self.enrollment(enrollment)
                })
                .await?;
            self.observer.progress(&self.findings.counts());
            match page.next {
                Some(next) => start = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn enrollment(&self, enrollment: Enrollment) -> Result<(), StoreError> {
        if self.incremental && enrollment.is_complete() {
            return self.complete(enrollment).await;
        }
        let sessions = self.store.sessions_eventually(&enrollment).await?;
        let student = (enrollment.user_id.clone(), enrollment.course_id.clone());
        let key = Key::Enrollment(student.0.clone(), student.1.clone());
        self.schedule(key, &enrollment.schedule);
        self.seen.note(&student, enrollment.duration.get());
        self.findings.count(|counts| {
            counts.enrollments += 1;
            counts.sessions += sessions.len() as u64;
        });
        let sessions: Result<Vec<Session>, Box<Unreadable>> = sessions.into_iter().collect();
        let off_timetable = sessions
            .iter()
            .flat_map(|sessions| off_timetable(&enrollment, sessions));
        off_timetable.for_each(|session| self.findings.add_off_timetable(session));
        let clean = sessions.as_ref().is_ok_and(|sessions| {
            audit(&student.0, &student.1, None, Some(&enrollment), sessions).is_empty()
        });
        if !clean {
            self.read_again(&student, Suspect::Enrollment).await?;
        }
        self.observer.records(&StudentRecords {
            application: None,
            enrollment: Some(enrollment),
            sessions: sessions.unwrap_or_default(),
        });
        Ok(())
    }

    /// Checks an enrolment in which all sessions are charged by itself.
    async fn complete(&self, enrollment: Enrollment) -> Result<(), StoreError> {
        let (user_id, course_id) = (&enrollment.user_id, &enrollment.course_id);
        let found = audit(user_id, course_id, None, Some(&enrollment), &[]);
        let is_own = |found: &Violation| {
            matches!(
                found.invariant,
                Invariant::Balance | Invariant::SessionsRemaining
            )
        };
        if found.iter().any(is_own) {
            let student = (user_id.clone(), course_id.clone());
            self.read_again(&student, Suspect::Enrollment).await?;
        }
        self.findings.count(|counts| counts.enrollments += 1);
        self.observer.records(&StudentRecords {
            enrollment: Some(enrollment),
            ..StudentRecords::default()
        });
        Ok(())
    }

    /// Reads a student's records again and adds the findings about what is suspect.
    async fn read_again(
        &self,
        (user_id, course_id): &Student,
        suspect: Suspect,
    ) -> Result<(), StoreError> {
        let (records, unreadable) = self.store.student_at_once(user_id, course_id).await?;
        let (application, enrollment) = (records.application.as_ref(), records.enrollment.as_ref());
        // If some records are unreadable, only the enrolment itself can be checked.
        let is_whole = unreadable.is_empty();
        let checkable = |found: &Violation| match found.invariant {
            Invariant::Balance | Invariant::SessionsRemaining | Invariant::AppliedOrPaid => true,
            Invariant::OneCharge
            | Invariant::Sessions
            | Invariant::Outcome
            | Invariant::PaymentStatus
            | Invariant::RescheduleDate => is_whole,
        };
        audit(
            user_id,
            course_id,
            application,
            enrollment,
            &records.sessions,
        )
        .into_iter()
        .filter(|found| suspect.is_about(found) && checkable(found))
        .for_each(|violation| self.findings.add(violation));
        for defect in unreadable {
            match judge(&defect) {
                Some(violation) if suspect.is_about(&violation) => self.findings.add(violation),
                None if suspect.is_told(&defect) => self.findings.add_unreadable(defect),
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// Checks that each session of a segment belongs to an enrolment. Its attributes were checked with the enrolment.
    async fn sessions(&self, segment: Segment) -> Result<(), StoreError> {
        let mut start = None;
        loop {
            let page = self
                .store
                .scan_session_keys(segment, SMALL_PAGE, start)
                .await?;
            let keys: Vec<_> = page
                .items
                .into_iter()
                .filter_map(|key| key.map_err(|defect| self.unreadable(*defect)).ok())
                .collect();
            self.belong(keys).await?;
            self.observer.progress(&self.findings.counts());
            match page.next {
                Some(next) => start = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn belong(&self, keys: Vec<(UserId, CourseId, SessionId)>) -> Result<(), StoreError> {
        let mut open = keys;
        self.findings
            .count(|counts| counts.session_keys += open.len() as u64);
        open.retain(|(user_id, course_id, session_id)| {
            let student = (user_id.clone(), course_id.clone());
            let duration = self.seen.duration(&student);
            !duration.is_some_and(|duration| is_within(session_id, duration))
        });
        let students: std::collections::BTreeSet<Student> = open
            .iter()
            .map(|(user_id, course_id, _)| (user_id.clone(), course_id.clone()))
            .collect();
        let students: Vec<_> = students.into_iter().collect();
        let enrolled = self.store.enrolled(&students).await?;
        for (user_id, course_id, session_id) in open {
            let student = (user_id, course_id);
            let duration = enrolled.get(&student).copied();
            if let Some(duration) = duration {
                self.seen.note(&student, duration);
            }
            if !duration.is_some_and(|duration| is_within(&session_id, duration)) {
                let (user_id, course_id) = &student;
                self.findings
                    .add(stray_session(user_id, course_id, &session_id));
            }
        }
        Ok(())
    }

    /// Checks the receipts of a segment.
    async fn receipts(&self, segment: Segment) -> Result<(), StoreError> {
        let mut start = None;
        loop {
            let page = self.store.scan_receipts(segment, SMALL_PAGE, start).await?;
            self.findings
                .count(|counts| counts.receipts += page.items.len() as u64);
            page.items.into_iter().for_each(|item| self.receipt(item));
            self.observer.progress(&self.findings.counts());
            match page.next {
                Some(next) => start = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn receipt(&self, item: Scanned<KeptReceipt>) {
        match item {
            Ok(kept) => audit_receipt(&kept.receipt, kept.expires_at)
                .into_iter()
                .for_each(|violation| self.findings.add(violation)),
            Err(defect) => self.unreadable(*defect),
        }
    }

    fn unreadable(&self, defect: Unreadable) {
        if defect.is_foreign() {
            return self.findings.add_foreign(defect);
        }
        match judge(&defect) {
            Some(violation) => self.findings.add(violation),
            None => self.findings.add_unreadable(defect),
        }
    }
}

fn is_within(session_id: &SessionId, duration: u16) -> bool {
    session_id
        .ordinal()
        .is_some_and(|ordinal| ordinal <= duration)
}
