//! Reads that are not consistent, and pages that end early.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Occasion, Tables, dispatch};
use crate::aws::ApiReply;
use crate::aws::adversity::Behaviour;

/// How long a write may stay unseen.
const STALE_MILLIS: u64 = 1_000;

impl Tables {
    pub(super) fn get(
        &mut self,
        request: Value,
        occasion: &mut Occasion<'_>,
    ) -> Result<Value, ApiReply> {
        let stale = if is_consistent(&request) || is_projected(&request) {
            None
        } else {
            let table = request["TableName"].as_str().unwrap_or_default();
            self.stale(table, &request["Key"], occasion)
        };
        match stale {
            Some(Some(image)) => Ok(json!({ "Item": *image })),
            Some(None) => Ok(json!({})),
            None => dispatch::dispatch(&self.database, "GetItem", request),
        }
    }

    /// Puts images from before the last write among the items that were read.
    pub(super) fn make_batch_stale(
        &self,
        requested: &Value,
        answer: &mut Value,
        occasion: &mut Occasion<'_>,
    ) {
        let Some(tables) = requested.as_object() else {
            return;
        };
        for (name, of_table) in tables {
            let (Some(table), false) = (self.tables.get(name), is_consistent(of_table)) else {
                continue;
            };
            if is_projected(of_table) {
                continue;
            }
            for key in of_table["Keys"].as_array().into_iter().flatten() {
                if let Some(stale) = self.stale(name, key, occasion)
                    && let Some(items) = answer["Responses"][name].as_array_mut()
                {
                    let key = table.key(key);
                    items.retain(|item| table.key(item) != key);
                    items.extend(stale.map(|image| (*image).clone()));
                }
            }
        }
    }

    /// Query and Scan: fewer items than there are, with the place to go on at; and not yet those just inserted.
    pub(super) fn read_page(
        &mut self,
        operation: &str,
        mut request: Value,
        occasion: &mut Occasion<'_>,
    ) -> Result<Value, ApiReply> {
        let counts = request["Select"] == "COUNT";
        if occasion.adversary.strikes(Behaviour::ShortPage) {
            let limit = request["Limit"].as_u64().unwrap_or(3).clamp(1, 3);
            request["Limit"] = occasion.adversary.between(1, limit).into();
        }
        let name = request["TableName"].as_str().unwrap_or_default().to_owned();
        let seen_late = !is_consistent(&request) && !is_projected(&request) && !counts;
        let mut answer = dispatch::dispatch(&self.database, operation, request)?;
        if let (true, Some(table)) = (seen_late, self.tables.get(&name))
            && let Some(items) = answer["Items"].as_array_mut()
        {
            items.retain(|item| {
                !matches!(self.stale(&name, &table.key(item), occasion), Some(None))
            });
            answer["Count"] = items.len().into();
        }
        Ok(answer)
    }

    /// The image before the last write, if that was a moment ago and a stale read strikes.
    fn stale(
        &self,
        table: &str,
        key: &Value,
        occasion: &mut Occasion<'_>,
    ) -> Option<Option<Arc<Value>>> {
        let table = self.tables.get(table)?;
        let entry = table.entries.get(&table.key(key).to_string())?;
        let recent = entry.changed + STALE_MILLIS > occasion.now;
        let strikes = recent && occasion.adversary.strikes(Behaviour::StaleRead);
        strikes.then(|| entry.before.clone())
    }
}

fn is_consistent(request: &Value) -> bool {
    request["ConsistentRead"] == true
}

fn is_projected(request: &Value) -> bool {
    ["ProjectionExpression", "AttributesToGet"]
        .iter()
        .any(|member| request.get(member).is_some())
}
