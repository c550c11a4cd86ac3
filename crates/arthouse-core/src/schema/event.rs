use schemars::Schema;
use serde_json::{Value, json};

use super::{inlined, part};
use crate::notification::What;
use crate::outcome::OutcomeData;
use crate::{CloudEvent, CourseId, UserId};

/// The events that we send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    /// An outcome: the command was carried out.
    CommandApplied,
    /// An outcome: the school said no.
    CommandRejected,
    /// A student has applied for a course.
    ApplicationReceived,
    /// A student has paid.
    PaymentConfirmed,
    /// A student has a timetable.
    SessionsScheduled,
    /// A session was attended and charged.
    SessionAttended,
    /// A session was skipped and charged.
    SessionSkipped,
    /// A session has another date.
    SessionRescheduled,
    /// No session is to come any more.
    CourseCompleted,
}

impl EventType {
    /// All of them: outcomes, then notifications, in the order of a course's life.
    pub const ALL: [Self; 9] = [
        Self::CommandApplied,
        Self::CommandRejected,
        Self::ApplicationReceived,
        Self::PaymentConfirmed,
        Self::SessionsScheduled,
        Self::SessionAttended,
        Self::SessionSkipped,
        Self::SessionRescheduled,
        Self::CourseCompleted,
    ];

    /// Returns what has happened, such as `session.attended`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CommandApplied => "command.applied",
            Self::CommandRejected => "command.rejected",
            Self::ApplicationReceived => "application.received",
            Self::PaymentConfirmed => "payment.confirmed",
            Self::SessionsScheduled => "sessions.scheduled",
            Self::SessionAttended => "session.attended",
            Self::SessionSkipped => "session.skipped",
            Self::SessionRescheduled => "session.rescheduled",
            Self::CourseCompleted => "course.completed",
        }
    }

    /// Returns the type on the wire.
    pub fn wire_type(self) -> String {
        format!("com.digitalarthouse.{}.v1", self.name())
    }

    /// Says whether it is an outcome, else it is a notification.
    pub fn is_outcome(self) -> bool {
        self.notification().is_none()
    }

    /// Returns the schema of the event, of which the type may be any.
    pub(super) fn envelope(self) -> Schema {
        let data = match self.notification() {
            None => part::<OutcomeData<'static>>(),
            Some(title) => notification_data(title),
        };
        let mut envelope = inlined::<CloudEvent>();
        if let Some(field) = envelope.pointer_mut("/properties/data") {
            *field = data;
        }
        envelope
    }

    /// Returns the title under which the schema of a notification's data is found.
    fn notification(self) -> Option<&'static str> {
        match self {
            Self::CommandApplied | Self::CommandRejected => None,
            Self::SessionAttended | Self::SessionSkipped => Some("session.charged"),
            Self::ApplicationReceived
            | Self::PaymentConfirmed
            | Self::SessionsScheduled
            | Self::SessionRescheduled
            | Self::CourseCompleted => Some(self.name()),
        }
    }
}

/// Returns the schema of the data of a notification: what it tells, the student and the course.
fn notification_data(title: &str) -> Value {
    let all = part::<What>();
    let mut variants = all["anyOf"].as_array().into_iter().flatten();
    let found = variants.find(|variant| variant["title"] == title);
    let mut data = found
        .cloned()
        .expect("every notification has a titled schema, which the tests hold");
    for (field, schema) in [
        ("user_id", part::<UserId>()),
        ("course_id", part::<CourseId>()),
    ] {
        data["properties"][field] = schema;
        if let Some(required) = data["required"].as_array_mut() {
            required.push(json!(field));
        }
    }
    data
}
