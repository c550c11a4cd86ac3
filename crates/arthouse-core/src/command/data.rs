//! The data of the commands, field by field.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{ContactInfo, CourseId, Currency, SessionId, SessionMinutes, Text, Timestamp, UserId};

/// The data of `course.create`.
///
/// A cost, duration or schedule that is not right is a rejection, not a malformed message: so they come unchecked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreateCourse {
    /// Names the new course.
    pub course_id: CourseId,
    /// What it is called.
    pub title: Text,
    /// What it is about.
    pub description: Text,
    /// What the whole course costs, in minor units; not negative.
    pub cost: i64,
    /// The currency of the cost.
    pub currency: Currency,
    /// How many sessions it has: 1 to 500.
    pub duration: i64,
    /// How it is paid.
    pub payment_method: Text,
    /// Where it is paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_link: Option<Text>,
    /// When its sessions take place: iCalendar `DTSTART;TZID=…`, `RRULE`, `RDATE`, `EXDATE`.
    pub schedule: String,
    /// How long a session lasts, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_minutes: Option<SessionMinutes>,
}

/// The data of `course.update`: what is not given stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UpdateCourse {
    /// The course to change.
    pub course_id: CourseId,
    /// The version that the change was made for; any if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
    /// A new title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// A new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text>,
    /// A new price, in minor units; not negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<i64>,
    /// A new currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// A new number of sessions: 1 to 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// A new way to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<Text>,
    /// A new place to pay; `null` takes it away.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub payment_link: Option<Option<Text>>,
    /// A new timetable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// A new length of a session, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_minutes: Option<SessionMinutes>,
    /// Whether students may apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
}

/// Tells `null` from a field that is not there.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Text>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The data of `course.apply`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplyForCourse {
    /// Who applies.
    pub user_id: UserId,
    /// For which course.
    pub course_id: CourseId,
    /// How to reach the student.
    pub contact_info: ContactInfo,
}

/// The data of `payment.confirm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfirmPayment {
    /// Who paid.
    pub user_id: UserId,
    /// For which course.
    pub course_id: CourseId,
    /// What was paid, in minor units; must be the quoted price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// The payment's reference at its provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
    /// No session is to take place until after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_session_after: Option<Timestamp>,
}

/// Names a session; the data of `session.attend`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionTarget {
    /// Whose session.
    pub user_id: UserId,
    /// Of which course.
    pub course_id: CourseId,
    /// Which one: its ordinal, such as `0003`.
    pub session_id: SessionId,
}

/// The data of `session.skip`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SkipSession {
    /// The session.
    #[serde(flatten)]
    pub target: SessionTarget,
    /// Why, for whoever reads the command; it is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

/// The data of `session.reschedule`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RescheduleSession {
    /// The session.
    #[serde(flatten)]
    pub target: SessionTarget,
    /// The date that it is to have.
    pub new_session_date: Timestamp,
}
