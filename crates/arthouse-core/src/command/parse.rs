//! From a message body to a [`Command`], and back.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Action, Actor, Command, CommandType, RescheduleSession, SkipSession};
use crate::envelope::Envelope;
use crate::{Malformed, Metadata, Reason, Text, Timestamp};

impl Command {
    /// Reads a command from a message's body: one CloudEvents 1.0 event in structured JSON.
    ///
    /// # Errors
    /// Says what is malformed; such a message is for the dead-letter queue.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        let envelope = Envelope::parse(body)?;
        let command_type = CommandType::from_wire(&envelope.event_type).ok_or_else(|| {
            Malformed::new(Reason::UnknownType, "type: not a command of this version")
        })?;
        check_objects(&envelope.data)?;
        let ActorField { actor } = data(&envelope.data)?;
        if actor.id.is_empty() || actor.id.len() > 128 {
            return Err(Malformed::new(
                Reason::InvalidData,
                "data.actor.id: must be 1 to 128 bytes",
            ));
        }
        Ok(Self {
            action: action(command_type, &envelope.data)?,
            actor,
            payload_hash: envelope.payload_hash,
            metadata: envelope.metadata,
        })
    }
}

/// Refuses a list where an object belongs: serde would read the fields from it in their order.
fn check_objects(data: &Value) -> Result<(), Malformed> {
    if !data.is_object() {
        return Err(Malformed::no_object("data"));
    }
    for field in ["actor", "contact_info"] {
        if data[field].is_array() {
            return Err(Malformed::no_object(&format!("data.{field}")));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct ActorField {
    actor: Actor,
}

#[derive(Deserialize)]
struct ReasonField {
    reason: Option<Text>,
}

#[derive(Deserialize)]
struct NewDateField {
    new_session_date: Timestamp,
}

fn action(command_type: CommandType, value: &Value) -> Result<Action, Malformed> {
    Ok(match command_type {
        CommandType::CreateCourse => Action::CreateCourse(data(value)?),
        CommandType::UpdateCourse => Action::UpdateCourse(data(value)?),
        CommandType::ApplyForCourse => Action::ApplyForCourse(data(value)?),
        CommandType::ConfirmPayment => Action::ConfirmPayment(data(value)?),
        CommandType::AttendSession => Action::AttendSession(data(value)?),
        CommandType::SkipSession => {
            let ReasonField { reason } = data(value)?;
            Action::SkipSession(SkipSession {
                target: data(value)?,
                reason,
            })
        }
        CommandType::RescheduleSession => {
            let target = data(value)?;
            let NewDateField { new_session_date } = data(value)?;
            Action::RescheduleSession(RescheduleSession {
                target,
                new_session_date,
            })
        }
    })
}

fn data<T: DeserializeOwned>(value: &Value) -> Result<T, Malformed> {
    serde_path_to_error::deserialize(value)
        .map_err(|e| Malformed::at(Reason::InvalidData, "data", &e))
}

impl Action {
    /// Writes the command's data, with the actor, as it stands in a message.
    pub fn to_data(&self, actor: &Actor) -> Value {
        let mut data = match self {
            Self::CreateCourse(data) => to_value(data),
            Self::UpdateCourse(data) => to_value(data),
            Self::ApplyForCourse(data) => to_value(data),
            Self::ConfirmPayment(data) => to_value(data),
            Self::AttendSession(target) => to_value(target),
            Self::SkipSession(data) => to_value(data),
            Self::RescheduleSession(data) => to_value(data),
        };
        data["actor"] = json!(actor);
        data
    }
}

impl Action {
    /// Writes the command as a message's body; [`Command::parse`] reads it back.
    pub fn to_body(&self, metadata: &Metadata, actor: &Actor) -> String {
        let mut event = json!({
            "specversion": "1.0",
            "id": metadata.id,
            "source": metadata.source,
            "type": self.command_type().as_str(),
            "time": metadata.time,
            "datacontenttype": "application/json",
            "data": self.to_data(actor),
        });
        let context = [
            ("correlationid", &metadata.correlation_id),
            ("traceparent", &metadata.traceparent),
        ];
        for (name, text) in context {
            if let Some(text) = text {
                event[name] = json!(text);
            }
        }
        event.to_string()
    }
}

fn to_value(data: &impl Serialize) -> Value {
    serde_json::to_value(data).expect("a command's data holds texts and numbers only")
}
