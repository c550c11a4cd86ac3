use schemars::JsonSchema;
use serde::Serialize;

use super::{Notification, NotificationData};
use crate::{Change, SessionId, Timestamp};

/// A session has another date.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "session.rescheduled")]
pub(super) struct SessionRescheduled {
    session_id: SessionId,
    old_date: Timestamp,
    new_date: Timestamp,
    sequence: u32,
}

impl NotificationData for SessionRescheduled {
    const NAMES: &'static [&'static str] = &["session.rescheduled"];

    fn told(change: &Change) -> Vec<Notification> {
        let Change::SessionUpdated { before, after } = change else {
            return Vec::new();
        };
        let moved = after
            .rescheduled
            .filter(|_| before.session_date != after.session_date);
        let Some(moved) = moved else {
            return Vec::new();
        };
        let data = Self {
            session_id: after.session_id.clone(),
            old_date: before.session_date,
            new_date: after.session_date,
            sequence: after.sequence,
        };
        let student = (&after.user_id, &after.course_id);
        let change = [after.session_id.as_str(), &after.sequence.to_string()];
        vec![Notification::new(
            Self::NAMES[0],
            student,
            moved.at,
            &change,
            &data,
        )]
    }

    #[cfg(test)]
    fn examples() -> Vec<Change> {
        use crate::samples::{NOW, after, first_session};
        vec![Change::SessionUpdated {
            before: first_session().into(),
            after: after(first_session(), "session.reschedule", NOW).into(),
        }]
    }
}
