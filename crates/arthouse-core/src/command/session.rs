//! What the commands for a session have in common.

use crate::{Refusal, Rejection, Session, SessionId, SessionStatus, State, Timestamp, Transition};

pub(super) const ENROLLMENT_NOT_FOUND: Rejection = Rejection::new(
    "ENROLLMENT_NOT_FOUND",
    "the student is not enrolled in this course",
);
pub(super) const SESSION_NOT_FOUND: Rejection =
    Rejection::new("SESSION_NOT_FOUND", "the enrolment has no such session");
pub(super) const SESSION_NOT_SCHEDULED: Rejection = Rejection::new(
    "SESSION_NOT_SCHEDULED",
    "the session is not scheduled any more",
);

/// The rejections of commands for a session that is to be scheduled still.
pub(super) const NOT_SCHEDULED: [Rejection; 3] = [
    ENROLLMENT_NOT_FOUND,
    SESSION_NOT_FOUND,
    SESSION_NOT_SCHEDULED,
];

/// Finds the session that a command is about, still scheduled.
pub(super) fn scheduled<'a>(
    state: &'a State,
    session_id: &SessionId,
) -> Result<&'a Session, Refusal> {
    match (&state.session, &state.enrollment) {
        (Some(session), _) if session.status == SessionStatus::Scheduled => Ok(session),
        (Some(_), _) => Err(SESSION_NOT_SCHEDULED.into()),
        (None, None) => Err(ENROLLMENT_NOT_FOUND.into()),
        (None, Some(enrollment)) => {
            let expected = session_id
                .ordinal()
                .is_some_and(|n| n <= enrollment.duration.get());
            if expected && enrollment.sessions_initialized_at.is_none() {
                Err(Refusal::SessionsNotInitialized)
            } else {
                Err(SESSION_NOT_FOUND.into())
            }
        }
    }
}

/// Gives a scheduled session another status; if something is to be paid for it then, the charge follows as a reaction.
pub(super) fn settle(
    state: &State,
    session_id: &SessionId,
    status: SessionStatus,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    let session = scheduled(state, session_id)?;
    Ok(Transition::UpdateSession(Session {
        status,
        status_changed_at: Some(now),
        version: session.version + 1,
        ..session.clone()
    }))
}

#[cfg(test)]
mod tests;
