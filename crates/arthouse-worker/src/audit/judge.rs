use arthouse_core::{AuditSubject, Invariant, Violation};
use arthouse_store::{DecodeError, Key, Unreadable};

/// Returns the invariant that an unreadable item violates; `None` if it violates none of the numbered ones.
pub(super) fn judge(defect: &Unreadable) -> Option<Violation> {
    let key = defect.key.clone()?;
    let of_its_family = match &key {
        Key::Session(..) => Some(Invariant::Sessions),
        Key::Enrollment(..) => Some(Invariant::Balance),
        Key::Receipt(..) => Some(Invariant::Outcome),
        Key::Course(_) | Key::Application(..) => None,
    };
    let invariant = match &defect.error {
        DecodeError::Inconsistent { invariant, .. } => Some(*invariant),
        DecodeError::Twice => Some(Invariant::Sessions),
        DecodeError::Key | DecodeError::Attribute { .. } => of_its_family,
    };
    Some(Violation::new(
        invariant?,
        subject(key)?,
        defect.error.to_string(),
    ))
}

fn subject(key: Key) -> Option<AuditSubject> {
    match key {
        Key::Course(_) => None,
        Key::Application(user_id, course_id) | Key::Enrollment(user_id, course_id) => {
            Some(AuditSubject::Enrollment { user_id, course_id })
        }
        Key::Session(course_id, session_id, user_id) => Some(AuditSubject::Session {
            user_id,
            course_id,
            session_id,
        }),
        Key::Receipt(source, command_id) => Some(AuditSubject::Command { source, command_id }),
    }
}
