//! The reactions that a student's records call for: the changes that must have led to the records are derived from them, and
//! each reaction to those changes (`RULES.md`, "Reactions") that the records don't show is owed.

use std::collections::BTreeMap;

use crate::{
    Application, Change, Enrollment, Notification, Reaction, Session, SessionStatus, react,
};

/// What a student's records call for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owed {
    /// The writes that have not taken place. What a repair changes goes through the stream, which tells of it.
    pub repairs: Vec<Reaction>,
    /// All that has happened and calls for a notification, the oldest first within an item. Records don't show whether it was told.
    /// What the repairs will bring is not among it, nor is how to pay once the payment is confirmed. The balance after a charge is told
    /// as if charges had been made in the order in which the sessions were attended or skipped; records show no other order.
    pub notifications: Vec<Notification>,
}

/// Runs the reactions over a student's records in one course.
pub fn owed(
    application: Option<&Application>,
    enrollment: Option<&Enrollment>,
    sessions: &[Session],
) -> Owed {
    let mut owed = Owed::default();
    for reaction in history(application, enrollment, sessions)
        .iter()
        .flat_map(react)
    {
        match reaction {
            Reaction::Notify(notification) => owed.notifications.push(notification),
            Reaction::InitialiseSessions(_) | Reaction::Charge { .. } => {
                if !is_made(&reaction, enrollment) {
                    owed.repairs.push(reaction);
                }
            }
        }
    }
    owed
}

/// Says whether a write shows in the enrolment.
fn is_made(reaction: &Reaction, enrollment: Option<&Enrollment>) -> bool {
    match reaction {
        Reaction::InitialiseSessions(enrollment) => enrollment.sessions_initialized_at.is_some(),
        Reaction::Charge { charge_id, .. } => {
            enrollment.is_none_or(|enrollment| enrollment.charges.contains_key(charge_id))
        }
        Reaction::Notify(_) => false,
    }
}

/// Returns changes that lead from nothing to what there is.
fn history(
    application: Option<&Application>,
    enrollment: Option<&Enrollment>,
    sessions: &[Session],
) -> Vec<Change> {
    let applied = application.map(|application| Change::Applied(Box::new(application.clone())));
    let paid = enrollment.into_iter().flat_map(|enrollment| {
        let before = Enrollment {
            charges: BTreeMap::new(),
            sessions_initialized_at: None,
            ..enrollment.clone()
        };
        [
            Change::Enrolled(Box::new(enrollment.clone())),
            Change::EnrollmentUpdated {
                before: Box::new(before),
                after: Box::new(enrollment.clone()),
                sessions: sessions.to_vec(),
            },
        ]
    });
    let updated = sessions.iter().map(|session| Change::SessionUpdated {
        before: Box::new(as_put(session)),
        after: Box::new(session.clone()),
    });
    applied.into_iter().chain(paid).chain(updated).collect()
}

/// Returns a session as it was put: a student moves it once at most.
fn as_put(session: &Session) -> Session {
    Session {
        status: SessionStatus::Scheduled,
        session_date: session.original_date(),
        rescheduled: None,
        reschedulable: true,
        status_changed_at: None,
        sequence: 0,
        version: 1,
        ..session.clone()
    }
}

#[cfg(test)]
mod tests;
