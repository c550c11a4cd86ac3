use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Notification, NotificationData};
use crate::{Change, Enrollment, Occurrence, Session, SessionId, SessionMinutes, Text, Timestamp};

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
        let (Some(after), Change::EnrollmentUpdated { sessions, .. }) =
            (change.initialised(), change)
        else {
            return Vec::new();
        };
        let time = after.sessions_initialized_at.unwrap_or(after.paid_date);
        let line = |(session_id, date): (SessionId, Occurrence)| ScheduledSession {
            session_id,
            starts_at: date.at,
            local_start: date.local.to_rfc3339(),
            minutes: after.session_minutes,
        };
        let data = Self {
            course_title: after.title.clone(),
            time_zone: after.schedule.time_zone().to_owned(),
            sessions: first_dates(after, sessions).map(line).collect(),
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
            sessions: crate::samples::sessions(),
        }]
    }
}

/// Returns the date that each session had at first, as the session says. The timetable may have others by now; it counts only for a session
/// that is not there.
fn first_dates(
    enrollment: &Enrollment,
    sessions: &[Session],
) -> impl Iterator<Item = (SessionId, Occurrence)> {
    let schedule = &enrollment.schedule;
    let first_date = |session: &Session| {
        let at = session.original_date();
        let is_same = |local: &DateTime<FixedOffset>| Timestamp::from(local.to_utc()) == at;
        let local = session.original_local_start.filter(is_same);
        let date = local.map_or_else(|| schedule.localise(at), |local| Occurrence { at, local });
        (session.session_id.clone(), date)
    };
    let mut put: BTreeMap<_, _> = sessions.iter().map(first_date).collect();
    let duration = enrollment.duration.get();
    let timetable = (put.len() < usize::from(duration))
        .then(|| enrollment.session_dates())
        .flatten()
        .unwrap_or_default();
    (1..=duration).filter_map(move |ordinal| {
        let session_id = SessionId::from_ordinal(ordinal);
        let of_timetable = || timetable.get(usize::from(ordinal) - 1).copied();
        let date = put.remove(&session_id).or_else(of_timetable)?;
        Some((session_id, date))
    })
}
