mod received;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::filter::View;
use super::queues::token;
use crate::sqs::SqsResponse;
use crate::sqs::digest::Checksum;
use crate::sqs::fault::Fault;
use crate::sqs::name::{Address, QueueName};
use crate::sqs::request::{Batch, MoveReport, Reply, Sent};
use received::{PeekedShape, ReceivedShape};

/// Returns the body of a successful response.
pub(crate) fn encode(reply: &Reply, view: &View, address: &Address) -> Vec<u8> {
    let urls = |names: &[QueueName]| -> Vec<String> {
        names.iter().map(|name| address.url(name)).collect()
    };
    match reply {
        Reply::Done => bytes(&json!({})),
        Reply::DoneBatch(batch) => bytes(&batch_shape(batch, |id, ()| json!({ "Id": id }))),
        Reply::Queue(name) => bytes(&json!({ "QueueUrl": address.url(name) })),
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
        Reply::Received(received) => bytes(&ReceivedShape::new(received, view, address)),
        Reply::Peeked(messages) => bytes(&PeekedShape::new(messages, address)),
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

/// Returns the response to a failed request.
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
