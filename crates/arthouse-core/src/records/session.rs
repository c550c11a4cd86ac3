use chrono::{DateTime, FixedOffset, TimeDelta};

use crate::{Amount, CourseId, Currency, SessionId, SessionStatus, Timestamp, UserId};

/// One session of one student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose session.
    pub user_id: UserId,
    /// Of which course.
    pub course_id: CourseId,
    /// Which one.
    pub session_id: SessionId,
    /// Whether it is still to come, and how it went.
    pub status: SessionStatus,
    /// When it takes or took place.
    pub session_date: Timestamp,
    /// Its first date as the clock on the wall showed it when the session was put. The rules of the time zone may have changed since.
    pub original_local_start: Option<DateTime<FixedOffset>>,
    /// The move to another date, if there was one.
    pub rescheduled: Option<Rescheduled>,
    /// Whether the student may move it.
    pub reschedulable: bool,
    /// What it costs.
    pub cost: Amount,
    /// The currency of the cost.
    pub currency: Currency,
    /// When it was attended or skipped.
    pub status_changed_at: Option<Timestamp>,
    /// Counts the dates it has had, for calendars (RFC 5545, `SEQUENCE`), from 0.
    pub sequence: u32,
    /// Counts the changes, from 1.
    pub version: u64,
}

/// A session's move to the date that it has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rescheduled {
    /// The date that it had at first.
    pub original_session_date: Timestamp,
    /// When it was moved.
    pub at: Timestamp,
}

impl Session {
    /// The notice that a student must give to move a session: strictly more than 24 hours of elapsed time.
    pub const RESCHEDULE_NOTICE: TimeDelta = TimeDelta::hours(24);

    /// Returns the date that it had at first.
    pub fn original_date(&self) -> Timestamp {
        self.rescheduled
            .map_or(self.session_date, |moved| moved.original_session_date)
    }

    /// Says whether the date is more than the notice away.
    pub fn leaves_notice(&self, now: Timestamp) -> bool {
        self.session_date.since(now) > Self::RESCHEDULE_NOTICE
    }
}
