//! Conversion from the SDK's types to those of this crate.

use std::time::{Duration, SystemTime};

use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    Message as SdkMessage, MessageAttributeValue, MessageSystemAttributeName as Name,
};

use crate::attribute::Attribute;
use crate::message::Message;
use crate::queue::Received;

/// Converts one message; a malformed one does not affect the rest of its batch. A message without id or receipt handle is skipped and
/// becomes visible when its visibility timeout ends.
pub(super) fn received(sdk: SdkMessage) -> Option<Received> {
    let (Some(message_id), Some(receipt)) = (sdk.message_id, sdk.receipt_handle) else {
        tracing::warn!("a received message has no id or receipt handle and is skipped");
        return None;
    };
    let system = sdk.attributes.unwrap_or_default();
    let attributes = sdk.message_attributes.unwrap_or_default();
    let attributes = attributes
        .into_iter()
        .filter_map(|(name, value)| Some((name, read_attribute(value)?)));
    let message =
        Message::new(message_id, sdk.body.unwrap_or_default()).with_attributes(attributes);
    Some(Received {
        message: system_attributes(message, |name| system.get(name).cloned()),
        receipt: receipt.into(),
    })
}

/// Adds the system attributes to a message. The defaults are those of a message that was sent now and received once.
pub(crate) fn system_attributes(
    message: Message,
    text: impl Fn(&Name) -> Option<String>,
) -> Message {
    let number = |name: &Name| text(name).and_then(|text| text.parse::<u64>().ok());
    let ago = |millis| {
        let time = SystemTime::now().duration_since(from_unix_millis(millis));
        time.unwrap_or_default()
    };
    message
        .with_group_id(text(&Name::MessageGroupId))
        .with_sent_at(number(&Name::SentTimestamp).map_or_else(SystemTime::now, from_unix_millis))
        .with_receive_count(number(&Name::ApproximateReceiveCount).map_or(1, clamped))
        .with_time_since_first_receive(number(&Name::ApproximateFirstReceiveTimestamp).map(ago))
        .with_trace_header(text(&Name::AwsTraceHeader))
        .with_moved_from(text(&Name::DeadLetterQueueSourceArn))
        .with_sender_id(text(&Name::SenderId))
}

fn read_attribute(value: MessageAttributeValue) -> Option<Attribute> {
    let MessageAttributeValue {
        string_value,
        binary_value,
        data_type,
        ..
    } = value;
    match (string_value, binary_value) {
        (Some(text), _) => Some(Attribute::text(data_type, text)),
        (None, Some(bytes)) => Some(Attribute::bytes(data_type, bytes.into_inner())),
        (None, None) => None,
    }
}

pub(super) fn sdk_attribute(attribute: &Attribute) -> Result<MessageAttributeValue, BuildError> {
    let bytes = attribute.as_bytes().map(|bytes| Blob::new(bytes.to_vec()));
    MessageAttributeValue::builder()
        .data_type(attribute.data_type())
        .set_string_value(attribute.as_str().map(str::to_owned))
        .set_binary_value(bytes)
        .build()
}

fn from_unix_millis(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}

fn clamped(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_with_its_system_attributes() {
        let sdk = SdkMessage::builder()
            .message_id("m-1")
            .receipt_handle("r-1")
            .body("hello")
            .attributes(Name::SentTimestamp, "1700000000123")
            .attributes(Name::ApproximateReceiveCount, "3")
            .attributes(Name::MessageGroupId, "g")
            .attributes(Name::SenderId, "AROAEXAMPLE:session")
            .attributes(Name::DeadLetterQueueSourceArn, "arn:source")
            .message_attributes("kind", sdk_attribute(&"greeting".into()).unwrap())
            .message_attributes("raw", sdk_attribute(&Attribute::binary([0, 1])).unwrap())
            .build();

        let Received { message, receipt } = received(sdk).unwrap();

        assert_eq!(&*receipt, "r-1");
        assert_eq!(
            (message.message_id(), message.body(), message.group_id()),
            ("m-1", "hello", Some("g"))
        );
        assert_eq!(message.sent_at(), from_unix_millis(1_700_000_000_123));
        assert_eq!(message.receive_count(), 3);
        assert_eq!(message.moved_from(), Some("arn:source"));
        assert_eq!(message.sender_id(), Some("AROAEXAMPLE:session"));
        assert_eq!(message.attribute("kind"), Some("greeting"));
        assert_eq!(message.attributes()["raw"], Attribute::binary([0, 1]));
    }

    #[test]
    fn each_message_is_parsed_on_its_own() {
        let odd = SdkMessage::builder()
            .message_id("odd")
            .receipt_handle("r")
            .attributes(Name::SentTimestamp, "yesterday")
            .attributes(Name::ApproximateReceiveCount, "many")
            .build();
        let without_receipt = SdkMessage::builder().message_id("lost").build();
        let whole = SdkMessage::builder()
            .message_id("whole")
            .receipt_handle("r")
            .body("b")
            .build();

        let read: Vec<_> = [odd, without_receipt, whole]
            .into_iter()
            .filter_map(received)
            .collect();

        let ids: Vec<_> = read
            .iter()
            .map(|received| received.message.message_id())
            .collect();
        assert_eq!(ids, ["odd", "whole"]);
        assert_eq!(read[0].message.receive_count(), 1);
    }
}
