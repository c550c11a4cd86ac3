//! The queues and what is on them, as an AsyncAPI 3.0 document.

use arthouse_core::schema::{self, EventType};
use arthouse_core::{CommandType, MAX_BODY_BYTES};
use arthouse_worker::{Queue, QueueNames};
use serde_json::{Map, Value, json};

/// Writes the document for queues of these names.
pub(super) fn document(names: &QueueNames) -> Value {
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Digital Art House",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Commands come in on one SQS queue; each has exactly one outcome. What happens to enrolments is told by \
                notifications. All messages are CloudEvents 1.0 in structured JSON.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels(names),
        "operations": {
            "carryOutCommands": operation("receive", "commands"),
            "refuseCommands": operation("send", "commandsDeadLetters"),
            "tellOutcomes": operation("send", "outcomes"),
            "notify": operation("send", "notifications"),
        },
        "components": { "messages": messages() },
    })
}

fn channels(names: &QueueNames) -> Value {
    let commands = CommandType::ALL
        .into_iter()
        .map(CommandType::name)
        .collect();
    let (outcomes, notifications): (Vec<_>, Vec<_>) = EventType::all()
        .into_iter()
        .partition(|event| event.is_outcome());
    let named = |events: Vec<EventType>| events.into_iter().map(EventType::name).collect();
    json!({
        "commands": channel(
            &names.name(Queue::Commands),
            &format!(
                "What upstream systems ask for. MessageGroupId is the student's id, for course.create and course.update the \
                 course's. The queue deduplicates by content, so no MessageDeduplicationId is needed; it is never the command's id alone, since \
                 another source may use the same one. A body has at most {MAX_BODY_BYTES} bytes. Binary mode, with the context in message attributes (ce-id and so on), is understood, \
                 and needs a MessageDeduplicationId, since SQS compares bodies only."
            ),
            commands,
        ),
        "commandsDeadLetters": channel(
            &names.name(Queue::CommandsDlq),
            "Messages that are no command, as they came, with the reason in their attributes.",
            vec![DEAD_LETTER],
        ),
        "outcomes": channel(
            &names.name(Queue::Outcomes),
            "What has become of each command: at least once, always with the same id and content.",
            named(outcomes),
        ),
        "notifications": channel(
            &names.name(Queue::Notifications),
            "What has happened: at least once, always with the same id.",
            named(notifications),
        ),
    })
}

const DEAD_LETTER: &str = "dead.letter";

fn channel(queue: &str, description: &str, messages: Vec<&str>) -> Value {
    let reference = |name: &str| {
        (
            name.to_owned(),
            json!({ "$ref": format!("#/components/messages/{name}") }),
        )
    };
    let messages: Map<String, Value> = messages.into_iter().map(reference).collect();
    let fifo = queue.ends_with(".fifo");
    json!({
        "address": queue,
        "description": description,
        "messages": messages,
        "bindings": { "sqs": { "queue": { "name": queue, "fifoQueue": fifo }, "bindingVersion": "0.2.0" } },
    })
}

fn operation(action: &str, channel: &str) -> Value {
    json!({ "action": action, "channel": { "$ref": format!("#/channels/{channel}") } })
}

fn messages() -> Map<String, Value> {
    let message = |name: &str, title: &str, mut payload: Value| {
        // The document says once for all which draft its schemas are of.
        if let Some(schema) = payload.as_object_mut() {
            schema.remove("$schema");
        }
        (
            name.to_owned(),
            json!({ "name": name, "title": title, "payload": payload }),
        )
    };
    let commands = CommandType::ALL
        .map(|kind| message(kind.name(), kind.as_str(), schema::command(kind).into()));
    let events = EventType::all()
        .into_iter()
        .map(|kind| message(kind.name(), &kind.wire_type(), schema::event(kind).into()));
    commands
        .into_iter()
        .chain(events)
        .chain([(DEAD_LETTER.to_owned(), dead_letter())])
        .collect()
}

fn dead_letter() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "name": DEAD_LETTER,
        "title": "a message that is no command",
        "headers": {
            "type": "object",
            "required": ["reason", "source_message_id"],
            "properties": {
                "reason": text("What kind of defect it has, such as INVALID_JSON or COMMAND_ID_REUSED."),
                "detail": text("What to mend; it quotes nothing of the body."),
                "source_message_id": text("The SQS message id that it came with."),
            },
        },
        "payload": { "description": "The body as it came; it need not be JSON." },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds every `$ref` in a document.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                found.extend(
                    object
                        .get("$ref")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                );
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_message_is_on_one_channel() {
        let document = document(&QueueNames::default());
        let mut found = Vec::new();
        references(&document, &mut found);
        for reference in &found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        for name in document["components"]["messages"]
            .as_object()
            .unwrap()
            .keys()
        {
            let reference = format!("#/components/messages/{name}");
            assert_eq!(
                found.iter().filter(|known| **known == reference).count(),
                1,
                "{name}"
            );
        }
    }

    #[test]
    fn the_queues_have_the_deployments_names() {
        let document = document(&QueueNames::with_prefix("test-"));
        assert_eq!(
            document["channels"]["commands"]["address"],
            "test-arthouse-commands.fifo"
        );
    }
}
