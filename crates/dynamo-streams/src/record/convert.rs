//! Conversion from the types of the streams client to those of the table client, so that users decode one type.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types as streams;
use chrono::DateTime;

use super::{EventKind, Record, UserIdentity};
use crate::arn;
use crate::error::Error;
use crate::item::Item;

impl Record {
    /// Converts a record of the streams client; fails if its key, sequence number or event name is missing.
    pub(crate) fn from_stream(stream_arn: &str, record: streams::Record) -> Result<Self, Error> {
        let incomplete = |what: &str| Error::Corrupt(format!("a stream record has no {what}"));
        let change = record.dynamodb.ok_or_else(|| incomplete("change"))?;
        let event = match record.event_name {
            Some(streams::OperationType::Insert) => EventKind::Insert,
            Some(streams::OperationType::Modify) => EventKind::Modify,
            Some(streams::OperationType::Remove) => EventKind::Remove,
            Some(_) | None => return Err(incomplete("event name")),
        };
        Ok(Self {
            stream_arn: stream_arn.to_owned(),
            table_name: arn::table_name(stream_arn).to_owned(),
            event_id: record.event_id.unwrap_or_default(),
            event,
            keys: item(change.keys.ok_or_else(|| incomplete("key"))?)?,
            old_image: change.old_image.map(item).transpose()?,
            new_image: change.new_image.map(item).transpose()?,
            sequence_number: change
                .sequence_number
                .ok_or_else(|| incomplete("sequence number"))?,
            created_at: change
                .approximate_creation_date_time
                .and_then(|at| DateTime::from_timestamp(at.secs(), at.subsec_nanos()))
                .ok_or_else(|| incomplete("creation time"))?,
            user_identity: record.user_identity.map(|identity| UserIdentity {
                kind: identity.r#type.unwrap_or_default(),
                principal_id: identity.principal_id.unwrap_or_default(),
            }),
            size_bytes: u64::try_from(change.size_bytes.unwrap_or(0)).unwrap_or(0),
        })
    }
}

fn item(item: std::collections::HashMap<String, streams::AttributeValue>) -> Result<Item, Error> {
    item.into_iter()
        .map(|(name, value)| Ok((name, attribute(value)?)))
        .collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the SDK's enum may grow")]
fn attribute(value: streams::AttributeValue) -> Result<AttributeValue, Error> {
    Ok(match value {
        streams::AttributeValue::S(text) => AttributeValue::S(text),
        streams::AttributeValue::N(number) => AttributeValue::N(number),
        streams::AttributeValue::B(blob) => AttributeValue::B(blob),
        streams::AttributeValue::Bool(flag) => AttributeValue::Bool(flag),
        streams::AttributeValue::Null(null) => AttributeValue::Null(null),
        streams::AttributeValue::Ss(set) => AttributeValue::Ss(set),
        streams::AttributeValue::Ns(set) => AttributeValue::Ns(set),
        streams::AttributeValue::Bs(set) => AttributeValue::Bs(set),
        streams::AttributeValue::L(list) => {
            AttributeValue::L(list.into_iter().map(attribute).collect::<Result<_, _>>()?)
        }
        streams::AttributeValue::M(map) => AttributeValue::M(item(map)?),
        _ => {
            return Err(Error::Corrupt(
                "an attribute has an unknown type".to_owned(),
            ));
        }
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

    #[test]
    fn a_stream_record_arrives_in_the_types_of_the_table_client() {
        let record = Record::from_stream(ARN, streamed(streams::OperationType::Remove)).unwrap();
        assert_eq!(record.table_name, "Courses");
        assert_eq!(record.created_at.timestamp(), 60);
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
        let record = Record::from_stream(ARN, streamed(streams::OperationType::Modify)).unwrap();
        let course: Course = serde_dynamo::from_item(record.new_image.unwrap()).unwrap();
        assert_eq!(course, Course { n: (1, None) });
    }

    #[test]
    fn a_record_without_its_number_is_refused() {
        let mut record = streamed(streams::OperationType::Insert);
        record.dynamodb.as_mut().unwrap().sequence_number = None;
        let error = Record::from_stream(ARN, record).unwrap_err();
        assert!(error.to_string().contains("sequence number"), "{error}");
    }
}
