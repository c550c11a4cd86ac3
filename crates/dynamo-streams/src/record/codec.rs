//! The form in which a parked record is stored: DynamoDB's own JSON, so that a person can read it back.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{EventKind, Record, UserIdentity};
use crate::arn;
use crate::error::Error;
use crate::item::Item;

impl Record {
    /// Encodes the record as JSON.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let stored = StoredRecord {
            stream_arn: self.stream_arn.clone(),
            event_id: self.event_id.clone(),
            event: self.event,
            keys: encode_item(&self.keys)?,
            old_image: self.old_image.as_ref().map(encode_item).transpose()?,
            new_image: self.new_image.as_ref().map(encode_item).transpose()?,
            sequence_number: self.sequence_number.clone(),
            created_at: self.created_at.into(),
            user_identity: self
                .user_identity
                .as_ref()
                .map(|identity| (identity.kind.clone(), identity.principal_id.clone())),
            size_bytes: self.size_bytes,
            defect: self.defect.clone(),
        };
        serde_json::to_vec(&stored).map_err(|error| Error::Corrupt(error.to_string()))
    }

    /// What stands for a stored record that cannot be decoded.
    pub(crate) fn undecodable(sequence_number: String, at: DateTime<Utc>, defect: String) -> Self {
        Self {
            stream_arn: String::new(),
            table_name: String::new(),
            event_id: String::new(),
            event: EventKind::Modify,
            keys: Item::new(),
            old_image: None,
            new_image: None,
            sequence_number,
            created_at: at.into(),
            user_identity: None,
            size_bytes: 0,
            defect: Some(defect),
        }
    }

    /// Decodes what [`Record::to_bytes`] encoded.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let stored: StoredRecord = serde_json::from_slice(bytes)
            .map_err(|error| Error::Corrupt(format!("a parked record: {error}")))?;
        Ok(Self {
            table_name: arn::table_name(&stored.stream_arn).to_owned(),
            stream_arn: stored.stream_arn,
            event_id: stored.event_id,
            event: stored.event,
            keys: restore_item(stored.keys)?,
            old_image: stored.old_image.map(restore_item).transpose()?,
            new_image: stored.new_image.map(restore_item).transpose()?,
            sequence_number: stored.sequence_number,
            created_at: stored.created_at.into(),
            user_identity: stored
                .user_identity
                .map(|(kind, principal_id)| UserIdentity { kind, principal_id }),
            size_bytes: stored.size_bytes,
            defect: stored.defect,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct StoredRecord {
    stream_arn: String,
    event_id: String,
    event: EventKind,
    keys: BTreeMap<String, Value>,
    old_image: Option<BTreeMap<String, Value>>,
    new_image: Option<BTreeMap<String, Value>>,
    sequence_number: String,
    created_at: DateTime<Utc>,
    user_identity: Option<(String, String)>,
    size_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    defect: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Value {
    S(String),
    N(String),
    B(String),
    Bool(bool),
    Null(bool),
    Ss(Vec<String>),
    Ns(Vec<String>),
    Bs(Vec<String>),
    L(Vec<Value>),
    M(BTreeMap<String, Value>),
}

fn encode_item(item: &Item) -> Result<BTreeMap<String, Value>, Error> {
    item.iter()
        .map(|(name, value)| Ok((name.clone(), encode(value)?)))
        .collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the SDK's enum may grow")]
fn encode(value: &AttributeValue) -> Result<Value, Error> {
    Ok(match value {
        AttributeValue::S(text) => Value::S(text.clone()),
        AttributeValue::N(number) => Value::N(number.clone()),
        AttributeValue::B(blob) => Value::B(BASE64.encode(blob)),
        AttributeValue::Bool(flag) => Value::Bool(*flag),
        AttributeValue::Null(null) => Value::Null(*null),
        AttributeValue::Ss(set) => Value::Ss(set.clone()),
        AttributeValue::Ns(set) => Value::Ns(set.clone()),
        AttributeValue::Bs(set) => Value::Bs(set.iter().map(|blob| BASE64.encode(blob)).collect()),
        AttributeValue::L(list) => Value::L(list.iter().map(encode).collect::<Result<_, _>>()?),
        AttributeValue::M(map) => Value::M(encode_item(map)?),
        _ => {
            return Err(Error::Corrupt(
                "an attribute has an unknown type".to_owned(),
            ));
        }
    })
}

pub(super) fn restore_item(item: BTreeMap<String, Value>) -> Result<Item, Error> {
    item.into_iter()
        .map(|(name, value)| Ok((name, restore(value)?)))
        .collect()
}

fn restore(value: Value) -> Result<AttributeValue, Error> {
    Ok(match value {
        Value::S(text) => AttributeValue::S(text),
        Value::N(number) => AttributeValue::N(number),
        Value::B(blob) => AttributeValue::B(decode(&blob)?),
        Value::Bool(flag) => AttributeValue::Bool(flag),
        Value::Null(null) => AttributeValue::Null(null),
        Value::Ss(set) => AttributeValue::Ss(set),
        Value::Ns(set) => AttributeValue::Ns(set),
        Value::Bs(set) => AttributeValue::Bs(
            set.iter()
                .map(|blob| decode(blob))
                .collect::<Result<_, _>>()?,
        ),
        Value::L(list) => {
            AttributeValue::L(list.into_iter().map(restore).collect::<Result<_, _>>()?)
        }
        Value::M(map) => AttributeValue::M(restore_item(map)?),
    })
}

fn decode(text: &str) -> Result<Blob, Error> {
    BASE64
        .decode(text)
        .map(Blob::new)
        .map_err(|error| Error::Corrupt(format!("a binary attribute: {error}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = AttributeValue> {
        let blob = prop::collection::vec(any::<u8>(), 0..8).prop_map(Blob::new);
        let leaf = prop_oneof![
            ".{0,8}".prop_map(AttributeValue::S),
            "-?[1-9][0-9]{0,37}".prop_map(AttributeValue::N),
            blob.clone().prop_map(AttributeValue::B),
            any::<bool>().prop_map(AttributeValue::Bool),
            Just(AttributeValue::Null(true)),
            prop::collection::vec("[a-z]{1,3}", 1..3).prop_map(AttributeValue::Ss),
            prop::collection::vec("[1-9]{1,3}", 1..3).prop_map(AttributeValue::Ns),
            prop::collection::vec(blob, 1..3).prop_map(AttributeValue::Bs),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(AttributeValue::L),
                prop::collection::hash_map("[a-z]{1,4}", inner, 0..4).prop_map(AttributeValue::M),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_parked_record_comes_back_as_it_was(
            image in prop::collection::hash_map("[a-z]{1,4}", value(), 0..4),
            number in 1_u64..,
            removed in any::<bool>(),
        ) {
            let mut record = crate::internal::samples::record("student-1", number);
            record.event = if removed { EventKind::Remove } else { EventKind::Modify };
            record.old_image = removed.then(|| image.clone());
            record.new_image = Some(image);
            record.defect = removed.then(|| "it has no event name".to_owned());
            record.user_identity = removed.then(|| UserIdentity {
                kind: "Service".to_owned(),
                principal_id: "dynamodb.amazonaws.com".to_owned(),
            });
            let bytes = record.to_bytes().unwrap();
            prop_assert_eq!(Record::from_bytes(&bytes).unwrap(), record);
        }
    }

    #[test]
    fn a_parked_record_is_plain_dynamodb_json() {
        let text = String::from_utf8(crate::internal::samples::record("a", 5).to_bytes().unwrap())
            .unwrap();
        assert!(text.contains(r#""keys":{"PK":{"S":"a"}}"#), "{text}");
    }
}
