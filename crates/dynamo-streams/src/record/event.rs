//! A record in the event that AWS Lambda's event source mapping makes of a batch.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value as Json;

use super::codec::{Value, restore_item};
use super::{EventKind, Record, UserIdentity};
use crate::arn;
use crate::error::Error;
use crate::item::Item;

/// A record of a DynamoDB Streams event ("Using AWS Lambda with Amazon DynamoDB", AWS Lambda developer guide).
#[derive(Deserialize)]
struct EventRecord {
    #[serde(rename = "eventID", default)]
    event_id: String,
    #[serde(rename = "eventName")]
    event: EventKind,
    #[serde(rename = "eventSourceARN")]
    stream_arn: String,
    #[serde(rename = "dynamodb")]
    change: Change,
    #[serde(rename = "userIdentity")]
    user_identity: Option<Identity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    /// Seconds since 1970, with or without a fraction.
    approximate_creation_date_time: f64,
    keys: BTreeMap<String, Value>,
    old_image: Option<BTreeMap<String, Value>>,
    new_image: Option<BTreeMap<String, Value>>,
    sequence_number: String,
    #[serde(default)]
    size_bytes: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    #[serde(alias = "Type")]
    r#type: String,
    #[serde(alias = "PrincipalId")]
    principal_id: String,
}

impl Record {
    /// Reads one of the `Records` of the event that AWS Lambda makes of a batch of records.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if its key, number, time, kind or stream are missing, or an attribute is of no known
    /// type. The error shows nothing of the record.
    pub fn from_event(record: Json) -> Result<Self, Error> {
        let unreadable = || Error::Corrupt("a record of an event".to_owned());
        let event: EventRecord = serde_json::from_value(record).map_err(|_| unreadable())?;
        let (change, image) = (event.change, |image: Option<_>| {
            image.map(restore_item).transpose()
        });
        let old_image: Option<Item> = image(change.old_image)?;
        Ok(Self {
            table_name: arn::table_name(&event.stream_arn).to_owned(),
            stream_arn: event.stream_arn,
            event_id: event.event_id,
            event: event.event,
            keys: restore_item(change.keys)?,
            old_image,
            new_image: image(change.new_image)?,
            sequence_number: change.sequence_number,
            created_at: millis(change.approximate_creation_date_time)
                .and_then(DateTime::from_timestamp_millis)
                .ok_or_else(unreadable)?
                .into(),
            user_identity: event.user_identity.map(|identity| UserIdentity {
                kind: identity.r#type,
                principal_id: identity.principal_id,
            }),
            size_bytes: change.size_bytes,
            defect: None,
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "checked against what a date can be"
)]
fn millis(seconds: f64) -> Option<i64> {
    let millis = (seconds * 1_000.0).round();
    (millis.abs() < 8e15).then_some(millis as i64)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::AttributeValue;
    use chrono::Utc;
    use serde_json::json;

    use super::*;

    fn event() -> Json {
        json!({
            "eventID": "c4ca4238a0b923820dcc509a6f75849b",
            "eventName": "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_700_000_000.5,
                "Keys": {"PK": {"S": "USER#u1"}, "SK": {"N": "7"}},
                "NewImage": {
                    "PK": {"S": "USER#u1"}, "Open": {"BOOL": true}, "None": {"NULL": true},
                    "Set": {"SS": ["a"]}, "Raw": {"B": "eA=="},
                    "List": {"L": [{"M": {"n": {"N": "1"}}}]},
                },
                "SequenceNumber": "4421584500000000017450439091",
                "SizeBytes": 26,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": crate::internal::samples::STREAM,
        })
    }

    #[test]
    fn a_record_of_an_event_is_read_as_one_of_the_stream_is() {
        let record = Record::from_event(event()).unwrap();
        assert_eq!(
            (record.table_name.as_str(), record.event),
            ("Courses", EventKind::Modify)
        );
        assert_eq!(record.sequence_number, "4421584500000000017450439091");
        let created_at = DateTime::<Utc>::from(record.created_at);
        assert_eq!(created_at.timestamp_millis(), 1_700_000_000_500);
        assert_eq!(
            (record.size_bytes, record.user_identity.clone()),
            (26, None)
        );
        assert_eq!(record.keys["SK"], AttributeValue::N("7".to_owned()));
        assert_eq!(record.old_image, None);
        let image = record.new_image.unwrap();
        assert_eq!(image["Open"], AttributeValue::Bool(true));
        assert_eq!(image["Set"], AttributeValue::Ss(vec!["a".to_owned()]));
        assert_eq!(image["Raw"], AttributeValue::B(Blob::new(b"x")));
        let inner = [("n".to_owned(), AttributeValue::N("1".to_owned()))].into();
        assert_eq!(
            image["List"],
            AttributeValue::L(vec![AttributeValue::M(inner)])
        );
    }

    #[test]
    fn a_removal_by_the_service_is_an_expiry() {
        let mut event = event();
        event["eventName"] = json!("REMOVE");
        event["userIdentity"] = json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
        assert!(Record::from_event(event).unwrap().is_expiry());
    }

    #[test]
    fn a_record_that_cannot_be_read_is_refused_without_a_word_of_its_image() {
        let refused = |change: fn(&mut Json)| {
            let mut event = event();
            event["dynamodb"]["NewImage"]["mail"] = json!({"S": "a@b.example"});
            change(&mut event);
            let error = Record::from_event(event).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("a@b"), "{error:?}");
        };
        refused(|event| event["dynamodb"]["NewImage"]["mail"] = json!("a@b.example"));
        refused(|event| event["dynamodb"]["NewImage"]["mail"] = json!({"EMAIL": "a@b.example"}));
        refused(|event| event["dynamodb"]["SequenceNumber"] = json!(null));
        refused(|event| event["eventName"] = json!("UPSERT"));
        refused(|event| event["dynamodb"]["ApproximateCreationDateTime"] = json!(1e300));
    }
}
