//! Conversion from the types of the streams client to those of the table client, so that users decode one type.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types as streams;
use chrono::{DateTime, Utc};

use super::{EventKind, Record, UserIdentity};
use crate::arn;
use crate::error::Error;
use crate::item::Item;

impl Record {
    /// Converts a record of the streams client. What cannot be read of it is left out and named as its defect. Only a record without a sequence
    /// number is refused: it has no place in its shard. A record without a creation time gets `now`.
    pub(crate) fn from_stream(
        stream_arn: &str,
        record: streams::Record,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let unnumbered = || Error::Corrupt("a stream record has no sequence number".to_owned());
        let change = record.dynamodb.ok_or_else(unnumbered)?;
        let mut defects = Defects(None);
        let event = match record.event_name {
            Some(streams::OperationType::Insert) => EventKind::Insert,
            Some(streams::OperationType::Modify) => EventKind::Modify,
            Some(streams::OperationType::Remove) => EventKind::Remove,
            Some(_) | None => defects.left_out(EventKind::Modify, "it has no known event name"),
        };
        let created_at = change
            .approximate_creation_date_time
            .and_then(|at| DateTime::from_timestamp(at.secs(), at.subsec_nanos()));
        let keys = change.keys.map(|keys| defects.item(keys));
        let size_bytes = u64::try_from(change.size_bytes.unwrap_or(0)).unwrap_or(0);
        Ok(Self {
            stream_arn: stream_arn.to_owned(),
            table_name: arn::table_name(stream_arn).to_owned(),
            event_id: record.event_id.unwrap_or_default(),
            event,
            keys: keys.unwrap_or_else(|| defects.left_out(Item::new(), "it has no key")),
            old_image: change.old_image.map(|image| defects.item(image)),
            new_image: change.new_image.map(|image| defects.item(image)),
            sequence_number: change.sequence_number.ok_or_else(unnumbered)?,
            created_at: created_at
                .unwrap_or_else(|| defects.left_out(now, "it has no creation time"))
                .into(),
            user_identity: record.user_identity.map(|identity| UserIdentity {
                kind: identity.r#type.unwrap_or_default(),
                principal_id: identity.principal_id.unwrap_or_default(),
            }),
            size_bytes,
            defect: defects.0,
        })
    }
}

/// The first thing that could not be read of a record.
struct Defects(Option<String>);

impl Defects {
    /// Notes what could not be read, and returns what stands for it.
    fn left_out<T>(&mut self, instead: T, what: &str) -> T {
        self.0.get_or_insert_with(|| what.to_owned());
        instead
    }

    /// Converts an item, without the attributes that cannot be read.
    fn item(&mut self, item: HashMap<String, streams::AttributeValue>) -> Item {
        let mut readable = Item::new();
        for (name, value) in item {
            match attribute(value) {
                Some(value) => {
                    readable.insert(name, value);
                }
                None => self.left_out((), &format!("attribute {name} has an unknown type")),
            }
        }
        readable
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the SDK's enum may grow")]
fn attribute(value: streams::AttributeValue) -> Option<AttributeValue> {
    Some(match value {
        streams::AttributeValue::S(text) => AttributeValue::S(text),
        streams::AttributeValue::N(number) => AttributeValue::N(number),
        streams::AttributeValue::B(blob) => AttributeValue::B(blob),
        streams::AttributeValue::Bool(flag) => AttributeValue::Bool(flag),
        streams::AttributeValue::Null(null) => AttributeValue::Null(null),
        streams::AttributeValue::Ss(set) => AttributeValue::Ss(set),
        streams::AttributeValue::Ns(set) => AttributeValue::Ns(set),
        streams::AttributeValue::Bs(set) => AttributeValue::Bs(set),
        streams::AttributeValue::L(list) => {
            AttributeValue::L(list.into_iter().map(attribute).collect::<Option<_>>()?)
        }
        streams::AttributeValue::M(map) => {
            let entry = |(name, value)| Some((name, attribute(value)?));
            AttributeValue::M(map.into_iter().map(entry).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodbstreams::primitives::{Blob, DateTime as SmithyTime};
    use aws_sdk_dynamodbstreams::types::AttributeValue as Streamed;

    use super::*;

    const ARN: &str = "arn:aws:dynamodb:eu-west-1:1:table/Courses/stream/2026-01-01T00:00:00.000";

    fn streamed(event: streams::OperationType) -> streams::Record {
        streams::Record::builder()
            .event_id("e-1")
            .event_name(event)
            .user_identity(
                streams::Identity::builder()
                    .r#type("Service")
                    .principal_id("dynamodb.amazonaws.com")
                    .build(),
            )
            .dynamodb(
                streams::StreamRecord::builder()
                    .keys("PK", Streamed::S("a".to_owned()))
                    .new_image(
                        "n",
                        Streamed::L(vec![Streamed::N("1".to_owned()), Streamed::Null(true)]),
                    )
                    .new_image(
                        "m",
                        Streamed::M([("b".to_owned(), Streamed::B(Blob::new(b"x")))].into()),
                    )
                    .sequence_number("100")
                    .size_bytes(7)
                    .approximate_creation_date_time(SmithyTime::from_secs(60))
                    .build(),
            )
            .build()
    }

    fn converted(record: streams::Record) -> Result<Record, Error> {
        Record::from_stream(ARN, record, crate::internal::samples::epoch_time(0))
    }

    #[test]
    fn a_stream_record_arrives_in_the_types_of_the_table_client() {
        let record = converted(streamed(streams::OperationType::Remove)).unwrap();
        assert_eq!(record.table_name, "Courses");
        assert_eq!(DateTime::<Utc>::from(record.created_at).timestamp(), 60);
        assert!(record.is_expiry());
        assert_eq!(record.old_image, None);
        let image = record.new_image.unwrap();
        let list = vec![
            AttributeValue::N("1".to_owned()),
            AttributeValue::Null(true),
        ];
        assert_eq!(image["n"], AttributeValue::L(list));
        let inner = [("b".to_owned(), AttributeValue::B(Blob::new(b"x")))].into();
        assert_eq!(image["m"], AttributeValue::M(inner));
    }

    #[test]
    fn an_image_is_decoded_as_an_item_of_the_table_is() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Course {
            n: (u8, Option<String>),
        }
        let record = converted(streamed(streams::OperationType::Modify)).unwrap();
        let course: Course = serde_dynamo::from_item(record.new_image.unwrap()).unwrap();
        assert_eq!(course, Course { n: (1, None) });
    }

    #[test]
    fn what_cannot_be_read_of_a_record_is_left_out_and_named() {
        let mut record = streamed(streams::OperationType::from("UPSERT"));
        let change = record.dynamodb.as_mut().unwrap();
        change.approximate_creation_date_time = None;
        let record = converted(record).unwrap();
        assert_eq!(record.defect.as_deref(), Some("it has no known event name"));
        assert_eq!(
            DateTime::<Utc>::from(record.created_at),
            crate::internal::samples::epoch_time(0)
        );
        assert_eq!(record.keys["PK"], AttributeValue::S("a".to_owned()));

        let mut record = streamed(streams::OperationType::Modify);
        record.dynamodb.as_mut().unwrap().keys = None;
        let record = converted(record).unwrap();
        assert_eq!(record.defect.as_deref(), Some("it has no key"));
        assert!(record.new_image.is_some() && record.keys.is_empty());
    }

    #[test]
    fn a_record_without_its_number_is_refused() {
        let mut record = streamed(streams::OperationType::Insert);
        record.dynamodb.as_mut().unwrap().sequence_number = None;
        let error = converted(record).unwrap_err();
        assert!(error.to_string().contains("sequence number"), "{error}");
    }
}
