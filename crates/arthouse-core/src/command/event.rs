use schemars::{JsonSchema, Schema};

use super::Actor;
use crate::json_schema::inlined;
use crate::values::{MAX_CONTEXT, carried_by_none};
use crate::{CommandId, Source, Timestamp};

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

/// Returns the schema of the event of any command with this data.
pub(super) fn schema<T: JsonSchema>() -> Schema {
    inlined::<CommandEvent<T>>()
}
