use std::borrow::Cow;
use std::io;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};

use crate::values::{is_carried, is_refused};
use crate::{EventId, Timestamp};

/// The `source` of all events of ours.
pub const EVENT_SOURCE: &str = "urn:digitalarthouse:arthouse";

// Commands are written by it too, for those who send them; the schema is that of what we send.
/// An event that we send: CloudEvents 1.0, structured JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(bound = "", rename = "CloudEvent")]
pub struct CloudEvent<Id = EventId> {
    /// Always `1.0`.
    #[schemars(extend("const" = "1.0"))]
    pub specversion: &'static str,
    /// A pure function of what happened, so that repeats can be dropped.
    #[schemars(with = "String")]
    pub id: Id,
    /// Always the same: this system.
    #[schemars(extend("const" = EVENT_SOURCE))]
    pub source: Cow<'static, str>,
    /// `com.digitalarthouse.<what>.v1`
    pub r#type: String,
    /// `<user_id>/<course_id>`, or the course alone.
    pub subject: String,
    /// When it happened.
    pub time: Timestamp,
    /// Always `application/json`.
    #[schemars(extend("const" = "application/json"))]
    pub datacontenttype: &'static str,
    /// What the conversation is called that this belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlationid: Option<String>,
    /// The id of the command that this comes of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub causationid: Option<String>,
    /// The trace context of the command that this comes of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What happened.
    pub data: Value,
}

impl CloudEvent {
    /// Makes an event without a context.
    pub(crate) fn new(
        id: EventId,
        what: &str,
        subject: String,
        time: Timestamp,
        data: Value,
    ) -> Self {
        Self {
            specversion: "1.0",
            id,
            source: EVENT_SOURCE.into(),
            r#type: format!("com.digitalarthouse.{what}.v1"),
            subject,
            time,
            datacontenttype: "application/json",
            correlationid: None,
            causationid: None,
            traceparent: None,
            data,
        }
    }
}

impl<Id: Serialize> CloudEvent<Id> {
    /// Writes the event as a message's body. Characters that SQS does not carry, which old records may have, become U+FFFD, also where an
    /// escape would be carried: the contracts allow them nowhere.
    pub fn to_body(&self) -> String {
        let mut body = Vec::new();
        self.serialize(&mut Serializer::with_formatter(&mut body, Carried))
            .expect("an event holds texts and numbers only");
        String::from_utf8(body).expect("JSON is UTF-8")
    }
}

/// Writes compact JSON in which each character that SQS does not carry is replaced.
struct Carried;

/// Stands for a character that can't be represented (Unicode, "Specials").
const REPLACEMENT: &str = "\u{fffd}";

impl Formatter for Carried {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if is_carried(fragment) {
            writer.write_all(fragment.as_bytes())
        } else {
            let replaced = fragment.replace(is_refused, REPLACEMENT);
            writer.write_all(replaced.as_bytes())
        }
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        use CharEscape::{AsciiControl, Backspace, FormFeed};
        if matches!(escape, AsciiControl(_) | Backspace | FormFeed) {
            writer.write_all(REPLACEMENT.as_bytes())
        } else {
            CompactFormatter.write_char_escape(writer, escape)
        }
    }
}
