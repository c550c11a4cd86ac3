use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::filter::View;
use super::queues::token;
use crate::sqs::SqsResponse;
use crate::sqs::digest::Checksum;
use crate::sqs::fault::Fault;
use crate::sqs::message::{Attribute, Delivered, Payload};
use crate::sqs::name::{ACCOUNT, QueueName};
use crate::sqs::receipt::Receipt;
use crate::sqs::request::{Batch, MoveReport, Reply, Sent};

/// The body of a successful answer.
pub(crate) fn encode(reply: &Reply, view: &View, base_url: &str) -> Vec<u8> {
    let urls = |names: &[QueueName]| -> Vec<String> {
        names.iter().map(|name| name.url(base_url)).collect()
    };
    match reply {
        Reply::Done => bytes(&json!({})),
        Reply::DoneBatch(batch) => bytes(&batch_shape(batch, |id, ()| json!({ "Id": id }))),
        Reply::Queue(name) => bytes(&json!({ "QueueUrl": name.url(base_url) })),
        Reply::Queues { names, next } => bytes(&listing("QueueUrls", urls(names), next.as_ref())),
        Reply::DeadLetterSources { names, next } => {
            bytes(&listing("queueUrls", urls(names), next.as_ref()))
        }
        Reply::Attributes(attributes) => bytes(&unless_empty("Attributes", attributes)),
        Reply::Tags(tags) => bytes(&unless_empty("Tags", tags)),
        Reply::Sent(sent) => bytes(&SentShape::new(None, sent)),
        Reply::SentBatch(batch) => bytes(&batch_shape(batch, |id, sent| {
            SentShape::new(Some(id), sent)
        })),
        Reply::Received(received) => {
            let messages = received
                .messages
                .iter()
                .map(|message| MessageShape::new(message, view));
            bytes(&ReceivedShape {
                messages: messages.collect(),
            })
        }
        Reply::MoveStarted { handle } => bytes(&json!({ "TaskHandle": handle })),
        Reply::Moves(reports) => {
            let results: Vec<MoveShape<'_>> = reports.iter().map(MoveShape::new).collect();
            bytes(&json!({ "Results": results }))
        }
        Reply::MoveCancelled { moved } => {
            bytes(&json!({ "ApproximateNumberOfMessagesMoved": moved }))
        }
    }
}

/// The answer to a request that failed as a whole.
pub(crate) fn encode_fault(fault: &Fault) -> SqsResponse {
    let sender = if fault.code.is_senders() {
        "Sender"
    } else {
        "Receiver"
    };
    SqsResponse {
        status: fault.code.status(),
        body: bytes(&json!({ "__type": fault.code.shape(), "message": fault.message })),
        query_error: Some(format!("{};{sender}", fault.code.query())),
    }
}

fn bytes(shape: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(shape).expect("shapes have string keys and no failing parts")
}

fn unless_empty(key: &str, map: &BTreeMap<String, String>) -> Value {
    if map.is_empty() {
        json!({})
    } else {
        json!({ key: map })
    }
}

fn listing(key: &str, urls: Vec<String>, next: Option<&QueueName>) -> Value {
    let mut shape = if urls.is_empty() {
        json!({})
    } else {
        json!({ key: urls })
    };
    if let Some(next) = next {
        shape["NextToken"] = token(next).into();
    }
    shape
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchShape<'a, T> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    successful: Vec<T>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<FailedShape<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FailedShape<'a> {
    id: &'a str,
    sender_fault: bool,
    code: &'static str,
    message: &'a str,
}

fn batch_shape<'a, T, S>(
    batch: &'a Batch<T>,
    shape: impl Fn(&'a str, &'a T) -> S,
) -> BatchShape<'a, S> {
    let failed = batch.failed.iter().map(|(id, fault)| FailedShape {
        id,
        sender_fault: fault.code.is_senders(),
        code: fault.code.query(),
        message: &fault.message,
    });
    BatchShape {
        successful: batch
            .successful
            .iter()
            .map(|(id, done)| shape(id, done))
            .collect(),
        failed: failed.collect(),
    }
}

#[derive(Serialize)]
struct SentShape<'a> {
    #[serde(rename = "Id", skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "MessageId")]
    message_id: Uuid,
    #[serde(rename = "MD5OfMessageBody")]
    body_md5: String,
    #[serde(
        rename = "MD5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    attributes_md5: Option<String>,
    #[serde(
        rename = "MD5OfMessageSystemAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    system_attributes_md5: Option<String>,
    #[serde(rename = "SequenceNumber", skip_serializing_if = "Option::is_none")]
    sequence_number: Option<&'a str>,
}

impl<'a> SentShape<'a> {
    fn new(id: Option<&'a str>, sent: &'a Sent) -> Self {
        Self {
            id,
            message_id: sent.id,
            body_md5: sent.body_md5.hex(),
            attributes_md5: sent.attributes_md5.map(|md5| md5.hex()),
            system_attributes_md5: sent
                .trace_header
                .as_ref()
                .map(|header| Checksum::of_trace_header(header).hex()),
            sequence_number: sent.sequence_number.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReceivedShape<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<MessageShape<'a>>,
}

#[derive(Serialize)]
struct MessageShape<'a> {
    #[serde(rename = "MessageId")]
    message_id: Uuid,
    #[serde(rename = "ReceiptHandle")]
    receipt_handle: String,
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
    fn new(delivered: &'a Delivered, view: &View) -> Self {
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
            // SDKs compare it with what they get, not with what was sent.
            Checksum::of_attributes(shown.iter().map(|(name, attribute)| (*name, *attribute)))
        };
        Self {
            message_id: content.id,
            receipt_handle: receipt.to_handle(),
            body_md5: content.body_md5.hex(),
            body: &content.body,
            system: system_attributes(delivered, view),
            attributes_md5: attributes_md5.map(|md5| md5.hex()),
            attributes: shown
                .into_iter()
                .map(|(name, attribute)| (name.as_str(), AttributeShape::new(attribute)))
                .collect(),
        }
    }
}

fn system_attributes(delivered: &Delivered, view: &View) -> BTreeMap<&'static str, String> {
    let Delivered {
        seq, fifo, message, ..
    } = delivered;
    let content = &message.content;
    let all = [
        ("SenderId", Some(ACCOUNT.to_owned())),
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
            message.dead_letter_source.as_ref().map(QueueName::arn),
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

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MoveShape<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_handle: Option<&'a str>,
    status: &'static str,
    source_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_number_of_messages_per_second: Option<u32>,
    approximate_number_of_messages_moved: u64,
    approximate_number_of_messages_to_move: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'a str>,
    started_timestamp: u64,
}

impl<'a> MoveShape<'a> {
    fn new(report: &'a MoveReport) -> Self {
        Self {
            task_handle: report.handle.as_deref(),
            status: report.status,
            source_arn: &report.source_arn,
            destination_arn: report.destination_arn.as_deref(),
            max_number_of_messages_per_second: report.per_second,
            approximate_number_of_messages_moved: report.moved,
            approximate_number_of_messages_to_move: report.to_move,
            failure_reason: report.failure.as_deref(),
            started_timestamp: report.started.millis(),
        }
    }
}
