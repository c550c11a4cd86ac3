//! The workflows: one file each, all pure.

mod apply_for_course;
mod attend_or_skip_session;
mod confirm_payment;
mod create_course;
mod initialise_sessions;
mod reschedule_session;
mod update_course;

pub use initialise_sessions::initial_sessions;

use crate::{
    Action, Command, Refusal, Session, SessionStatus, SessionTarget, State, Timestamp, Transition,
};

/// Decides a command on the records that it [needs](crate::Needs).
///
/// `now` is when the queue took the command (`SentTimestamp`), so that its delay can't hurt the student and a redelivery
/// decides the same.
///
/// # Errors
/// Returns the school's rejection, or that the command has come before the sessions it is about.
pub fn decide(state: &State, command: &Command, now: Timestamp) -> Result<Transition, Refusal> {
    command.authorise()?;
    match &command.action {
        Action::CreateCourse(data) => Ok(create_course::decide(state.course.as_ref(), data)?),
        Action::UpdateCourse(data) => Ok(update_course::decide(state.course.as_ref(), data)?),
        Action::ApplyForCourse(data) => Ok(apply_for_course::decide(state, data, now)?),
        Action::ConfirmPayment(data) => Ok(confirm_payment::decide(state, data, now)?),
        Action::AttendSession(target) => {
            let session = scheduled_session(state, target)?;
            Ok(attend_or_skip_session::decide(
                session,
                SessionStatus::Attended,
                now,
            ))
        }
        Action::SkipSession(data) => {
            let session = scheduled_session(state, &data.target)?;
            Ok(attend_or_skip_session::decide(
                session,
                SessionStatus::Skipped,
                now,
            ))
        }
        Action::RescheduleSession(data) => {
            let session = scheduled_session(state, &data.target)?;
            Ok(reschedule_session::decide(session, data, now)?)
        }
    }
}

/// Finds the session that a command is about, still scheduled.
fn scheduled_session<'a>(state: &'a State, target: &SessionTarget) -> Result<&'a Session, Refusal> {
    use crate::Rejection::{EnrollmentNotFound, SessionNotFound, SessionNotScheduled};
    match (&state.session, &state.enrollment) {
        (Some(session), _) if session.status == SessionStatus::Scheduled => Ok(session),
        (Some(_), _) => Err(SessionNotScheduled.into()),
        (None, None) => Err(EnrollmentNotFound.into()),
        (None, Some(enrollment)) => {
            let expected = target
                .session_id
                .ordinal()
                .is_some_and(|n| n <= enrollment.duration.get());
            if expected && enrollment.sessions_initialized_at.is_none() {
                Err(Refusal::SessionsNotInitialized)
            } else {
                Err(SessionNotFound.into())
            }
        }
    }
}

#[cfg(test)]
mod tests;
