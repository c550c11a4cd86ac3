//! AWS JSON 1.0: bytes to requests, and replies to bytes.

mod attributes;
mod batch;
mod encode;
mod filter;
mod messages;
mod moves;
mod queues;
mod text;

use serde::de::DeserializeOwned;

use super::fault::{Code, Fault};
use super::name::QueueName;
use super::request::Request;

pub(crate) use encode::{encode, encode_fault};
pub(crate) use filter::View;

/// Decodes one request, and the attributes that it wants in the reply.
pub(crate) fn decode(operation: &str, body: &[u8]) -> Result<(Request, View), Fault> {
    let request = match operation {
        "AddPermission" => queues::add_permission(read(body)?),
        "CancelMessageMoveTask" => moves::cancel(read(body)?),
        "ChangeMessageVisibility" => messages::change_visibility(read(body)?),
        "ChangeMessageVisibilityBatch" => batch::change_visibility(read(body)?),
        "CreateQueue" => queues::create(read(body)?),
        "DeleteMessage" => messages::delete(read(body)?),
        "DeleteMessageBatch" => batch::delete(read(body)?),
        "DeleteQueue" => queues::delete(read(body)?),
        "GetQueueAttributes" => queues::get_attributes(read(body)?),
        "GetQueueUrl" => queues::find(read(body)?),
        "ListDeadLetterSourceQueues" => queues::list_dead_letter_sources(read(body)?),
        "ListMessageMoveTasks" => moves::list(read(body)?),
        "ListQueueTags" => queues::list_tags(read(body)?),
        "ListQueues" => queues::list(read(body)?),
        "PurgeQueue" => queues::purge(read(body)?),
        "ReceiveMessage" => return messages::receive(read(body)?),
        "RemovePermission" => queues::remove_permission(read(body)?),
        "SendMessage" => messages::send(read(body)?),
        "SendMessageBatch" => batch::send(read(body)?),
        "SetQueueAttributes" => queues::set_attributes(read(body)?),
        "StartMessageMoveTask" => moves::start(read(body)?),
        "TagQueue" => queues::tag(read(body)?),
        "UntagQueue" => queues::untag(read(body)?),
        _ => Err(Fault::new(
            Code::InvalidAction,
            format!("The operation {operation} is not known."),
        )),
    };
    request.map(|request| (request, View::default()))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| {
        Fault::new(
            Code::MalformedInput,
            format!("The request can't be read: {error}."),
        )
    })
}

/// Returns the queue of a URL; a missing URL names a queue that does not exist.
fn queue(url: Option<&str>) -> Result<QueueName, Fault> {
    url.and_then(QueueName::from_url)
        .ok_or_else(Fault::no_such_queue)
}

fn required<T>(value: Option<T>, parameter: &str) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::missing(parameter))
}

/// Checks that a number is within a range.
fn bounded(
    value: Option<i64>,
    parameter: &str,
    range: std::ops::RangeInclusive<i64>,
    reason: &str,
) -> Result<Option<u32>, Fault> {
    match value {
        None => Ok(None),
        Some(value) if range.contains(&value) => Ok(u32::try_from(value).ok()),
        Some(value) => Err(Fault::invalid_value(value, parameter, reason)),
    }
}

#[cfg(test)]
mod tests;
