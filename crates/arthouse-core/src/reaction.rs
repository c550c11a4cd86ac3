//! The reactions to a change, as data (`RULES.md`, "Reactions"). The caller carries them out.

use crate::{
    Application, Charge, ChargeId, ChargeKind, CourseId, Enrollment, Notification, Session,
    SessionStatus, Timestamp, UserId,
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
    },
    /// A session was changed.
    SessionUpdated {
        /// As it was.
        before: Box<Session>,
        /// As it is.
        after: Box<Session>,
    },
}

/// What is to be done. Each may be done any number of times, by anyone, at any later time: conditions on the writes and
/// ids of the notifications make repeats harmless.
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
    match change {
        Change::Applied(application) => {
            vec![Reaction::Notify(Notification::application_received(
                application,
            ))]
        }
        Change::Enrolled(enrollment) => vec![
            Reaction::Notify(Notification::payment_confirmed(enrollment)),
            Reaction::InitialiseSessions(enrollment.clone()),
        ],
        Change::EnrollmentUpdated { before, after } => {
            let scheduled = newly_initialised(before, after)
                .map(|at| Notification::sessions_scheduled(after, at));
            scheduled
                .into_iter()
                .chain(charged(before, after))
                .map(Reaction::Notify)
                .collect()
        }
        Change::SessionUpdated { before, after } => {
            let moved = rescheduled(before, after).map(Reaction::Notify);
            charge(before, after).into_iter().chain(moved).collect()
        }
    }
}

fn newly_initialised(before: &Enrollment, after: &Enrollment) -> Option<Timestamp> {
    after
        .sessions_initialized_at
        .filter(|_| before.sessions_initialized_at.is_none())
}

/// Tells of each added charge with what was left after it. A stream's record adds one; a sweep may find several.
fn charged(before: &Enrollment, after: &Enrollment) -> Vec<Notification> {
    let mut added: Vec<_> = after
        .charges
        .iter()
        .filter(|(id, _)| !before.charges.contains_key(id))
        .collect();
    added.sort_by_key(|(id, charge)| (charge.at, *id));
    let mut told: Vec<_> = (!added.is_empty() && after.is_complete())
        .then(|| Notification::course_completed(after))
        .into_iter()
        .collect();
    let (mut balance, mut remaining) = (after.balance, after.sessions_remaining);
    for (id, charge) in added.into_iter().rev() {
        told.push(Notification::session_charged(
            after, id, charge, balance, remaining,
        ));
        balance = [balance, charge.amount].into_iter().sum();
        remaining = remaining.saturating_add(u16::from(charge.kind == ChargeKind::Attended));
    }
    told.reverse();
    told
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
            amount: after.cost,
            kind,
            at: after.status_changed_at.unwrap_or(after.session_date),
        },
    })
}

fn rescheduled(before: &Session, after: &Session) -> Option<Notification> {
    let moved = after
        .rescheduled
        .filter(|_| before.session_date != after.session_date)?;
    Some(Notification::session_rescheduled(
        after,
        before.session_date,
        &moved,
    ))
}

#[cfg(test)]
mod tests;
