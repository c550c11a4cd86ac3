use crate::{Enrollment, Occurrence, Session, SessionId, SessionStatus};

impl Enrollment {
    /// Returns the dates of the enrolment's sessions: the first ones strictly after the payment and `first_session_after`.
    ///
    /// Nothing is returned where the timetable has too few, which the confirmation has ruled out.
    pub fn session_dates(&self) -> Option<Vec<Occurrence>> {
        let after = self
            .first_session_after
            .map_or(self.paid_date, |after| after.max(self.paid_date));
        self.schedule.first_after(after, self.duration)
    }
}

/// Returns the sessions of an enrolment as they are at first; nothing where its timetable has too few dates.
pub fn initial_sessions(enrollment: &Enrollment) -> Option<Vec<Session>> {
    let dates = enrollment.session_dates()?;
    let session = |(ordinal, date): (u16, Occurrence)| Session {
        user_id: enrollment.user_id.clone(),
        course_id: enrollment.course_id.clone(),
        session_id: SessionId::from_ordinal(ordinal),
        status: SessionStatus::Scheduled,
        session_date: date.at,
        original_local_start: Some(date.local),
        rescheduled: None,
        reschedulable: true,
        cost: enrollment.cost.share(ordinal, enrollment.duration),
        currency: enrollment.currency,
        status_changed_at: None,
        sequence: 0,
        version: 1,
    };
    Some((1..).zip(dates).map(session).collect())
}

#[cfg(test)]
mod tests;
