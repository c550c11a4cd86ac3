use arthouse_core::{AuditSubject, Invariant, Violation};
use arthouse_store::{DecodeError, Key, Unreadable};

/// Returns the invariant that an unreadable item violates; `None` if that can't be said, such as of an attribute of the wrong type.
pub(super) fn judge(defect: &Unreadable) -> Option<Violation> {
    let key = defect.key.clone()?;
    let is_receipt = matches!(key, Key::Receipt(..));
    let invariant = match &defect.error {
        DecodeError::Inconsistent { invariant, .. } => *invariant,
        DecodeError::Twice => Invariant::Sessions,
        error if is_receipt && error.is_missing("Outcome") => Invariant::Outcome,
        DecodeError::Key | DecodeError::Attribute { .. } => return None,
    };
    Some(Violation::new(
        invariant,
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
