use serde::Deserialize;
use uuid::Uuid;

use super::attributes::{SentAttributes, attributes, trace_header};
use super::filter::View;
use super::text::{check_characters, check_id};
use super::{bounded, queue, required};
use crate::sqs::digest::Checksum;
use crate::sqs::fault::Fault;
use crate::sqs::message::{Content, GroupId};
use crate::sqs::request::{Outgoing, Receive, Request, VisibilityChange};
use crate::sqs::settings::MAX_MESSAGE_BYTES;

const VISIBILITY_REASON: &str = "Must be >= 0 and <= 43200, if provided.";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Send {
    queue_url: Option<String>,
    #[serde(flatten)]
    message: SentMessage,
}

/// The fields of a message to send, alone or in a batch.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SentMessage {
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    message_attributes: Option<SentAttributes>,
    message_system_attributes: Option<SentAttributes>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

impl SentMessage {
    pub(super) fn body_bytes(&self) -> usize {
        self.message_body.as_ref().map_or(0, String::len)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiveMessage {
    queue_url: Option<String>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    attribute_names: Option<Vec<String>>,
    message_system_attribute_names: Option<Vec<String>>,
    message_attribute_names: Option<Vec<String>>,
    receive_request_attempt_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteMessage {
    queue_url: Option<String>,
    receipt_handle: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeVisibility {
    queue_url: Option<String>,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

pub(super) fn send(send: Send) -> Result<Request, Fault> {
    Ok(Request::Send {
        queue: queue(send.queue_url.as_deref())?,
        outgoing: outgoing(send.message)?,
    })
}

/// Checks a message as far as possible without its queue, and assigns its id.
pub(super) fn outgoing(sent: SentMessage) -> Result<Outgoing, Fault> {
    let body = required(
        sent.message_body.filter(|body| !body.is_empty()),
        "MessageBody",
    )?;
    check_body_size(&body)?;
    check_characters(&body, "message body")?;
    let delay_seconds = bounded(
        sent.delay_seconds,
        "DelaySeconds",
        0..=900,
        "DelaySeconds must be >= 0 and <= 900.",
    )?;
    if let Some(group) = &sent.message_group_id {
        check_id(group, "MessageGroupId")?;
    }
    if let Some(id) = &sent.message_deduplication_id {
        check_id(id, "MessageDeduplicationId")?;
    }
    let attributes = attributes(sent.message_attributes.unwrap_or_default())?;
    let trace_header = trace_header(sent.message_system_attributes.unwrap_or_default())?;
    let content = Content {
        id: Uuid::new_v4(),
        body_md5: Checksum::of_body(&body),
        body,
        attributes_md5: Checksum::of_attributes(&attributes),
        attributes,
        trace_header,
        group: sent.message_group_id.map(GroupId::from),
        deduplication: sent.message_deduplication_id,
    };
    Ok(Outgoing {
        content,
        delay_seconds,
        trace_header: None,
    })
}

/// Refuses a body over the limit of all queues before anything else is checked.
fn check_body_size(body: &str) -> Result<(), Fault> {
    if body.len() > MAX_MESSAGE_BYTES as usize {
        return Err(Fault::invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {MAX_MESSAGE_BYTES} bytes."
        )));
    }
    Ok(())
}

pub(super) fn receive(receive: ReceiveMessage) -> Result<(Request, View), Fault> {
    let limit = bounded(
        receive.max_number_of_messages,
        "MaxNumberOfMessages",
        1..=10,
        "Must be between 1 and 10, if provided.",
    )?;
    let wait_seconds = bounded(
        receive.wait_time_seconds,
        "WaitTimeSeconds",
        0..=20,
        "Must be >= 0 and <= 20, if provided.",
    )?;
    let request = Receive {
        queue: queue(receive.queue_url.as_deref())?,
        limit: limit.unwrap_or(1) as usize,
        visibility_seconds: visibility(receive.visibility_timeout)?,
        wait_seconds,
        attempt_id: receive.receive_request_attempt_id,
    };
    let mut system = receive.message_system_attribute_names.unwrap_or_default();
    system.extend(receive.attribute_names.unwrap_or_default());
    let view = View {
        system,
        user: receive.message_attribute_names.unwrap_or_default(),
    };
    Ok((Request::Receive(request), view))
}

pub(super) fn delete(delete: DeleteMessage) -> Result<Request, Fault> {
    Ok(Request::Delete {
        queue: queue(delete.queue_url.as_deref())?,
        handle: required(delete.receipt_handle, "ReceiptHandle")?,
    })
}

pub(super) fn change_visibility(change: ChangeVisibility) -> Result<Request, Fault> {
    Ok(Request::ChangeVisibility {
        queue: queue(change.queue_url.as_deref())?,
        change: visibility_change(change.receipt_handle, change.visibility_timeout)?,
    })
}

pub(super) fn visibility_change(
    handle: Option<String>,
    seconds: Option<i64>,
) -> Result<VisibilityChange, Fault> {
    Ok(VisibilityChange {
        handle: required(handle, "ReceiptHandle")?,
        seconds: required(visibility(seconds)?, "VisibilityTimeout")?,
    })
}

fn visibility(seconds: Option<i64>) -> Result<Option<u32>, Fault> {
    bounded(seconds, "VisibilityTimeout", 0..=43_200, VISIBILITY_REASON)
}
