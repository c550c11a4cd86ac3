use schemars::Schema;
use serde_json::{Value, json};

use crate::json_schema::{inlined, part};
use crate::outcome::OutcomeData;
use crate::{CloudEvent, Rejection, notification};

/// The events that we send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    /// An outcome: the command was carried out.
    CommandApplied,
    /// An outcome: the school said no.
    CommandRejected,
    /// A notification, by its name.
    Notification(&'static str),
}

impl EventType {
    /// Returns all of them: outcomes, then notifications, in the order of their list.
    pub fn all() -> Vec<Self> {
        let notifications = notification::KINDS.iter().flat_map(|kind| kind.names);
        [Self::CommandApplied, Self::CommandRejected]
            .into_iter()
            .chain(notifications.map(|name| Self::Notification(name)))
            .collect()
    }

    /// Returns what has happened, such as `session.attended`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CommandApplied => "command.applied",
            Self::CommandRejected => "command.rejected",
            Self::Notification(name) => name,
        }
    }

    /// Returns the type on the wire.
    pub fn wire_type(self) -> String {
        format!("com.digitalarthouse.{}.v1", self.name())
    }

    /// Says whether it is an outcome, else it is a notification.
    pub fn is_outcome(self) -> bool {
        match self {
            Self::CommandApplied | Self::CommandRejected => true,
            Self::Notification(_) => false,
        }
    }

    /// Returns the schema of the event, of which the type may be any.
    pub(super) fn envelope(self) -> Schema {
        let mut envelope = inlined::<CloudEvent>();
        let mut kinds = notification::KINDS.iter();
        let told = kinds.find(|kind| kind.names.contains(&self.name()));
        let data = told.map_or_else(|| self.outcome_data(), |kind| (kind.data_schema)());
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
            data["properties"]["code"]["examples"] = json!(Rejection::codes());
        } else if let Some(properties) = data["properties"].as_object_mut() {
            for absent in ["code", "message"] {
                properties.insert(absent.to_owned(), json!(false));
            }
        }
        data
    }
}
