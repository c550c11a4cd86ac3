//! The contracts on the wire as JSON Schema, generated from the types.

mod event;
mod transform;

pub use event::EventType;
pub(crate) use event::notification_data;

use schemars::generate::SchemaSettings;
use schemars::transform::Transform;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};
use transform::{Bounded, NeverNull, PlainText};

use crate::command::MAX_CONTEXT;
use crate::values::carried_by_none;
use crate::{Actor, CommandId, CommandType, Source, Timestamp};

/// A command as it stands on the wire: one CloudEvents 1.0 event in structured JSON.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct CommandEvent<T> {
    /// Always `1.0`.
    #[schemars(extend("const" = "1.0"))]
    specversion: String,
    /// Names the command; with the source the idempotency key.
    id: CommandId,
    /// The system that the command comes from.
    source: Source,
    /// What is asked for.
    r#type: String,
    /// When the producer made it; what counts is when the queue took it.
    time: Option<Timestamp>,
    /// What it is about, for people.
    subject: Option<String>,
    /// `application/json`, if anything.
    #[schemars(extend("pattern" = JSON_TYPE))]
    datacontenttype: Option<String>,
    /// What the conversation is called that this belongs to; its outcome has the same.
    #[schemars(extend("minLength" = 1, "maxLength" = MAX_CONTEXT, "not" = carried_by_none()))]
    correlationid: Option<String>,
    /// What the command comes of.
    causationid: Option<String>,
    /// The W3C trace context.
    #[schemars(extend("minLength" = 1, "maxLength" = MAX_CONTEXT, "not" = carried_by_none()))]
    traceparent: Option<String>,
    /// Who asks for what.
    data: WithActor<T>,
}

/// A media type of JSON, with parameters or without; upper and lower case are the same (RFC 6839, section 3.1).
const JSON_TYPE: &str =
    r"^\s*([aA][pP][pP][lL][iI][cC][aA][tT][iI][oO][nN]/|[^;]*\+)[jJ][sS][oO][nN]\s*(;.*)?$";

/// A command's data with the actor in it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct WithActor<T> {
    actor: Actor,
    #[serde(flatten)]
    data: T,
}

/// Returns the schema of a command: the whole event.
pub fn command(command_type: CommandType) -> Schema {
    let mut schema = of_type(command_type.event_schema(), command_type.as_str());
    schema.insert("examples".to_owned(), json!([example(command_type)]));
    schema
}

/// Returns the schema of the event of any command with this data.
pub(crate) fn command_event<T: JsonSchema>() -> Schema {
    inlined::<CommandEvent<T>>()
}

/// Returns a whole command of a type, as a producer would write it.
pub fn example(command_type: CommandType) -> Value {
    json!({
        "specversion": "1.0",
        "id": "5f0c1c1e-8a52-4f0e-9b1d-2f6a1c7f2a10",
        "source": "urn:school:web",
        "type": command_type.as_str(),
        "time": "2026-09-20T12:00:00Z",
        "datacontenttype": "application/json",
        "correlationid": "order-4711",
        "data": command_type.example(),
    })
}

/// Returns the schema of an event that we send: an outcome or a notification.
pub fn event(event_type: EventType) -> Schema {
    let mut schema = of_type(event_type.envelope(), &event_type.wire_type());
    NeverNull.transform(&mut schema);
    schema
}

/// Returns a schema that refers to nothing outside itself, so that it can stand within another; of draft 7, as AsyncAPI has it.
fn inlined<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>()
}

/// The same without what only the whole of a document has.
fn part<T: JsonSchema>() -> Value {
    let mut schema = inlined::<T>();
    schema.remove("$schema");
    schema.to_value()
}

/// Narrows the schema of an envelope to one type.
fn of_type(mut envelope: Schema, wire_type: &str) -> Schema {
    PlainText.transform(&mut envelope);
    Bounded.transform(&mut envelope);
    envelope.insert("title".to_owned(), json!(wire_type));
    if let Some(field) = envelope.pointer_mut("/properties/type") {
        field["const"] = json!(wire_type);
    }
    envelope
}

#[cfg(test)]
mod tests;
