//! CloudEvents in binary mode: the context is in the message's attributes, the body is the data.
//!
//! CloudEvents has no binding for SQS. Attributes are named as in its bindings for HTTP (`ce-id`), Kafka (`ce_id`) or AMQP (`cloudEvents_id`,
//! `cloudEvents:id`), since that is what bridges write.

use serde_json::{Map, Value};

const PREFIXES: [&str; 4] = ["ce-", "ce_", "cloudevents_", "cloudevents:"];
const CONTENT_TYPE: [&str; 2] = ["content-type", "contenttype"];
/// The content type of an event in structured mode; bindings tell the modes apart by it.
const STRUCTURED: &str = "application/cloudevents";

/// The context attributes of a message; none if it is in structured mode.
#[derive(Debug)]
pub(super) struct Context(Map<String, Value>);

impl Context {
    pub(super) fn of<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut context, mut content_type) = (Map::new(), None);
        for (name, text) in attributes {
            // HTTP's names come in any case.
            let name = name.to_ascii_lowercase();
            let attribute = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix));
            if let Some(attribute) = attribute {
                context.insert(attribute.to_owned(), text.into());
            } else if CONTENT_TYPE.contains(&name.as_str()) {
                content_type = Some(text);
            }
        }
        let is_structured =
            content_type.is_some_and(|kind| kind.to_ascii_lowercase().starts_with(STRUCTURED));
        if is_structured || !context.contains_key("specversion") {
            context.clear();
        } else if let Some(content_type) = content_type {
            context.insert("datacontenttype".to_owned(), content_type.into());
        }
        Self(context)
    }

    /// Puts the event together that the body is the data of, unless the body is an event itself.
    pub(super) fn event(self, body: Map<String, Value>) -> Map<String, Value> {
        let Self(mut context) = self;
        if context.is_empty() || body.contains_key("specversion") {
            return body;
        }
        context.insert("data".to_owned(), body.into());
        context
    }
}
