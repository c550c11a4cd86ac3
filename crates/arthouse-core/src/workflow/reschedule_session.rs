use crate::{Rejection, RescheduleSession, Rescheduled, Session, Timestamp, Transition};

/// A student may move a session once, more than 24 hours ahead, to another date in the future. It costs nothing.
pub(super) fn decide(
    session: &Session,
    data: &RescheduleSession,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    if !session.reschedulable {
        return Err(Rejection::NotReschedulable);
    }
    if !session.leaves_notice(now) {
        return Err(Rejection::TooLate);
    }
    if data.new_session_date <= now {
        return Err(Rejection::NewDateInPast);
    }
    if data.new_session_date == session.session_date {
        return Err(Rejection::NewDateUnchanged);
    }
    let original_session_date = session
        .rescheduled
        .map_or(session.session_date, |moved| moved.original_session_date);
    Ok(Transition::UpdateSession(Session {
        session_date: data.new_session_date,
        rescheduled: Some(Rescheduled {
            original_session_date,
            at: now,
        }),
        reschedulable: false,
        sequence: session.sequence + 1,
        version: session.version + 1,
        ..session.clone()
    }))
}
