use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::attribute::{Attribute, Payload};
use super::digest::Checksum;
use super::moment::Moment;
use super::name::QueueName;

/// The offset of sequence numbers, so that they have the service's 20 digits.
const SEQUENCE_BASE: u128 = 18_000_000_000_000_000_000;
const SEQUENCE_STEP: u128 = 256;

/// A queue's number, never assigned twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct QueueId(pub(crate) u64);

/// A message's number in order of arrival over all queues, never assigned twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Seq(pub(crate) u64);

impl Seq {
    /// The sequence number of a FIFO message: 20 digits, increasing.
    pub(crate) fn sequence_number(self) -> String {
        (SEQUENCE_BASE + u128::from(self.0) * SEQUENCE_STEP).to_string()
    }
}

/// The id of a message group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) struct GroupId(Arc<str>);

impl GroupId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for GroupId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<GroupId> for String {
    fn from(group: GroupId) -> Self {
        group.as_str().to_owned()
    }
}

/// The immutable part of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) id: Uuid,
    /// Stored apart from the rest.
    #[serde(skip)]
    pub(crate) body: String,
    pub(crate) body_md5: Checksum,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) attributes: BTreeMap<String, Attribute>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attributes_md5: Option<Checksum>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace_header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<GroupId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deduplication: Option<String>,
}

impl Content {
    /// The bytes that count towards the size limit: the body and the names, types and values of the attributes.
    pub(crate) fn size_bytes(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, attribute)| {
            let payload = match &attribute.payload {
                Payload::Text(text) => text.len(),
                Payload::Binary(bytes) => bytes.len(),
            };
            name.len() + attribute.data_type.len() + payload
        });
        self.body.len() + attributes.sum::<usize>()
    }
}

/// A message in a queue.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) content: Arc<Content>,
    /// When it was sent, also if it was moved since.
    pub(crate) sent: Moment,
    /// The start of its retention.
    pub(crate) enqueued: Moment,
    /// The queue from which the redrive policy moved it.
    pub(crate) dead_letter_source: Option<QueueName>,
    pub(crate) delivery: Delivery,
}

/// The receives of a message, and until when it is hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Receives that count towards `maxReceiveCount`, including those before a move to a dead-letter queue.
    pub(crate) receives: u32,
    pub(crate) first_received: Option<Moment>,
    /// The latest receive in this queue, from which the limit of twelve hours of visibility counts.
    pub(crate) received: Option<Moment>,
    /// The number of the latest receipt handle in this queue; 0 before the first.
    pub(crate) receipt: u32,
    pub(crate) visible_at: Moment,
}

/// A message as one receive returns it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delivered {
    pub(crate) queue: QueueId,
    pub(crate) seq: Seq,
    pub(crate) fifo: bool,
    pub(crate) message: Message,
}
