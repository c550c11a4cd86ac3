//! What must always hold, as rules over the records of one student in one course (`domain.md`, section 5).

use std::fmt;

use crate::{Application, ChargeId, ChargeKind, CourseId, Enrollment, Session, SessionId, UserId};

/// The numbered invariants of `domain.md`, section 5, that a student's records can show.
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
    /// 8: a session is paid exactly when it is attended or skipped.
    PaymentStatus,
    /// 9: a session has a reschedule date exactly when it has an original one.
    RescheduleDate,
}

impl Invariant {
    /// Returns the number in `domain.md`, section 5.
    pub fn number(self) -> u8 {
        match self {
            Self::Balance => 1,
            Self::OneCharge => 2,
            Self::SessionsRemaining => 3,
            Self::AppliedOrPaid => 4,
            Self::Sessions => 5,
            Self::PaymentStatus => 8,
            Self::RescheduleDate => 9,
        }
    }
}

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// Whose records.
    pub user_id: UserId,
    /// In which course.
    pub course_id: CourseId,
    /// What is so instead.
    pub detail: String,
    /// Whether it may be a reaction that is still under way: the invariant holds "in the end".
    pub pending: bool,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.pending {
            "not settled"
        } else {
            "violated"
        };
        let Self {
            invariant,
            user_id,
            course_id,
            detail,
            ..
        } = self;
        write!(
            f,
            "invariant {} {state}: {user_id}/{course_id}: {detail}",
            invariant.number()
        )
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

/// Reports sessions that lie in the table under a student's name and belong to no enrolment (invariant 5).
pub fn stray_sessions(
    user_id: &UserId,
    course_id: &CourseId,
    strays: &[SessionId],
) -> Option<Violation> {
    let first = strays.first()?;
    let mut found = Findings {
        user_id,
        course_id,
        violations: Vec::new(),
    };
    found.wrong(
        Invariant::Sessions,
        format!(
            "{} sessions of no enrolment, the first {first}",
            strays.len()
        ),
    );
    found.violations.pop()
}

struct Findings<'a> {
    user_id: &'a UserId,
    course_id: &'a CourseId,
    violations: Vec<Violation>,
}

impl Findings<'_> {
    fn wrong(&mut self, invariant: Invariant, detail: String) {
        self.push(invariant, detail, false);
    }

    fn pending(&mut self, invariant: Invariant, detail: String) {
        self.push(invariant, detail, true);
    }

    fn push(&mut self, invariant: Invariant, detail: String, pending: bool) {
        let (user_id, course_id) = (self.user_id.clone(), self.course_id.clone());
        self.violations.push(Violation {
            invariant,
            user_id,
            course_id,
            detail,
            pending,
        });
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
        found.wrong(
            Invariant::Sessions,
            format!("session {} is none of its sessions", stranger.session_id),
        );
    }
    if let Some(first) = missing.first() {
        let detail = format!("{} sessions missing, the first {first}", missing.len());
        match enrollment.sessions_initialized_at {
            None => found.pending(Invariant::Sessions, detail),
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
            let detail = format!(
                "session {} costs {} {}",
                session.session_id, session.cost, session.currency
            );
            found.wrong(Invariant::Sessions, detail);
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
                found.pending(Invariant::OneCharge, format!("charge {id} is not made"))
            }
            (kind, Some(charge)) if kind == Some(charge.kind) && charge.amount == session.cost => {}
            (_, Some(charge)) => {
                let detail = format!("charge {id} is {} {:?}", charge.amount, charge.kind);
                found.wrong(Invariant::OneCharge, detail);
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
