//! A message in the event that AWS Lambda's event source mapping makes of a batch.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::Received;
use super::aws::convert::system_attributes;
use crate::message::Message;

/// A JSON value is not a message of an SQS event. The error contains nothing of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the record is not a message of an SQS event: a field is missing or of another type")]
pub struct EventError(());

/// A record of an SQS event, as far as it is used ("Using Lambda with Amazon SQS", AWS Lambda developer guide).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: String,
    receipt_handle: String,
    body: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    message_attributes: BTreeMap<String, Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attribute {
    data_type: Option<String>,
    string_value: Option<String>,
    /// In base64.
    binary_value: Option<String>,
}

impl Attribute {
    /// Returns the attribute; `None` if it has no value that can be read.
    fn read(self) -> Option<crate::attribute::Attribute> {
        use crate::attribute::Attribute;
        let data_type = |default: &'static str| self.data_type.map_or(default.into(), Cow::Owned);
        match (self.string_value, self.binary_value) {
            (Some(text), _) => Some(Attribute::text(data_type("String"), text)),
            (None, Some(base64)) => {
                let bytes = BASE64_STANDARD.decode(base64).ok()?;
                Some(Attribute::bytes(data_type("Binary"), bytes))
            }
            (None, None) => None,
        }
    }
}

impl Received {
    /// Reads one of the `Records` of the event that AWS Lambda makes of a batch of messages.
    ///
    /// # Errors
    /// [`EventError`] if id, receipt handle or body are missing.
    pub fn from_event(record: Value) -> Result<Self, EventError> {
        let record: Record = serde_json::from_value(record).map_err(|_| EventError(()))?;
        let attributes = record
            .message_attributes
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.read()?)));
        let message = Message::new(record.message_id, record.body).with_attributes(attributes);
        let system = record.attributes;
        Ok(Self {
            message: system_attributes(message, |name| system.get(name.as_str()).cloned()),
            receipt: record.receipt_handle.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use serde_json::json;

    use super::*;

    fn record() -> Value {
        json!({
            "messageId": "m-1",
            "receiptHandle": "r-1",
            "body": "hello",
            "attributes": {
                "ApproximateReceiveCount": "3",
                "SentTimestamp": "1700000000123",
                "SenderId": "AIDA",
                "SequenceNumber": "18849496460467696128",
                "MessageGroupId": "g",
                "MessageDeduplicationId": "d",
                "ApproximateFirstReceiveTimestamp": "1700000000200",
                "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793",
            },
            "messageAttributes": {
                "kind": {"stringValue": "greeting", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
                "raw": {"binaryValue": "AAE=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
            },
            "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:greetings.fifo",
            "awsRegion": "eu-west-1",
        })
    }

    #[test]
    fn a_record_of_an_event_is_read_as_a_received_message_is() {
        let Received { message, receipt } = Received::from_event(record()).unwrap();
        assert_eq!(&*receipt, "r-1");
        assert_eq!(
            (message.message_id(), message.body(), message.group_id()),
            ("m-1", "hello", Some("g"))
        );
        let sent_at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        assert_eq!((message.sent_at(), message.receive_count()), (sent_at, 3));
        assert_eq!(message.attribute("kind"), Some("greeting"));
        assert_eq!(message.attribute("raw"), None);
        let raw = crate::attribute::Attribute::binary([0, 1]);
        assert_eq!(message.attributes()["raw"], raw);
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793";
        assert_eq!(message.trace_header(), Some(header));
    }

    #[test]
    fn a_record_without_its_receipt_handle_is_refused_without_a_word_of_its_body() {
        let mut record = record();
        record["receiptHandle"] = json!(7);
        record["body"] = json!("the secret body");
        let error = Received::from_event(record).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
