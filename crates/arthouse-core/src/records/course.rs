use crate::{Amount, CourseId, Currency, Duration, Schedule, SessionMinutes, Text};

/// A course on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// Names the course.
    pub course_id: CourseId,
    /// What it is called.
    pub title: Text,
    /// What it is about.
    pub description: Text,
    /// What the whole course costs.
    pub cost: Amount,
    /// The currency of the cost.
    pub currency: Currency,
    /// How many sessions it has.
    pub duration: Duration,
    /// How it is paid, in the school's own words.
    pub payment_method: Text,
    /// Where it is paid.
    pub payment_link: Option<Text>,
    /// When its sessions take place.
    pub schedule: Schedule,
    /// How long a session lasts.
    pub session_minutes: SessionMinutes,
    /// Whether students may apply.
    pub open: bool,
    /// Counts the changes, from 1.
    pub version: u64,
}
