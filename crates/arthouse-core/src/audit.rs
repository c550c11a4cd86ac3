//! The invariants (`RULES.md`, "What always holds") as checks of one student's records in one course, and of a command's receipt.

mod receipt;
mod timetable;
mod violation;

pub use receipt::audit_receipt;
pub use timetable::{OffTimetable, off_timetable};
pub use violation::{AuditSubject, Violation};

use crate::{
    Application, ChargeId, ChargeKind, CourseId, Enrollment, Session, SessionId, Timestamp, UserId,
};

/// The numbered invariants of `RULES.md`, "What always holds", that tables can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// 1: the balance is the cost less the charges.
    Balance,
    /// 2: an attended or skipped session has exactly one charge, a scheduled one none.
    OneCharge,
    /// 3: the sessions remaining are the duration less the attended charges.
    SessionsRemaining,
    /// 4: never both applied and paid.
    AppliedOrPaid,
    /// 5: a paid enrolment has its sessions, whose costs sum to its cost; an unpaid one has none.
    Sessions,
    /// 6: each command has exactly one outcome.
    Outcome,
    /// 8: a session is paid exactly when it is attended or skipped.
    PaymentStatus,
    /// 9: a session has a reschedule date exactly when it has an original one.
    RescheduleDate,
}

impl Invariant {
    /// All of them, by their numbers.
    pub const ALL: [Self; 8] = [
        Self::Balance,
        Self::OneCharge,
        Self::SessionsRemaining,
        Self::AppliedOrPaid,
        Self::Sessions,
        Self::Outcome,
        Self::PaymentStatus,
        Self::RescheduleDate,
    ];

    /// Returns the number in `RULES.md`, "What always holds".
    pub fn number(self) -> u8 {
        match self {
            Self::Balance => 1,
            Self::OneCharge => 2,
            Self::SessionsRemaining => 3,
            Self::AppliedOrPaid => 4,
            Self::Sessions => 5,
            Self::Outcome => 6,
            Self::PaymentStatus => 8,
            Self::RescheduleDate => 9,
        }
    }
}

/// Checks the records of one student in one course.
pub fn audit(
    user_id: &UserId,
    course_id: &CourseId,
    application: Option<&Application>,
    enrollment: Option<&Enrollment>,
    sessions: &[Session],
) -> Vec<Violation> {
    let mut found = Findings {
        user_id,
        course_id,
        violations: Vec::new(),
    };
    if application.is_some() && enrollment.is_some() {
        found.wrong(
            Invariant::AppliedOrPaid,
            "both an application and a paid enrolment".into(),
        );
    }
    match enrollment {
        Some(enrollment) => {
            statement(&mut found, enrollment);
            session_set(&mut found, enrollment, sessions);
            charges(&mut found, enrollment, sessions);
        }
        None if !sessions.is_empty() => {
            let detail = format!("{} sessions without a paid enrolment", sessions.len());
            found.wrong(Invariant::Sessions, detail);
        }
        None => {}
    }
    found.violations
}

/// Reports a session that lies in the table under a student's name and belongs to no enrolment (invariant 5).
pub fn stray_session(user_id: &UserId, course_id: &CourseId, session_id: &SessionId) -> Violation {
    let detail = "the session belongs to no enrolment".to_owned();
    Violation::new(
        Invariant::Sessions,
        AuditSubject::session(user_id, course_id, session_id),
        detail,
    )
}

struct Findings<'a> {
    user_id: &'a UserId,
    course_id: &'a CourseId,
    violations: Vec<Violation>,
}

impl Findings<'_> {
    fn wrong(&mut self, invariant: Invariant, detail: String) {
        let subject = self.enrollment();
        self.add(Violation::new(invariant, subject, detail));
    }

    fn wrong_session(&mut self, invariant: Invariant, session_id: &SessionId, detail: String) {
        let subject = self.session(session_id);
        self.add(Violation::new(invariant, subject, detail));
    }

    fn pending(
        &mut self,
        invariant: Invariant,
        subject: AuditSubject,
        since: Option<Timestamp>,
        detail: String,
    ) {
        self.add(Violation {
            pending: true,
            since,
            ..Violation::new(invariant, subject, detail)
        });
    }

    fn add(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    fn enrollment(&self) -> AuditSubject {
        AuditSubject::Enrollment {
            user_id: self.user_id.clone(),
            course_id: self.course_id.clone(),
        }
    }

    fn session(&self, session_id: &SessionId) -> AuditSubject {
        AuditSubject::session(self.user_id, self.course_id, session_id)
    }
}

/// Invariants 1 and 3 hold at every version.
fn statement(found: &mut Findings<'_>, enrollment: &Enrollment) {
    let (cost, charged, balance) = (enrollment.cost, enrollment.charged(), enrollment.balance);
    if cost.checked_sub(charged) != Some(balance) {
        let detail = format!("balance {balance}, but cost {cost} less charges {charged}");
        found.wrong(Invariant::Balance, detail);
    }
    let attended = enrollment.count(ChargeKind::Attended);
    let (remaining, duration) = (enrollment.sessions_remaining, enrollment.duration.get());
    if usize::from(remaining) + attended != usize::from(duration) {
        let detail =
            format!("{remaining} remaining of {duration}, but {attended} attended charges");
        found.wrong(Invariant::SessionsRemaining, detail);
    }
}

/// Invariant 5 holds once the sessions are initialised; until then some may be missing, but none may be too many.
fn session_set(found: &mut Findings<'_>, enrollment: &Enrollment, sessions: &[Session]) {
    let expected = (1..=enrollment.duration.get()).map(SessionId::from_ordinal);
    let missing: Vec<_> = expected
        .filter(|id| !sessions.iter().any(|session| session.session_id == *id))
        .collect();
    let strangers = sessions.iter().filter(|session| {
        session
            .session_id
            .ordinal()
            .is_none_or(|ordinal| ordinal > enrollment.duration.get())
    });
    for stranger in strangers {
        let detail = "it is none of the enrolment's sessions".to_owned();
        found.wrong_session(Invariant::Sessions, &stranger.session_id, detail);
    }
    if let Some(first) = missing.first() {
        let detail = format!("{} sessions missing, the first {first}", missing.len());
        match enrollment.sessions_initialized_at {
            None => {
                let (subject, since) = (found.enrollment(), Some(enrollment.paid_date));
                found.pending(Invariant::Sessions, subject, since, detail);
            }
            Some(_) => found.wrong(Invariant::Sessions, detail),
        }
    }
    for session in sessions {
        let share = session
            .session_id
            .ordinal()
            .map(|n| enrollment.cost.share(n, enrollment.duration));
        if share.is_some_and(|share| share != session.cost)
            || session.currency != enrollment.currency
        {
            let detail = format!("it costs {} {}", session.cost, session.currency);
            found.wrong_session(Invariant::Sessions, &session.session_id, detail);
        }
    }
}

/// Invariant 2: a charge may still be under way, but none may be made twice, for the wrong amount or without its session.
fn charges(found: &mut Findings<'_>, enrollment: &Enrollment, sessions: &[Session]) {
    for session in sessions {
        let id = ChargeId::of_session(session.session_id.clone());
        match (session.status.charge_kind(), enrollment.charges.get(&id)) {
            (None, None) => {}
            (Some(_), None) => {
                let (subject, since) = (
                    found.session(&session.session_id),
                    session.status_changed_at,
                );
                let detail = format!("charge {id} is not made");
                found.pending(Invariant::OneCharge, subject, since, detail);
            }
            (kind, Some(charge))
                if kind == Some(charge.kind)
                    && charge.amount == session.status.owed(session.cost) => {}
            (_, Some(charge)) => {
                let (status, cost) = (session.status, session.cost);
                let detail = format!(
                    "charge {id} is {} {:?}, but the session is {status:?} and costs {cost}",
                    charge.amount, charge.kind
                );
                found.wrong_session(Invariant::OneCharge, &session.session_id, detail);
            }
        }
    }
    for id in enrollment.charges.keys() {
        let known = sessions
            .iter()
            .any(|session| ChargeId::of_session(session.session_id.clone()) == *id);
        if !known {
            found.wrong(
                Invariant::OneCharge,
                format!("charge {id} is for no session"),
            );
        }
    }
}

#[cfg(test)]
mod tests;
