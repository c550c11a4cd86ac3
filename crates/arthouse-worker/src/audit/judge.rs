use arthouse_core::{Invariant, Subject, Violation};
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
        DecodeError::Key | DecodeError::Attributes { .. } => of_its_family,
    };
    Some(Violation::new(
        invariant?,
        subject(key)?,
        defect.error.to_string(),
    ))
}

fn subject(key: Key) -> Option<Subject> {
    match key {
        Key::Course(_) => None,
        Key::Application(user_id, course_id) | Key::Enrollment(user_id, course_id) => {
            Some(Subject::Enrollment { user_id, course_id })
        }
        Key::Session(course_id, session_id, user_id) => Some(Subject::Session {
            user_id,
            course_id,
            session_id,
        }),
        Key::Receipt(source, command_id) => Some(Subject::Command { source, command_id }),
    }
}
