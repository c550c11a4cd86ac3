//! One change of one item, as the stream reports it.

mod codec;
mod convert;
#[cfg(feature = "lambda")]
mod event;

use std::fmt;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::clock::WallClock;
use crate::item::{AttributeNames, Item, ItemId};

/// One change of one item.
///
/// Its images may hold personal data: `Debug` shows which attributes there are, never their values.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// The stream the record was read from.
    pub stream_arn: String,
    /// The table the item belongs to.
    pub table_name: String,
    /// The service's own id of this event, unique within the stream.
    pub event_id: String,
    /// What happened to the item; `Modify` if that is the record's defect.
    pub event: EventKind,
    /// The item's primary key.
    pub keys: Item,
    /// The item before the change, where the stream's view has it.
    pub old_image: Option<Item>,
    /// The item after the change, where the stream's view has it.
    pub new_image: Option<Item>,
    /// The record's place in its shard: a decimal number of up to 40 digits.
    pub sequence_number: String,
    /// About when the change was made; the service rounds it to the second.
    pub created_at: SystemTime,
    /// Who made the change, if it was not an ordinary request; see [`Record::is_expiry`].
    pub user_identity: Option<UserIdentity>,
    /// The size that the service counts for keys and images, in bytes.
    pub size_bytes: u64,
    /// What could not be read of the record and is left out. No handler gets a record with a defect: it is parked.
    pub defect: Option<String>,
}

/// What happened to the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum EventKind {
    /// The item is new.
    Insert,
    /// At least one attribute of the item changed.
    Modify,
    /// The item is gone.
    Remove,
}

/// Who made a change, as the service reports it for its own changes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserIdentity {
    /// `Service` when DynamoDB itself made the change.
    pub kind: String,
    /// `dynamodb.amazonaws.com` when DynamoDB itself made the change.
    pub principal_id: String,
}

impl Record {
    /// Makes a record for the test of a handler: the item with these `keys` was inserted, modified or removed, as its images say.
    #[must_use]
    pub fn new(
        table_name: impl Into<String>,
        keys: Item,
        old_image: Option<Item>,
        new_image: Option<Item>,
    ) -> Self {
        let event = match (&old_image, &new_image) {
            (None, Some(_)) => EventKind::Insert,
            (Some(_), None) => EventKind::Remove,
            (Some(_), Some(_)) | (None, None) => EventKind::Modify,
        };
        Self {
            stream_arn: String::new(),
            table_name: table_name.into(),
            event_id: String::new(),
            event,
            keys,
            old_image,
            new_image,
            sequence_number: "0".to_owned(),
            created_at: WallClock::default().now(),
            user_identity: None,
            size_bytes: 0,
            defect: None,
        }
    }

    /// Tells whether DynamoDB's Time to Live process removed the item.
    ///
    /// Source: "DynamoDB Streams and Time to Live" in the DynamoDB developer guide.
    pub fn is_expiry(&self) -> bool {
        self.event == EventKind::Remove
            && self.user_identity.as_ref().is_some_and(|identity| {
                identity.kind == "Service" && identity.principal_id == "dynamodb.amazonaws.com"
            })
    }

    /// Returns the id of the record's item. Records of one item are handled in order and one at a time.
    pub fn item_id(&self) -> ItemId {
        ItemId::of(&self.table_name, &self.keys)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("stream_arn", &self.stream_arn)
            .field("table_name", &self.table_name)
            .field("event_id", &self.event_id)
            .field("event", &self.event)
            .field("keys", &AttributeNames(&self.keys))
            .field("old_image", &self.old_image.as_ref().map(AttributeNames))
            .field("new_image", &self.new_image.as_ref().map(AttributeNames))
            .field("sequence_number", &self.sequence_number)
            .field("created_at", &DateTime::<Utc>::from(self.created_at))
            .field("user_identity", &self.user_identity)
            .field("size_bytes", &self.size_bytes)
            .field("defect", &self.defect)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::internal::samples::record;

    #[test]
    fn debug_shows_no_value_of_a_key_or_an_image() {
        let mut record = record("student-7", 1);
        let image = Item::from([(
            "mail".to_owned(),
            AttributeValue::S("a@b.example".to_owned()),
        )]);
        record.old_image = Some(image.clone());
        record.new_image = Some(image);
        let shown = format!("{record:?}");
        assert!(
            !shown.contains("a@b.example") && !shown.contains("student-7"),
            "{shown}"
        );
        assert!(shown.contains("mail"), "{shown}");
    }

    #[test]
    fn a_record_for_a_test_has_the_event_that_its_images_show() {
        let event = |old: Option<Item>, new| Record::new("T", Item::new(), old, new).event;
        let image = || Some(Item::new());
        assert_eq!(event(None, image()), EventKind::Insert);
        assert_eq!(event(image(), image()), EventKind::Modify);
        assert_eq!(event(image(), None), EventKind::Remove);
    }

    #[test]
    fn only_a_removal_by_the_service_is_an_expiry() {
        let expires = |event, identity: Option<(&str, &str)>| {
            let mut record = record("a", 1);
            record.event = event;
            record.user_identity = identity.map(|(kind, principal_id)| UserIdentity {
                kind: kind.to_owned(),
                principal_id: principal_id.to_owned(),
            });
            record.is_expiry()
        };
        let dynamo = "dynamodb.amazonaws.com";
        assert!(expires(EventKind::Remove, Some(("Service", dynamo))));
        assert!(!expires(EventKind::Modify, Some(("Service", dynamo))));
        assert!(!expires(EventKind::Remove, Some(("User", dynamo))));
        assert!(!expires(EventKind::Remove, Some(("Service", "another"))));
        assert!(!expires(EventKind::Remove, None));
    }
}
