//! The events that invoke the function.

use dynamo_streams::Record;
use serde_json::Value;
use sqs_consumer::Received;

/// The event of an invocation.
#[derive(Debug)]
pub(crate) enum Event {
    /// A batch of the commands queue.
    Commands(Vec<Received>),
    /// A batch of a table's stream.
    Changes(Changes),
    /// Audit the tables.
    Audit { incremental: bool },
    /// Repair what the streams have lost.
    Reconcile { incremental: bool },
}

/// A batch of a shard.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Changes {
    /// The records, in the order of the shard, up to the first that can't be read.
    pub(crate) records: Vec<Record>,
    /// The sequence number of the first record that can't be read.
    pub(crate) unreadable: Option<String>,
}

/// Why an event is refused. It has no content of the event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnknownEvent {
    /// Neither a batch nor an event of a schedule.
    #[error(
        "the event is neither a batch of the commands queue or of a stream, nor {{\"arthouse\":\"audit\"}} or {{\"arthouse\":\"reconcile\"}}"
    )]
    Source,
    /// A batch of another queue. Its outcomes would be sent twice, or to the wrong queue.
    #[error("the batch is not of the queue {0}")]
    Queue(String),
    /// A required field is missing.
    #[error("a record of the batch can't be read")]
    Record,
}

impl Event {
    /// Parses an event; `commands` is the name of the commands queue.
    pub(crate) fn read(mut event: Value, commands: &str) -> Result<Self, UnknownEvent> {
        let incremental = event.get("incremental").and_then(Value::as_bool);
        let incremental = incremental.unwrap_or_default();
        match event.get("arthouse").and_then(Value::as_str) {
            Some("audit") => return Ok(Self::Audit { incremental }),
            Some("reconcile") => return Ok(Self::Reconcile { incremental }),
            Some(_) => return Err(UnknownEvent::Source),
            None => {}
        }
        let Some(Value::Array(records)) = event.get_mut("Records").map(Value::take) else {
            return Err(UnknownEvent::Source);
        };
        let source = records
            .first()
            .and_then(|record| text(record, "eventSource"));
        match source {
            Some("aws:sqs") => read_messages(records, commands).map(Self::Commands),
            Some("aws:dynamodb") => read_changes(records).map(Self::Changes),
            Some(_) | None => Err(UnknownEvent::Source),
        }
    }
}

fn read_messages(records: Vec<Value>, commands: &str) -> Result<Vec<Received>, UnknownEvent> {
    let read = |record: Value| {
        let queue = text(&record, "eventSourceARN").and_then(|arn| arn.rsplit(':').next());
        if queue != Some(commands) {
            return Err(UnknownEvent::Queue(commands.to_owned()));
        }
        Received::from_event(record).map_err(|_| UnknownEvent::Record)
    };
    records.into_iter().map(read).collect()
}

/// Records before an unreadable one are handled. The unreadable record and those behind it are delivered again. The mapping bisects the
/// batch and gives up on the unreadable record alone, which is left to `reconcile`.
fn read_changes(records: Vec<Value>) -> Result<Changes, UnknownEvent> {
    let mut changes = Changes::default();
    for record in records {
        let number = record["dynamodb"]["SequenceNumber"]
            .as_str()
            .map(str::to_owned);
        match Record::from_event(record) {
            Ok(record) => changes.records.push(record),
            Err(_) => {
                changes.unreadable = Some(number.ok_or(UnknownEvent::Record)?);
                break;
            }
        }
    }
    Ok(changes)
}

fn text<'a>(record: &'a Value, name: &str) -> Option<&'a str> {
    record.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const QUEUE: &str = "arthouse-commands.fifo";

    fn message(queue: &str) -> Value {
        json!({
            "eventSource": "aws:sqs", "eventSourceARN": format!("arn:aws:sqs:eu-west-1:000000000000:{queue}"),
            "messageId": "m", "receiptHandle": "r", "body": "{}", "attributes": {},
        })
    }

    fn change(number: &str) -> Value {
        json!({
            "eventSource": "aws:dynamodb", "eventName": "INSERT", "eventID": "e",
            "eventSourceARN": "arn:aws:dynamodb:eu-west-1:000000000000:table/Sessions/stream/2026-01-01T00:00:00.000",
            "dynamodb": {"Keys": {"PK": {"S": "a"}}, "SequenceNumber": number, "ApproximateCreationDateTime": 1_700_000_000},
        })
    }

    #[test]
    fn an_event_is_told_by_its_source() {
        let read = |event| Event::read(event, QUEUE).unwrap();
        assert!(matches!(
            read(json!({"arthouse": "audit"})),
            Event::Audit { incremental: false }
        ));
        assert!(matches!(
            read(json!({"arthouse": "audit", "incremental": true})),
            Event::Audit { incremental: true }
        ));
        assert!(matches!(
            read(json!({"arthouse": "reconcile"})),
            Event::Reconcile { incremental: false }
        ));
        assert!(matches!(
            read(json!({"arthouse": "reconcile", "incremental": true})),
            Event::Reconcile { incremental: true }
        ));
        let commands = read(json!({"Records": [message(QUEUE), message(QUEUE)]}));
        assert!(matches!(commands, Event::Commands(batch) if batch.len() == 2));
        let changes = read(json!({"Records": [change("1"), change("2")]}));
        assert!(matches!(changes, Event::Changes(changes) if changes.records.len() == 2));
    }

    #[test]
    fn what_is_none_of_ours_is_refused() {
        let refused = |event| Event::read(event, QUEUE).unwrap_err();
        let s3 = json!({"Records": [{"eventSource": "aws:s3"}]});
        for event in [
            json!({}),
            json!(null),
            json!({"arthouse": "drop"}),
            json!({"Records": []}),
            s3,
        ] {
            assert_eq!(refused(event), UnknownEvent::Source);
        }
        let other = json!({"Records": [message("prod-arthouse-commands.fifo")]});
        assert_eq!(refused(other), UnknownEvent::Queue(QUEUE.to_owned()));
    }

    #[test]
    fn records_before_one_that_cannot_be_read_are_kept() {
        let mut poison = change("2");
        poison["dynamodb"]["Keys"]["PK"] = json!({"X": "?"});
        let batch = json!({"Records": [change("1"), poison, change("3")]});
        match Event::read(batch, QUEUE).unwrap() {
            Event::Changes(changes) => {
                assert_eq!(changes.records.len(), 1);
                assert_eq!(changes.unreadable.as_deref(), Some("2"));
            }
            Event::Commands(_) | Event::Audit { .. } | Event::Reconcile { .. } => {
                panic!("it is a batch of a stream")
            }
        }
    }
}
