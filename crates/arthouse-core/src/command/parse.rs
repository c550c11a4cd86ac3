//! From a message, a CloudEvents 1.0 event in structured JSON or in binary mode, to a [`Command`], and back.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::binary::Context;
use super::{Action, Actor, Command, CommandType, wire};
use crate::values::{MAX_CONTEXT, NOT_CARRIED, is_carried, sha256_hex};
use crate::{CloudEvent, CommandId, EventId, Malformed, Reason, Source, Timestamp};

/// The largest command, in bytes: SQS's classic limit, and with it each text fits into an item.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// The envelope's attributes, without the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Names the command; with the source the idempotency key.
    pub id: CommandId,
    /// The system that the command comes from.
    pub source: Source,
    /// What the conversation is called that this belongs to.
    pub correlation_id: Option<String>,
    /// The W3C trace context.
    pub traceparent: Option<String>,
}

/// Digests of a command's type and data, by which a second use of its id is told from a repeat ([`matches`](Self::matches)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadHash {
    /// Of the data as it came, with its keys sorted. It stays the same in versions of the program that know more or fewer fields.
    as_sent: String,
    /// Of what the command means: its known fields in one form.
    meaning: Option<String>,
}

impl PayloadHash {
    fn of(event_type: &str, sorted: &Value) -> Self {
        Self::from_stored(sha256_hex(format!("{event_type}\n{sorted}").as_bytes()))
    }

    fn meaning(self, action: &Action, actor: &Actor) -> Self {
        let mut known = action.to_data(actor);
        known.sort_all_objects();
        let digest = EventId::derive(&[action.command_type().as_str(), &known.to_string()]);
        self.with_meaning(Some(digest.to_string()))
    }

    /// Reads the digest of the data as it came from a receipt.
    pub fn from_stored(as_sent: String) -> Self {
        Self {
            as_sent,
            meaning: None,
        }
    }

    /// Adds the digest of the meaning, which receipts of earlier versions don't have.
    #[must_use]
    pub fn with_meaning(self, meaning: Option<String>) -> Self {
        Self { meaning, ..self }
    }

    /// Returns the digest of the data as it came: 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.as_sent
    }

    /// Returns the digest of the meaning, 32 hexadecimal digits, where it is kept.
    pub fn meaning_as_str(&self) -> Option<&str> {
        self.meaning.as_deref()
    }

    /// Says whether both are of one command: sent in the same words, or meaning the same.
    ///
    /// The words count because versions that know other fields find another meaning in them, and earlier versions kept no other digest.
    pub fn matches(&self, other: &Self) -> bool {
        self.as_sent == other.as_sent || (self.meaning.is_some() && self.meaning == other.meaning)
    }
}

/// An envelope whose data has not been read yet.
struct Envelope {
    metadata: Metadata,
    event_type: String,
    payload_hash: PayloadHash,
    data: Value,
}

#[derive(Deserialize)]
struct Wire {
    specversion: String,
    id: CommandId,
    source: Source,
    r#type: String,
    #[serde(rename = "time")]
    _time: Option<Timestamp>,
    datacontenttype: Option<String>,
    correlationid: Option<String>,
    #[serde(rename = "subject")]
    _subject: Option<String>,
    #[serde(rename = "causationid")]
    _causation_id: Option<String>,
    traceparent: Option<String>,
}

impl Envelope {
    fn parse(body: &str, context: Context) -> Result<Self, Malformed> {
        let envelope = |detail: &str| Malformed::new(Reason::InvalidEnvelope, detail);
        if body.len() > MAX_BODY_BYTES {
            let detail = format!("the body has more than {MAX_BODY_BYTES} bytes");
            return Err(Malformed::new(Reason::TooLarge, detail));
        }
        let mut object = context.event(wire::object(body)?);
        let data = object.remove("data").filter(|data| !data.is_null());
        let wire = Self::wire(object)?;
        if wire.specversion != "1.0" {
            return Err(envelope("specversion: must be 1.0"));
        }
        if wire
            .datacontenttype
            .as_deref()
            .is_some_and(|kind| !is_json(kind))
        {
            return Err(envelope("datacontenttype: must be application/json"));
        }
        for (name, text) in [
            ("correlationid", &wire.correlationid),
            ("traceparent", &wire.traceparent),
        ] {
            let Some(text) = text else { continue };
            if text.is_empty() || text.chars().count() > MAX_CONTEXT {
                let detail = format!("{name}: must be 1 to {MAX_CONTEXT} characters");
                return Err(envelope(&detail));
            }
            if !is_carried(text) {
                return Err(envelope(&format!("{name}: {NOT_CARRIED}")));
            }
        }
        let mut data = data.ok_or_else(|| Malformed::new(Reason::InvalidData, "data: missing"))?;
        // Whether a JSON object keeps its order is a choice that any crate of the build can make for all.
        data.sort_all_objects();
        Ok(Self {
            payload_hash: PayloadHash::of(&wire.r#type, &data),
            metadata: Metadata {
                id: wire.id,
                source: wire.source,
                correlation_id: wire.correlationid,
                traceparent: wire.traceparent,
            },
            event_type: wire.r#type,
            data,
        })
    }

    fn wire(object: Map<String, Value>) -> Result<Wire, Malformed> {
        serde_path_to_error::deserialize(Value::Object(object))
            .map_err(|e| Malformed::at(Reason::InvalidEnvelope, "", &e))
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

impl Command {
    /// Reads a command from a message's body: one CloudEvents 1.0 event in structured JSON.
    ///
    /// # Errors
    /// Says what is malformed; such a message is for the dead-letter queue.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        Self::parse_message(body, [])
    }

    /// Reads a command from a message: an event in structured mode, or in binary mode, where the message attributes are its context and the
    /// body is its data.
    ///
    /// # Errors
    /// Says what is malformed; such a message is for the dead-letter queue.
    pub fn parse_message<'a>(
        body: &str,
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Malformed> {
        Self::read(Envelope::parse(body, Context::of(attributes))?)
    }

    fn read(envelope: Envelope) -> Result<Self, Malformed> {
        let invalid = |detail: &str| Malformed::new(Reason::InvalidData, detail);
        let command_type = CommandType::from_wire(&envelope.event_type).ok_or_else(|| {
            Malformed::new(Reason::UnknownType, "type: not a command of this version")
        })?;
        let Value::Object(mut data) = envelope.data else {
            return Err(Malformed::no_object("data"));
        };
        // From a list serde would read the fields of an object in their order.
        for field in ["actor", "contact_info"] {
            if data.get(field).is_some_and(Value::is_array) {
                return Err(Malformed::no_object(&format!("data.{field}")));
            }
        }
        let actor = data
            .remove("actor")
            .ok_or_else(|| invalid("data: missing field `actor`"))?;
        let actor: Actor = read("data.actor", actor)?;
        if actor.id.is_empty() || actor.id.chars().count() > 128 {
            return Err(invalid("data.actor.id: must be 1 to 128 characters"));
        }
        if !is_carried(&actor.id) {
            return Err(invalid(&format!("data.actor.id: {NOT_CARRIED}")));
        }
        let action = command_type.read(Value::Object(data))?;
        Ok(Self {
            payload_hash: envelope.payload_hash.meaning(&action, &actor),
            action,
            actor,
            metadata: envelope.metadata,
        })
    }
}

/// Reads a part of the data that lies there.
pub(super) fn read<T: DeserializeOwned>(place: &str, value: Value) -> Result<T, Malformed> {
    serde_path_to_error::deserialize(value)
        .map_err(|e| Malformed::at(Reason::InvalidData, place, &e))
}

impl Action {
    /// Writes the command's data, with the actor, as it stands in a message.
    pub fn to_data(&self, actor: &Actor) -> Value {
        let mut data = self.to_value();
        data["actor"] = json!(actor);
        data
    }

    /// Writes the command as a message's body; [`Command::parse`] reads it back.
    pub fn to_body(&self, metadata: &Metadata, actor: &Actor, time: Timestamp) -> String {
        let event = CloudEvent {
            specversion: "1.0",
            id: &metadata.id,
            source: metadata.source.to_string().into(),
            r#type: self.command_type().to_string(),
            subject: self.subject().to_string(),
            time,
            datacontenttype: "application/json",
            correlationid: metadata.correlation_id.clone(),
            causationid: None,
            traceparent: metadata.traceparent.clone(),
            data: self.to_data(actor),
        };
        event.to_body()
    }
}
