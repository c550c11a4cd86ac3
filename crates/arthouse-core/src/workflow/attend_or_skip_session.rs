use crate::{Session, SessionStatus, Timestamp, Transition};

/// A scheduled session is attended or skipped; either way it is paid, and the charge follows as a reaction.
pub(super) fn decide(session: &Session, status: SessionStatus, now: Timestamp) -> Transition {
    Transition::UpdateSession(Session {
        status,
        status_changed_at: Some(now),
        version: session.version + 1,
        ..session.clone()
    })
}
