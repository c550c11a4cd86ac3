use std::collections::BTreeSet;

use serde::Deserialize;

use super::messages::{SentMessage, outgoing, visibility_change};
use super::{queue, required};
use crate::sqs::fault::{Code, Fault};
use crate::sqs::request::{Outgoing, Request};
use crate::sqs::settings::MAX_MESSAGE_BYTES;

const MAX_ENTRIES: usize = 10;
const MAX_ID: usize = 80;

/// The common form of batches.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchOf<T> {
    queue_url: Option<String>,
    entries: Option<Vec<Entry<T>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry<T> {
    id: Option<String>,
    #[serde(flatten)]
    rest: T,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Deletion {
    receipt_handle: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Change {
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

pub(super) fn send(batch: BatchOf<SentMessage>) -> Result<Request, Fault> {
    let queue = queue(batch.queue_url.as_deref())?;
    let entries = checked(batch.entries)?;
    let mut bytes = 0;
    let entries: Vec<(String, Result<Outgoing, Fault>)> = entries
        .into_iter()
        .map(|(id, message)| {
            let body = message.body_bytes();
            let entry = outgoing(message);
            bytes += entry
                .as_ref()
                .map_or(body, |outgoing| outgoing.content.size_bytes());
            (id, entry)
        })
        .collect();
    if bytes > MAX_MESSAGE_BYTES as usize {
        return Err(Fault::new(
            Code::BatchRequestTooLong,
            format!(
                "Batch requests cannot be longer than {MAX_MESSAGE_BYTES} bytes. You have sent {bytes} bytes."
            ),
        ));
    }
    Ok(Request::SendBatch { queue, entries })
}

pub(super) fn delete(batch: BatchOf<Deletion>) -> Result<Request, Fault> {
    let queue = queue(batch.queue_url.as_deref())?;
    let entries = checked(batch.entries)?.into_iter();
    let entries = entries.map(|(id, entry)| (id, required(entry.receipt_handle, "ReceiptHandle")));
    Ok(Request::DeleteBatch {
        queue,
        entries: entries.collect(),
    })
}

pub(super) fn change_visibility(batch: BatchOf<Change>) -> Result<Request, Fault> {
    let queue = queue(batch.queue_url.as_deref())?;
    let entries = checked(batch.entries)?.into_iter();
    let entries = entries.map(|(id, entry)| {
        (
            id,
            visibility_change(entry.receipt_handle, entry.visibility_timeout),
        )
    });
    Ok(Request::ChangeVisibilityBatch {
        queue,
        entries: entries.collect(),
    })
}

/// Returns the entries by their ids, if the batch is well-formed.
fn checked<T>(entries: Option<Vec<Entry<T>>>) -> Result<Vec<(String, T)>, Fault> {
    let entries = entries.unwrap_or_default();
    if entries.is_empty() {
        return Err(Fault::new(
            Code::EmptyBatchRequest,
            "There should be at least one entry in the request.",
        ));
    }
    if entries.len() > MAX_ENTRIES {
        return Err(Fault::new(
            Code::TooManyEntriesInBatchRequest,
            format!(
                "Maximum number of entries per request are {MAX_ENTRIES}. You have sent {}.",
                entries.len()
            ),
        ));
    }
    let mut seen = BTreeSet::new();
    for entry in &entries {
        let id = entry.id.as_deref().unwrap_or_default();
        if !is_entry_id(id) {
            return Err(Fault::new(
                Code::InvalidBatchEntryId,
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
            ));
        }
        if !seen.insert(id) {
            return Err(Fault::new(
                Code::BatchEntryIdsNotDistinct,
                format!("Id {id} repeated."),
            ));
        }
    }
    Ok(entries
        .into_iter()
        .map(|entry| (entry.id.unwrap_or_default(), entry.rest))
        .collect())
}

fn is_entry_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
