//! ListTables without the table of request tokens.

use axum::http::StatusCode;
use serde_json::Value;

use super::tokens::TABLE;
use crate::reply::Reply;

/// Removes the table of request tokens. A page may therefore have one name less than its limit, as with DynamoDB.
pub(super) fn without_ours(mut reply: Reply) -> Reply {
    if reply.status != StatusCode::OK {
        return reply;
    }
    let Ok(mut answer) = serde_json::from_slice::<Value>(&reply.body) else {
        return reply;
    };
    if let Some(names) = answer.get_mut("TableNames").and_then(Value::as_array_mut) {
        names.retain(|name| name != TABLE);
        reply.replace_body(answer.to_string());
    }
    reply
}
