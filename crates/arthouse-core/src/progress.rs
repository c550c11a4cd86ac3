//! A student's progress in a course, as people and programs read it (`RULES.md`, "Reads").

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Amount, Application, ChargeKind, CourseId, Currency, Enrollment, Session, SessionId,
    SessionStatus, Text, Timestamp, UserId,
};

/// Where a student stands in a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Stage {
    /// Applied; the payment is waited for.
    Applied,
    /// Paid; there are sessions to come.
    Paid,
    /// No session is to come any more.
    Completed,
}

/// A student's progress in a course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Progress {
    /// The student.
    pub user_id: UserId,
    /// The course.
    pub course_id: CourseId,
    /// What the course is called.
    pub title: Text,
    /// Where the student stands.
    pub status: Stage,
    /// When the student applied.
    pub applied_date: Timestamp,
    /// When the payment was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_date: Option<Timestamp>,
    /// The price, in minor units.
    pub cost: Amount,
    /// The currency.
    pub currency: Currency,
    /// What is left of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<Amount>,
    /// How many sessions the course has.
    pub duration: u16,
    /// How many have not been attended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions_remaining: Option<u16>,
    /// How many are to come.
    pub scheduled: usize,
    /// How many were attended.
    pub attended: usize,
    /// How many were skipped.
    pub skipped: usize,
    /// How many of a hundred parts of the sessions are over.
    pub percent_complete: usize,
    /// The next session that is scheduled and has not begun; one that is past and not marked yet is not it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_session: Option<SessionProgress>,
    /// What was charged, in the order of the sessions.
    pub statement: Vec<StatementLine>,
    /// All sessions, in their order.
    pub sessions: Vec<SessionProgress>,
}

/// A session as its student sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SessionProgress {
    /// Which one.
    pub session_id: SessionId,
    /// How it stands.
    #[schemars(with = "String")]
    pub status: SessionStatus,
    /// When it takes place.
    pub session_date: Timestamp,
    /// The same as the clock on the wall shows it (RFC 3339).
    pub local_start: String,
    /// What it costs.
    pub cost: Amount,
    /// Whether it can be moved now.
    pub can_reschedule: bool,
    /// Until when it can be moved: strictly before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reschedule_until: Option<Timestamp>,
    /// The date that it had at first, if it was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_session_date: Option<Timestamp>,
}

/// A charge as its student sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatementLine {
    /// For which session.
    pub session_id: SessionId,
    /// For what.
    #[schemars(with = "String")]
    pub kind: ChargeKind,
    /// How much.
    pub amount: Amount,
    /// When the session was attended or skipped.
    pub at: Timestamp,
}

/// Puts a student's records together, the sessions in any order; nothing where there is neither an application nor an enrolment.
pub fn project(
    application: Option<&Application>,
    enrollment: Option<&Enrollment>,
    sessions: &[Session],
    now: Timestamp,
) -> Option<Progress> {
    match (enrollment, application) {
        (Some(enrollment), _) => Some(enrolled(enrollment, sessions, now)),
        (None, Some(application)) => Some(applied(application)),
        (None, None) => None,
    }
}

fn applied(application: &Application) -> Progress {
    let quote = &application.quote;
    Progress {
        user_id: application.user_id.clone(),
        course_id: application.course_id.clone(),
        title: quote.title.clone(),
        status: Stage::Applied,
        applied_date: application.applied_date,
        paid_date: None,
        cost: quote.cost,
        currency: quote.currency,
        balance: None,
        duration: quote.duration.get(),
        sessions_remaining: None,
        scheduled: 0,
        attended: 0,
        skipped: 0,
        percent_complete: 0,
        next_session: None,
        statement: Vec::new(),
        sessions: Vec::new(),
    }
}

fn enrolled(enrollment: &Enrollment, sessions: &[Session], now: Timestamp) -> Progress {
    let statuses = || sessions.iter().map(|session| session.status);
    let count = |status| statuses().filter(|found| *found == status).count();
    let (scheduled, attended, skipped) = (
        count(SessionStatus::Scheduled),
        count(SessionStatus::Attended),
        count(SessionStatus::Skipped),
    );
    let duration = enrollment.duration.get();
    let over = statuses().filter(|status| status.is_over()).count();
    let mut sessions: Vec<_> = sessions
        .iter()
        .map(|session| session_progress(enrollment, session, now))
        .collect();
    sessions.sort_by(|a, b| a.session_id.cmp(&b.session_id));
    let next = sessions
        .iter()
        .filter(|session| session.status == SessionStatus::Scheduled)
        .filter(|session| session.session_date >= now)
        .min_by_key(|session| session.session_date);
    Progress {
        user_id: enrollment.user_id.clone(),
        course_id: enrollment.course_id.clone(),
        title: enrollment.title.clone(),
        status: if over == usize::from(duration) {
            Stage::Completed
        } else {
            Stage::Paid
        },
        applied_date: enrollment.applied_date,
        paid_date: Some(enrollment.paid_date),
        cost: enrollment.cost,
        currency: enrollment.currency,
        balance: Some(enrollment.balance),
        duration,
        sessions_remaining: Some(enrollment.sessions_remaining),
        scheduled,
        attended,
        skipped,
        percent_complete: over * 100 / usize::from(duration),
        next_session: next.cloned(),
        statement: statement(enrollment),
        sessions,
    }
}

fn statement(enrollment: &Enrollment) -> Vec<StatementLine> {
    let line = |(id, charge): (&crate::ChargeId, &crate::Charge)| StatementLine {
        session_id: id.session_id().clone(),
        kind: charge.kind,
        amount: charge.amount,
        at: charge.at,
    };
    enrollment.charges.iter().map(line).collect()
}

pub(crate) fn session_progress(
    enrollment: &Enrollment,
    session: &Session,
    now: Timestamp,
) -> SessionProgress {
    let movable = session.status == SessionStatus::Scheduled && session.reschedulable;
    SessionProgress {
        session_id: session.session_id.clone(),
        status: session.status,
        session_date: session.session_date,
        local_start: enrollment
            .schedule
            .localise(session.session_date)
            .local
            .to_rfc3339(),
        cost: session.cost,
        can_reschedule: movable && session.leaves_notice(now),
        reschedule_until: movable.then(|| session.session_date.minus(Session::RESCHEDULE_NOTICE)),
        original_session_date: session.rescheduled.map(|moved| moved.original_session_date),
    }
}

#[cfg(test)]
mod tests;
