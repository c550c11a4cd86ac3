use schemars::Schema;
use serde_json::{Value, json};

use super::{inlined, part};
use crate::notification::What;
use crate::outcome::OutcomeData;
use crate::{CloudEvent, CourseId, Rejection, UserId};

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
        let mut envelope = inlined::<CloudEvent>();
        let data = match self.notification() {
            None => self.outcome_data(),
            Some(title) => notification_data(title),
        };
        if self.is_outcome()
            && let Some(required) = envelope.get_mut("required").and_then(Value::as_array_mut)
        {
            required.extend([json!("correlationid"), json!("causationid")]);
        }
        if let Some(field) = envelope.pointer_mut("/properties/data") {
            *field = data;
        }
        envelope
    }

    /// Returns the schema of an outcome's data: a rejection, and it alone, has a code and a message.
    fn outcome_data(self) -> Value {
        let mut data = part::<OutcomeData<'static>>();
        data["title"] = json!(self.name());
        if self == Self::CommandRejected {
            if let Some(required) = data["required"].as_array_mut() {
                required.extend([json!("code"), json!("message")]);
            }
            // Examples, not the only ones: a new code is no new contract.
            data["properties"]["code"]["examples"] = json!(Rejection::CODES);
        } else if let Some(properties) = data["properties"].as_object_mut() {
            for absent in ["code", "message"] {
                properties.insert(absent.to_owned(), json!(false));
            }
        }
        data
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
