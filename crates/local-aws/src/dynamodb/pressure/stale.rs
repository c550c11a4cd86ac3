//! Eventually consistent reads that don't see a write yet, and entries of indexes that are late.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::item::{ItemId, keys};
use super::{Pressure, Written};
use crate::dynamodb::front;
use crate::ledger::Ledger;
use crate::reply::Reply;

impl Pressure {
    /// Answers a read as of a while ago, every other time.
    pub(in crate::dynamodb) fn late(
        &self,
        ledger: &Ledger,
        operation: &str,
        request: &Map<String, Value>,
        reply: Reply,
    ) -> Reply {
        let consistent = request.get("ConsistentRead") == Some(&Value::Bool(true));
        let partly = [
            "ProjectionExpression",
            "AttributesToGet",
            "FilterExpression",
            "QueryFilter",
            "Select",
        ];
        let whole = !partly.iter().any(|member| request.contains_key(*member));
        if reply.status != StatusCode::OK
            || consistent
            || !whole
            || self.state().written.is_empty()
            || self.draw().is_multiple_of(2)
        {
            return reply;
        }
        let table = request
            .get("TableName")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let keys = keys(ledger, table).unwrap_or_default();
        match operation {
            "GetItem" => self.late_item(table, &keys, request, reply),
            "Query" => {
                let index = request.get("IndexName").and_then(Value::as_str);
                let index = index.map(|index| front::keys_of_index(ledger, table, index));
                self.late_page(table, &keys, index.as_deref(), reply)
            }
            _ => reply,
        }
    }

    fn late_item(
        &self,
        table: &str,
        keys: &[String],
        request: &Map<String, Value>,
        reply: Reply,
    ) -> Reply {
        let key = request.get("Key").and_then(Value::as_object);
        let Some(item) = key.and_then(|key| ItemId::of(table, keys, key)) else {
            return reply;
        };
        let state = self.state();
        match state.written.get(&item) {
            Some(Written {
                before: Some(before),
                ..
            }) => Reply::json(StatusCode::OK, json!({ "Item": before }).to_string()),
            Some(Written { before: None, .. }) => Reply::json(StatusCode::OK, "{}"),
            None => reply,
        }
    }

    /// Shows the items of a page as they were: those of the table itself with their earlier attributes, those of an index without what has moved there.
    fn late_page(
        &self,
        table: &str,
        keys: &[String],
        index: Option<&[String]>,
        mut reply: Reply,
    ) -> Reply {
        let Ok(Value::Object(mut answer)) = serde_json::from_slice(&reply.body) else {
            return reply;
        };
        let Some(Value::Array(items)) = answer.get_mut("Items") else {
            return reply;
        };
        let state = self.state();
        let count = items.len();
        let mut changed = false;
        items.retain_mut(|item| {
            let Some(shown) = item.as_object_mut() else {
                return true;
            };
            let written = ItemId::of(table, keys, shown).and_then(|id| state.written.get(&id));
            match (written, index) {
                (None, _) => true,
                (Some(Written { before: None, .. }), _) => false,
                (
                    Some(Written {
                        before: Some(before),
                        ..
                    }),
                    None,
                ) => {
                    changed |= shown != before;
                    shown.clone_from(before);
                    true
                }
                (
                    Some(Written {
                        before: Some(before),
                        ..
                    }),
                    Some(index),
                ) => index.iter().all(|key| before.get(key) == shown.get(key)),
            }
        });
        let left = items.len();
        if left < count || changed {
            answer.insert("Count".into(), json!(left));
            answer.insert("ScannedCount".into(), json!(left));
            reply.replace_body(Value::Object(answer).to_string());
        }
        reply
    }
}
