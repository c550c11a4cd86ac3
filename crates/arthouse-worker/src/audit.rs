//! Reads the tables and checks what must always hold.

use std::collections::{BTreeMap, BTreeSet};

use arthouse_core::{CourseId, Invariant, SessionId, UserId, Violation, audit, stray_sessions};
use arthouse_store::{DecodeError, Key, Store, StoreError, Table};
use futures::{StreamExt, TryStreamExt};

/// The most students whose records are read at the same time.
const STUDENTS_IN_FLIGHT: usize = 32;

/// What an audit found.
#[derive(Debug, Clone, Default)]
pub struct AuditReport {
    /// How many students' enrolments and applications were looked at.
    pub enrollments: usize,
    /// How many sessions.
    pub sessions: usize,
    /// What does not hold.
    pub violations: Vec<Violation>,
}

/// Checks every student's records. What is still under way is marked as such in the [`Violation`].
///
/// Session keys are read first, then enrolments, then their sessions: each may only be older than what follows from it, so
/// that changes made meanwhile don't look wrong.
///
/// # Errors
/// Returns what failed; the audit then says nothing.
pub async fn audit_tables(store: &Store) -> Result<AuditReport, StoreError> {
    let mut students = session_keys(store).await?;
    let sessions = students.values().map(BTreeSet::len).sum();
    for student in enrollment_keys(store).await? {
        students.entry(student).or_default();
    }
    let enrollments = students.len();
    let found: Vec<Vec<Violation>> = futures::stream::iter(students)
        .map(|(student, sessions)| audit_student(store, student, sessions))
        .buffer_unordered(STUDENTS_IN_FLIGHT)
        .try_collect()
        .await?;
    Ok(AuditReport {
        enrollments,
        sessions,
        violations: found.into_iter().flatten().collect(),
    })
}

type Student = (UserId, CourseId);

async fn audit_student(
    store: &Store,
    (user_id, course_id): Student,
    mut keys: BTreeSet<SessionId>,
) -> Result<Vec<Violation>, StoreError> {
    let records = match store.student(&user_id, &course_id).await {
        Ok(records) => records,
        Err(StoreError::Decode(error)) => return Ok(vec![unreadable(user_id, course_id, &error)]),
        Err(error) => return Err(error),
    };
    let (application, enrollment) = (records.application.as_ref(), records.enrollment.as_ref());
    let mut violations = audit(
        &user_id,
        &course_id,
        application,
        enrollment,
        &records.sessions,
    );
    for session in &records.sessions {
        keys.remove(&session.session_id);
    }
    let strays: Vec<_> = keys.into_iter().collect();
    violations.extend(stray_sessions(&user_id, &course_id, &strays));
    Ok(violations)
}

/// A record that can't be read is a violation of what its table holds.
fn unreadable(user_id: UserId, course_id: CourseId, error: &DecodeError) -> Violation {
    let invariant = match error {
        DecodeError::Inconsistent { invariant, .. } => *invariant,
        DecodeError::Key | DecodeError::Attributes { .. } => Invariant::Sessions,
    };
    Violation {
        invariant,
        user_id,
        course_id,
        detail: error.to_string(),
        pending: false,
    }
}

async fn session_keys(store: &Store) -> Result<BTreeMap<Student, BTreeSet<SessionId>>, StoreError> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for key in scan(store, Table::Sessions).await? {
        if let Key::Session(course_id, session_id, user_id) = key {
            found
                .entry((user_id, course_id))
                .or_default()
                .insert(session_id);
        }
    }
    Ok(found)
}

async fn enrollment_keys(store: &Store) -> Result<Vec<Student>, StoreError> {
    let student = |key| match key {
        Key::Application(user_id, course_id) | Key::Enrollment(user_id, course_id) => {
            Some((user_id, course_id))
        }
        Key::Course(_) | Key::Session(..) | Key::Receipt(..) => None,
    };
    Ok(scan(store, Table::UsersCourses)
        .await?
        .into_iter()
        .filter_map(student)
        .collect())
}

async fn scan(store: &Store, table: Table) -> Result<Vec<Key>, StoreError> {
    let (mut keys, mut start) = (Vec::new(), None);
    loop {
        let page = store.scan_keys(table, start).await?;
        keys.extend(page.items);
        match page.next {
            Some(next) => start = Some(next),
            None => return Ok(keys),
        }
    }
}
