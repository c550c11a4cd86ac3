use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Notification, NotificationData};
use crate::{Change, Occurrence, SessionId, SessionMinutes, Text, Timestamp};

/// A student has a timetable.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "sessions.scheduled")]
pub(super) struct SessionsScheduled {
    course_title: Text,
    time_zone: String,
    sessions: Vec<ScheduledSession>,
}

/// A line of the timetable that a student gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduledSession {
    /// Which session.
    pub session_id: SessionId,
    /// When it starts.
    pub starts_at: Timestamp,
    /// The same as the clock on the wall shows it, with its offset from UTC (RFC 3339).
    pub local_start: String,
    /// How long it lasts.
    pub minutes: SessionMinutes,
}

impl NotificationData for SessionsScheduled {
    const NAMES: &'static [&'static str] = &["sessions.scheduled"];

    fn told(change: &Change) -> Vec<Notification> {
        let Change::EnrollmentUpdated { before, after } = change else {
            return Vec::new();
        };
        let (None, Some(time)) = (
            before.sessions_initialized_at,
            after.sessions_initialized_at,
        ) else {
            return Vec::new();
        };
        let dates = after.session_dates().unwrap_or_default();
        let line = |(ordinal, date): (u16, Occurrence)| ScheduledSession {
            session_id: SessionId::from_ordinal(ordinal),
            starts_at: date.at,
            local_start: date.local.to_rfc3339(),
            minutes: after.session_minutes,
        };
        let data = Self {
            course_title: after.title.clone(),
            time_zone: after.schedule.time_zone().to_owned(),
            sessions: (1..).zip(dates).map(line).collect(),
        };
        let student = (&after.user_id, &after.course_id);
        let change = [&*after.paid_date.to_string()];
        vec![Notification::new(
            Self::NAMES[0],
            student,
            time,
            &change,
            &data,
        )]
    }

    #[cfg(test)]
    fn examples() -> Vec<Change> {
        vec![Change::EnrollmentUpdated {
            before: crate::samples::enrollment().into(),
            after: crate::samples::initialised().into(),
        }]
    }
}
