//! The contracts on the wire as JSON Schema, generated from the types.

mod event;
mod transform;

pub use event::EventType;

use schemars::Schema;
use schemars::transform::Transform;
use serde_json::{Value, json};
use transform::{Bounded, NeverNull, PlainText};

use crate::CommandType;

/// Returns the schema of a command: the whole event.
pub fn command(command_type: CommandType) -> Schema {
    let mut schema = of_type(command_type.event_schema(), command_type.as_str());
    schema.insert("examples".to_owned(), json!([example(command_type)]));
    schema
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
