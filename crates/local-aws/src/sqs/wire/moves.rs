use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use uuid::Uuid;

use super::{bounded, required};
use crate::sqs::fault::Fault;
use crate::sqs::request::Request;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Start {
    source_arn: Option<String>,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    source_arn: Option<String>,
    max_results: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Cancel {
    task_handle: Option<String>,
}

/// The content of a task's handle.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handle {
    task_id: Uuid,
    source_arn: String,
}

pub(super) fn start(start: Start) -> Result<Request, Fault> {
    let per_second = bounded(
        start.max_number_of_messages_per_second,
        "MaxNumberOfMessagesPerSecond",
        1..=500,
        "Must be between 1 and 500, if provided.",
    )?;
    Ok(Request::StartMove {
        id: Uuid::new_v4(),
        source_arn: required(start.source_arn, "SourceArn")?,
        destination_arn: start.destination_arn,
        per_second,
    })
}

pub(super) fn list(list: List) -> Result<Request, Fault> {
    let limit = bounded(
        list.max_results,
        "MaxResults",
        1..=10,
        "Must be between 1 and 10, if provided.",
    )?;
    Ok(Request::ListMoves {
        source_arn: required(list.source_arn, "SourceArn")?,
        limit: limit.unwrap_or(1) as usize,
    })
}

pub(super) fn cancel(cancel: Cancel) -> Result<Request, Fault> {
    let text = required(cancel.task_handle, "TaskHandle")?;
    let Handle {
        task_id,
        source_arn,
    } = STANDARD
        .decode(text)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(|| Fault::invalid("Value for parameter TaskHandle is invalid."))?;
    Ok(Request::CancelMove {
        id: task_id,
        source_arn,
    })
}
