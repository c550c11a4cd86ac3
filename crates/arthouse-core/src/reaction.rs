//! The reactions to a change, as data (`RULES.md`, "Reactions"). The caller carries them out.

use crate::{
    Application, Charge, ChargeId, CourseId, Enrollment, Notification, Session, SessionStatus,
    UserId, notification,
};

/// A change that something follows from, as a stream record tells it or a sweep over the tables finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An application was put.
    Applied(Box<Application>),
    /// An enrolment was put.
    Enrolled(Box<Enrollment>),
    /// An enrolment was changed.
    EnrollmentUpdated {
        /// As it was.
        before: Box<Enrollment>,
        /// As it is.
        after: Box<Enrollment>,
        /// Its sessions, if this is the change that [`Change::initialised`] names.
        sessions: Vec<Session>,
    },
    /// A session was changed.
    SessionUpdated {
        /// As it was.
        before: Box<Session>,
        /// As it is.
        after: Box<Session>,
    },
}

impl Change {
    /// Returns the enrolment whose sessions are told of. A stream record has none of them: [`Change::with_sessions`] adds them before
    /// [`react`].
    pub fn initialised(&self) -> Option<&Enrollment> {
        match self {
            Self::EnrollmentUpdated { before, after, .. } => {
                let is_new = before.sessions_initialized_at.is_none()
                    && after.sessions_initialized_at.is_some();
                is_new.then_some(after)
            }
            Self::Applied(_) | Self::Enrolled(_) | Self::SessionUpdated { .. } => None,
        }
    }

    /// Adds the sessions of an enrolment that was changed.
    #[must_use]
    pub fn with_sessions(mut self, found: Vec<Session>) -> Self {
        if let Self::EnrollmentUpdated { sessions, .. } = &mut self {
            *sessions = found;
        }
        self
    }
}

/// What is to be done. Each may be done any number of times, by anyone, at any later time: conditions on the writes and
/// ids of the notifications make repeats harmless.
#[expect(
    clippy::large_enum_variant,
    reason = "a change has one or two, for a moment"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// Put each session that is absent, then note that all are there.
    InitialiseSessions(Box<Enrollment>),
    /// Take a session's cost from the balance, unless that was done.
    Charge {
        /// Whose balance.
        user_id: UserId,
        /// For which course.
        course_id: CourseId,
        /// Names the charge.
        charge_id: ChargeId,
        /// The line of the statement.
        charge: Charge,
    },
    /// Tell other systems.
    Notify(Notification),
}

/// Says what follows from a change.
pub fn react(change: &Change) -> Vec<Reaction> {
    let told = notification::told(change).map(Reaction::Notify);
    match change {
        Change::Applied(_) | Change::EnrollmentUpdated { .. } => told.collect(),
        Change::Enrolled(enrollment) => told
            .chain([Reaction::InitialiseSessions(enrollment.clone())])
            .collect(),
        Change::SessionUpdated { before, after } => {
            charge(before, after).into_iter().chain(told).collect()
        }
    }
}

fn charge(before: &Session, after: &Session) -> Option<Reaction> {
    let kind = after
        .status
        .charge_kind()
        .filter(|_| before.status == SessionStatus::Scheduled)?;
    Some(Reaction::Charge {
        user_id: after.user_id.clone(),
        course_id: after.course_id.clone(),
        charge_id: ChargeId::of_session(after.session_id.clone()),
        charge: Charge {
            amount: after.status.owed(after.cost),
            kind,
            at: after.status_changed_at.unwrap_or(after.session_date),
        },
    })
}

#[cfg(test)]
mod tests;
