use std::collections::BTreeSet;

use super::AuditSubject;
use crate::{Enrollment, Occurrence, Session, SessionStatus};

/// A scheduled session whose instant is not, or no longer, a date of its timetable: the rules of its time zone were changed after it was
/// written. That is information and no violation (`RULES.md`, "Time zones").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffTimetable {
    /// The session.
    pub subject: AuditSubject,
    /// When it takes place.
    pub date: Occurrence,
    /// When it would take place if it was scheduled today.
    pub timetable: Option<Occurrence>,
}

/// Finds the sessions of an enrolment that are not at a time of its timetable. Nothing is said of sessions that were rescheduled or are
/// over, nor where the timetable can't be followed any more.
pub fn off_timetable(enrollment: &Enrollment, sessions: &[Session]) -> Vec<OffTimetable> {
    if enrollment.schedule.problem().is_some() {
        return Vec::new();
    }
    let dates = enrollment.session_dates().unwrap_or_default();
    let known: BTreeSet<_> = dates.iter().map(|date| date.at).collect();
    let is_off = |session: &&Session| {
        session.status == SessionStatus::Scheduled
            && session.rescheduled.is_none()
            && !known.contains(&session.session_date)
            && !enrollment.schedule.has(session.session_date)
    };
    let off = |session: &Session| OffTimetable {
        subject: AuditSubject::session(&session.user_id, &session.course_id, &session.session_id),
        date: enrollment.schedule.localise(session.session_date),
        timetable: session
            .session_id
            .ordinal()
            .and_then(|ordinal| dates.get(usize::from(ordinal).checked_sub(1)?).copied()),
    };
    sessions.iter().filter(is_off).map(off).collect()
}
