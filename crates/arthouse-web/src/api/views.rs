//! What the API answers with, beside what the core projects.

use arthouse_core::{
    Amount, Application, CommandId, CourseDetails, CourseId, CourseSummary, Currency, Session,
    SessionId, SessionStatus, Text, Timestamp, UserId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest idempotency key: with the digests beside it, a command's id keeps to its limit.
pub(super) const MAX_KEY: usize = 64;

/// A page of the catalogue.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Courses {
    /// The courses.
    pub(super) courses: Vec<CourseDetails>,
    /// The next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_page: Option<String>,
}

/// A page of a student's courses.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StudentCourses {
    /// The courses, by their ids.
    pub(super) courses: Vec<CourseSummary>,
    /// The next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_page: Option<String>,
}

/// A page of sessions of several students.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sessions {
    /// The sessions.
    pub(super) sessions: Vec<RosterEntry>,
    /// The next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_page: Option<String>,
}

/// A session of a student, as a teacher sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RosterEntry {
    /// The student.
    user_id: UserId,
    /// Which session.
    session_id: SessionId,
    /// How it stands.
    #[schemars(with = "String")]
    status: SessionStatus,
    /// When it takes place.
    session_date: Timestamp,
    /// The date that it had at first, if it was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_session_date: Option<Timestamp>,
}

impl From<&Session> for RosterEntry {
    fn from(session: &Session) -> Self {
        Self {
            user_id: session.user_id.clone(),
            session_id: session.session_id.clone(),
            status: session.status,
            session_date: session.session_date,
            original_session_date: session.rescheduled.map(|moved| moved.original_session_date),
        }
    }
}

/// A page of the applications that wait for their payment.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Applications {
    /// The applications, oldest first.
    pub(super) applications: Vec<WaitingApplication>,
    /// The next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_page: Option<String>,
}

/// An application that waits for its payment; without contact details, which only the office's pages show.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct WaitingApplication {
    /// The student.
    user_id: UserId,
    /// The course.
    course_id: CourseId,
    /// What the course is called.
    title: Text,
    /// When the student applied.
    applied_date: Timestamp,
    /// The quoted price, in minor units.
    cost: Amount,
    /// The currency of the price.
    currency: Currency,
    /// How it is paid.
    payment_method: Text,
}

impl From<&Application> for WaitingApplication {
    fn from(application: &Application) -> Self {
        let quote = &application.quote;
        Self {
            user_id: application.user_id.clone(),
            course_id: application.course_id.clone(),
            title: quote.title.clone(),
            applied_date: application.applied_date,
            cost: quote.cost,
            currency: quote.currency,
            payment_method: quote.payment_method.clone(),
        }
    }
}

/// The address of a student's calendar feed. Whoever has it can read the calendar.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CalendarLink {
    /// The address on this server.
    pub(super) path: String,
}

/// A command to send. Who sends it is whom the token names.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct CommandRequest {
    /// The type, such as `session.skip` or `com.digitalarthouse.session.skip.v1`.
    pub(super) r#type: String,
    /// The data without the actor, as the contract of the type says; of a student's command, `user_id` is replaced by the student's own.
    pub(super) data: Map<String, Value>,
    /// Names the attempt: the same key with the same data is the same command, which takes effect once. At most 64 characters.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(super) idempotency_key: Option<CommandId>,
}
