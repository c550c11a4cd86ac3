use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use uuid::Uuid;

use crate::sqs::attribute::{Attribute, Payload};
use crate::sqs::digest::Checksum;
use crate::sqs::message::Delivered;
use crate::sqs::name::Address;
use crate::sqs::receipt::Receipt;
use crate::sqs::request::{Presence, Received};
use crate::sqs::wire::filter::View;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceivedShape<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<MessageShape<'a>>,
}

impl<'a> ReceivedShape<'a> {
    pub(super) fn new(received: &'a Received, view: &View, address: &Address) -> Self {
        let messages = received.messages.iter();
        Self {
            messages: messages
                .map(|message| MessageShape::new(message, view, address))
                .collect(),
        }
    }
}

/// All messages of a queue, without receipt handles.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PeekedShape<'a> {
    messages: Vec<Peeked<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Peeked<'a> {
    state: &'static str,
    #[serde(flatten)]
    message: MessageShape<'a>,
}

impl<'a> PeekedShape<'a> {
    pub(super) fn new(messages: &'a [(Presence, Delivered)], address: &Address) -> Self {
        let view = View::all();
        let messages = messages.iter().map(|(presence, delivered)| Peeked {
            state: match presence {
                Presence::Visible => "visible",
                Presence::Delayed => "delayed",
                Presence::InFlight => "in flight",
            },
            message: MessageShape {
                receipt_handle: None,
                ..MessageShape::new(delivered, &view, address)
            },
        });
        Self {
            messages: messages.collect(),
        }
    }
}

#[derive(Serialize)]
struct MessageShape<'a> {
    #[serde(rename = "MessageId")]
    message_id: Uuid,
    #[serde(rename = "ReceiptHandle", skip_serializing_if = "Option::is_none")]
    receipt_handle: Option<String>,
    #[serde(rename = "MD5OfBody")]
    body_md5: String,
    #[serde(rename = "Body")]
    body: &'a str,
    #[serde(rename = "Attributes", skip_serializing_if = "BTreeMap::is_empty")]
    system: BTreeMap<&'static str, String>,
    #[serde(
        rename = "MD5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    attributes_md5: Option<String>,
    #[serde(
        rename = "MessageAttributes",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    attributes: BTreeMap<&'a str, AttributeShape<'a>>,
}

impl<'a> MessageShape<'a> {
    fn new(delivered: &'a Delivered, view: &View, address: &Address) -> Self {
        let content = &delivered.message.content;
        let receipt = Receipt {
            queue: delivered.queue,
            seq: delivered.seq,
            number: delivered.message.delivery.receipt,
        };
        let shown = view.shown(&content.attributes);
        let attributes_md5 = if shown.len() == content.attributes.len() {
            content.attributes_md5
        } else {
            // SDKs compare the digest with the attributes that they receive, not with those that were sent.
            Checksum::of_attributes(shown.iter().map(|(name, attribute)| (*name, *attribute)))
        };
        Self {
            message_id: content.id,
            receipt_handle: Some(receipt.to_handle()),
            body_md5: content.body_md5.hex(),
            body: &content.body,
            system: system_attributes(delivered, view, address),
            attributes_md5: attributes_md5.map(|md5| md5.hex()),
            attributes: shown
                .into_iter()
                .map(|(name, attribute)| (name.as_str(), AttributeShape::new(attribute)))
                .collect(),
        }
    }
}

fn system_attributes(
    delivered: &Delivered,
    view: &View,
    address: &Address,
) -> BTreeMap<&'static str, String> {
    let Delivered {
        seq, fifo, message, ..
    } = delivered;
    let content = &message.content;
    let all = [
        ("SenderId", Some(address.account().to_owned())),
        ("SentTimestamp", Some(message.sent.millis().to_string())),
        (
            "ApproximateReceiveCount",
            Some(message.delivery.receives.to_string()),
        ),
        (
            "ApproximateFirstReceiveTimestamp",
            message
                .delivery
                .first_received
                .map(|moment| moment.millis().to_string()),
        ),
        ("SequenceNumber", fifo.then(|| seq.sequence_number())),
        ("MessageDeduplicationId", content.deduplication.clone()),
        ("MessageGroupId", content.group.clone().map(String::from)),
        ("AWSTraceHeader", content.trace_header.clone()),
        (
            "DeadLetterQueueSourceArn",
            message
                .dead_letter_source
                .as_ref()
                .map(|source| address.arn(source)),
        ),
    ];
    let present = all
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    present
        .filter(|(name, _)| view.shows_system(name))
        .collect()
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeShape<'a> {
    data_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
}

impl<'a> AttributeShape<'a> {
    fn new(attribute: &'a Attribute) -> Self {
        let (string_value, binary_value) = match &attribute.payload {
            Payload::Text(text) => (Some(text.as_str()), None),
            Payload::Binary(bytes) => (None, Some(STANDARD.encode(bytes))),
        };
        Self {
            data_type: &attribute.data_type,
            string_value,
            binary_value,
        }
    }
}
