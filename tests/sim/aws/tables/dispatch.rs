//! From an operation's name to dynoxide's method, JSON to JSON.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::aws::ApiReply;

/// Carries out an operation. Its answer is a JSON value, whose members are in order.
pub(super) fn dispatch(
    database: &Database,
    operation: &str,
    request: Value,
) -> Result<Value, ApiReply> {
    match operation {
        "BatchGetItem" => answer(request, |request| database.batch_get_item(request)),
        "BatchWriteItem" => answer(request, |request| database.batch_write_item(request)),
        "CreateTable" => answer(request, |request| database.create_table(request)),
        "DeleteItem" => answer(request, |request| database.delete_item(request)),
        "DeleteTable" => answer(request, |request| database.delete_table(request)),
        "DescribeTable" => answer(request, |request| database.describe_table(request)),
        "DescribeTimeToLive" => answer(request, |request| database.describe_time_to_live(request)),
        "GetItem" => answer(request, |request| database.get_item(request)),
        "ListTables" => answer(request, |request| database.list_tables(request)),
        "PutItem" => answer(request, |request| database.put_item(request)),
        "Query" => answer(request, |request| database.query(request)),
        "Scan" => answer(request, |request| database.scan(request)),
        "TransactGetItems" => answer(request, |request| database.transact_get_items(request)),
        "TransactWriteItems" => answer(request, |request| database.transact_write_items(request)),
        "UpdateItem" => answer(request, |request| database.update_item(request)),
        "UpdateTable" => answer(request, |request| database.update_table(request)),
        "UpdateTimeToLive" => answer(request, |request| database.update_time_to_live(request)),
        _ => Err(ApiReply::unknown_operation()),
    }
}

fn answer<Q: DeserializeOwned, A: Serialize>(
    request: Value,
    act: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> Result<Value, ApiReply> {
    let request = serde_json::from_value(request).map_err(|error| unreadable(&error))?;
    let answer = act(request).map_err(|error| refused(&error))?;
    Ok(serde_json::to_value(answer).expect("an answer is JSON"))
}

/// dynoxide checks while it reads, and marks what is not well-formed but invalid.
fn unreadable(error: &serde_json::Error) -> ApiReply {
    let text = error.to_string();
    match text.strip_prefix("VALIDATION:") {
        Some(message) => ApiReply::fault(400, "ValidationException", message),
        None => ApiReply::fault(400, "SerializationException", &text),
    }
}

fn refused(error: &DynoxideError) -> ApiReply {
    let json = error.to_json();
    // Reread, since an item in it has its members in no order.
    let body: Value = serde_json::from_str(&json).expect("an error is JSON");
    ApiReply {
        status: error.status_code(),
        ..ApiReply::ok(&body)
    }
}
