//! Tables that are not active yet: DynamoDB takes a while to make a table, and serves it then.
//!
//! Here, a table becomes active when DescribeTable is asked for it, as everyone does who waits for it, or after a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::Value;

use crate::reply::{Reply, fault};

/// The operations on items, which a table serves once it is active.
pub(super) const ON_ITEMS: [&str; 10] = [
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
];

/// The tables that are not active yet, and when they are at the latest.
#[derive(Debug)]
pub(super) struct Creating {
    life: Duration,
    tables: Mutex<BTreeMap<String, Instant>>,
}

impl Creating {
    pub(super) fn new(life: Duration) -> Self {
        Self {
            life,
            tables: Mutex::default(),
        }
    }

    /// Takes note of an answer: a table that was made, or described.
    pub(super) fn note(&self, operation: &str, reply: &Reply) {
        if reply.status != StatusCode::OK {
            return;
        }
        let told = match operation {
            "CreateTable" => "TableDescription",
            "DescribeTable" if !self.is_idle() => "Table",
            _ => return,
        };
        let Ok(answer) = serde_json::from_slice::<Value>(&reply.body) else {
            return;
        };
        let Some(table) = answer[told]["TableName"].as_str() else {
            return;
        };
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        match operation {
            "CreateTable" => drop(tables.insert(table.to_owned(), Instant::now() + self.life)),
            _ => drop(tables.remove(table)),
        }
    }

    /// Returns the refusal of an operation on items of a table that is not active.
    pub(super) fn refusal(&self, operation: &str, body: &[u8]) -> Option<Reply> {
        if self.is_idle() || !ON_ITEMS.contains(&operation) {
            return None;
        }
        let request: Value = serde_json::from_slice(body).ok()?;
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        tables.retain(|_, active| *active > now);
        let mut named = named(&request);
        named.any(|table| tables.contains_key(table)).then(|| {
            fault(
                StatusCode::BAD_REQUEST,
                "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
                "Requested resource not found",
            )
        })
    }

    fn is_idle(&self) -> bool {
        let tables = self.tables.lock();
        tables.unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// The tables that a request on items names.
fn named(request: &Value) -> impl Iterator<Item = &str> {
    let actions = request["TransactItems"].as_array().into_iter().flatten();
    let actions = actions.filter_map(Value::as_object);
    let actions = actions.flat_map(|action| action.values());
    let actions = actions.filter_map(|action| action["TableName"].as_str());
    let batches = request["RequestItems"].as_object().into_iter().flatten();
    let batches = batches.map(|(table, _)| table.as_str());
    request["TableName"]
        .as_str()
        .into_iter()
        .chain(actions)
        .chain(batches)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    fn created(life: Duration) -> Creating {
        let creating = Creating::new(life);
        let answer = json!({ "TableDescription": { "TableName": "T" } });
        creating.note(
            "CreateTable",
            &Reply::json(StatusCode::OK, answer.to_string()),
        );
        creating
    }

    fn is_refused(creating: &Creating, operation: &str, request: &Value) -> bool {
        creating
            .refusal(operation, request.to_string().as_bytes())
            .is_some()
    }

    #[test]
    fn a_new_table_is_not_found_whoever_names_it() {
        let creating = created(LONG);
        for (operation, request) in [
            ("PutItem", json!({ "TableName": "T" })),
            (
                "BatchGetItem",
                json!({ "RequestItems": { "S": {}, "T": {} } }),
            ),
            (
                "TransactWriteItems",
                json!({ "TransactItems": [{ "Put": { "TableName": "T" } }] }),
            ),
        ] {
            assert!(is_refused(&creating, operation, &request), "{request}");
        }
        assert!(!is_refused(
            &creating,
            "PutItem",
            &json!({ "TableName": "S" })
        ));
        assert!(!is_refused(
            &creating,
            "DescribeTable",
            &json!({ "TableName": "T" })
        ));
    }

    #[test]
    fn a_table_is_active_once_it_is_described_or_after_its_time() {
        let put = json!({ "TableName": "T" });
        let creating = created(LONG);
        let answer = json!({ "Table": { "TableName": "T" } });
        creating.note(
            "DescribeTable",
            &Reply::json(StatusCode::OK, answer.to_string()),
        );
        assert!(!is_refused(&creating, "PutItem", &put));
        assert!(!is_refused(&created(Duration::ZERO), "PutItem", &put));
    }
}
