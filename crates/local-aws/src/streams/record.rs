//! One change of an item, as dynoxide stores it and as the API returns it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::Fault;
use super::sequence;

/// A record with its images as JSON text. dynoxide stores them in the format of the API.
#[derive(Debug)]
pub(super) struct Record<'a> {
    event_id: &'a str,
    event_name: &'a str,
    keys: &'a str,
    new_image: Option<&'a str>,
    old_image: Option<&'a str>,
    pub(super) sequence: i64,
    /// Seconds since the epoch.
    created_at: i64,
    user_identity: Option<&'a str>,
}

/// The service that made a change, if it was not a client. dynoxide stores it in the format of Lambda events.
#[derive(Deserialize)]
struct UserIdentity<'a> {
    r#type: &'a str,
    #[serde(rename = "principalId")]
    principal_id: &'a str,
}

impl<'a> Record<'a> {
    pub(super) fn from_row(row: &'a Row<'_>) -> Result<Self, Fault> {
        let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
        let optional = |column| match row.get_ref(column)? {
            ValueRef::Null => Ok::<_, rusqlite::Error>(None),
            ValueRef::Text(_) | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => {
                text(column).map(Some)
            }
        };
        Ok(Self {
            event_id: text(0)?,
            event_name: text(1)?,
            keys: text(2)?,
            new_image: optional(3)?,
            old_image: optional(4)?,
            sequence: row.get(5)?,
            created_at: row.get(6)?,
            user_identity: optional(7)?,
        })
    }

    /// Whether the item is the same before and after, in which case the stream has no record.
    ///
    /// Only a stream with both images shows this.
    pub(super) fn changes_nothing(&self) -> bool {
        let (Some(old), Some(new)) = (self.old_image, self.new_image) else {
            return false;
        };
        // Equal items differ at most in the order of their members, so their lengths are equal.
        old.len() == new.len() && (old == new || same_json(old, new))
    }

    /// Which half of the keys its item belongs to, where a shard was split.
    pub(super) fn half(&self) -> u8 {
        // In the order of its members' names, whatever the order in which they were stored.
        let keys: BTreeMap<String, Value> = serde_json::from_str(self.keys).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        for (name, value) in keys {
            (name, value.to_string()).hash(&mut hasher);
        }
        u8::from(hasher.finish().is_multiple_of(2))
    }

    pub(super) fn to_json(&self, view_type: &str, region: &str) -> String {
        use std::fmt::Write;
        let new = self.new_image.filter(|_| view_type.starts_with("NEW_"));
        let old = self
            .old_image
            .filter(|_| view_type.ends_with("OLD_IMAGES") || view_type == "OLD_IMAGE");
        let images = [("NewImage", new), ("OldImage", old)];
        let shown = images.iter().filter_map(|(_, image)| *image);
        let size: usize = std::iter::once(self.keys)
            .chain(shown)
            .map(size_bytes)
            .sum();
        let mut json = String::with_capacity(2 * size + 400);
        // Writing to a string can't fail.
        let _ = write!(
            json,
            r#"{{"eventID":"{}","eventName":"{}","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"{}","dynamodb":{{"ApproximateCreationDateTime":{},"Keys":{}"#,
            self.event_id, self.event_name, region, self.created_at, self.keys,
        );
        for (name, image) in images {
            if let Some(image) = image {
                let _ = write!(json, r#","{name}":{image}"#);
            }
        }
        let _ = write!(
            json,
            r#","SequenceNumber":"{}","SizeBytes":{size},"StreamViewType":"{view_type}"}}"#,
            sequence::public(self.sequence),
        );
        let identity = self
            .user_identity
            .map(serde_json::from_str::<UserIdentity<'_>>);
        if let Some(Ok(identity)) = identity {
            let identity = json!({ "PrincipalId": identity.principal_id, "Type": identity.r#type });
            let _ = write!(json, r#","userIdentity":{identity}"#);
        }
        json.push('}');
        json
    }
}

/// The size of an item or key as DynamoDB counts it: names and values, without the types and signs of JSON.
fn size_bytes(image: &str) -> usize {
    serde_json::from_str(image).map_or(image.len(), |item| dynoxide::types::item_size(&item))
}

fn same_json(old: &str, new: &str) -> bool {
    let parsed = |text| serde_json::from_str::<Value>(text);
    matches!((parsed(old), parsed(new)), (Ok(old), Ok(new)) if old == new)
}

#[cfg(test)]
mod tests {
    use super::Record;

    fn record<'a>(old_image: Option<&'a str>, new_image: Option<&'a str>) -> Record<'a> {
        Record {
            event_id: "e1",
            event_name: "MODIFY",
            keys: r#"{"PK":{"S":"a"}}"#,
            new_image,
            old_image,
            sequence: 7,
            created_at: 1_790_000_000,
            user_identity: None,
        }
    }

    #[test]
    fn equal_items_are_no_change_whatever_the_order_of_their_members() {
        for (old, new, nothing) in [
            (
                r#"{"A":{"S":"1"},"B":{"N":"2"}}"#,
                r#"{"B":{"N":"2"},"A":{"S":"1"}}"#,
                true,
            ),
            (r#"{"A":{"S":"1"}}"#, r#"{"A":{"S":"1"}}"#, true),
            (r#"{"A":{"S":"1"}}"#, r#"{"A":{"S":"2"}}"#, false),
            (r#"{"A":{"S":"1"}}"#, r#"{"A":{"N":"1"}}"#, false),
            (r#"{"A":{"S":"1"}}"#, r#"{"A":{"S":"11"}}"#, false),
            (
                r#"{"A":{"L":[{"S":"x"},{"S":"y"}]}}"#,
                r#"{"A":{"L":[{"S":"y"},{"S":"x"}]}}"#,
                false,
            ),
        ] {
            assert_eq!(
                record(Some(old), Some(new)).changes_nothing(),
                nothing,
                "{old} {new}"
            );
        }
        assert!(!record(None, Some("{}")).changes_nothing());
        assert!(!record(Some("{}"), None).changes_nothing());
    }

    #[test]
    fn a_record_s_size_is_that_of_names_and_values() {
        // The example of the developer guide, "DynamoDB Streams": 26 bytes.
        let mut record = record(
            None,
            Some(r#"{"Message":{"S":"New item!"},"Id":{"N":"101"}}"#),
        );
        record.keys = r#"{"Id":{"N":"101"}}"#;
        for (view, expected) in [
            ("NEW_AND_OLD_IMAGES", 26),
            ("NEW_IMAGE", 26),
            ("OLD_IMAGE", 5),
            ("KEYS_ONLY", 5),
        ] {
            let json: serde_json::Value =
                serde_json::from_str(&record.to_json(view, "eu-west-1")).expect("it is JSON");
            assert_eq!(json["dynamodb"]["SizeBytes"], expected, "{view}");
            assert_eq!(
                json["dynamodb"].get("NewImage").is_some(),
                view.starts_with("NEW"),
                "{view}"
            );
        }
    }

    #[test]
    fn a_service_that_made_the_change_is_named_with_capital_keys() {
        let mut expired = record(Some("{}"), None);
        expired.user_identity =
            Some(r#"{"type":"Service","principalId":"dynamodb.amazonaws.com"}"#);

        let json: serde_json::Value =
            serde_json::from_str(&expired.to_json("KEYS_ONLY", "eu-west-1")).expect("it is JSON");

        assert_eq!(
            json["userIdentity"]["PrincipalId"],
            "dynamodb.amazonaws.com"
        );
        assert_eq!(json["userIdentity"]["Type"], "Service");
        assert_eq!(json["dynamodb"]["SequenceNumber"], "100000000000000000007");
        assert_eq!(
            json["dynamodb"]["ApproximateCreationDateTime"],
            1_790_000_000
        );
    }
}
