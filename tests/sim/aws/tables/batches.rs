//! Batches, of which some may be left for later.

use serde_json::{Value, json};

use super::{Occasion, Tables, dispatch};
use crate::aws::ApiReply;
use crate::aws::adversity::{Adversary, Behaviour};

impl Tables {
    pub(super) fn get_batch(
        &mut self,
        mut request: Value,
        occasion: &mut Occasion<'_>,
    ) -> Result<Value, ApiReply> {
        let left = leave(
            &mut request,
            Behaviour::UnprocessedKeys,
            occasion.adversary,
            |of_table| of_table.get_mut("Keys"),
        );
        let consistent = request["RequestItems"].clone();
        let mut answer = if is_empty(&request) {
            json!({ "Responses": {}, "UnprocessedKeys": {} })
        } else {
            dispatch::dispatch(&self.database, "BatchGetItem", request)?
        };
        self.make_batch_stale(&consistent, &mut answer, occasion);
        add(&mut answer["UnprocessedKeys"], left);
        Ok(answer)
    }

    pub(super) fn write_batch(
        &mut self,
        mut request: Value,
        occasion: &mut Occasion<'_>,
    ) -> Result<Value, ApiReply> {
        let left = leave(
            &mut request,
            Behaviour::UnprocessedItems,
            occasion.adversary,
            writes,
        );
        let mut answer = if is_empty(&request) {
            json!({ "UnprocessedItems": {} })
        } else {
            self.write("BatchWriteItem", request, occasion)?
        };
        add(&mut answer["UnprocessedItems"], left);
        Ok(answer)
    }
}

fn writes(of_table: &mut Value) -> Option<&mut Value> {
    Some(of_table)
}

fn is_empty(request: &Value) -> bool {
    request["RequestItems"]
        .as_object()
        .is_some_and(serde_json::Map::is_empty)
}

/// Takes some entries out of a batch, all of them at worst; gives back those left, in the form that they came in.
fn leave(
    request: &mut Value,
    behaviour: Behaviour,
    adversary: &mut Adversary,
    entries: impl Fn(&mut Value) -> Option<&mut Value>,
) -> Value {
    let mut left = json!({});
    let Some(tables) = request["RequestItems"].as_object_mut() else {
        return left;
    };
    if !tables.is_empty() && adversary.strikes(behaviour) {
        for (table, of_table) in tables.iter_mut() {
            let mut rest = of_table.clone();
            let (Some(Value::Array(kept)), Some(Value::Array(late))) =
                (entries(of_table), entries(&mut rest))
            else {
                continue;
            };
            let fates: Vec<bool> = kept.iter().map(|_| adversary.coin()).collect();
            retain(kept, fates.iter().map(|late| !late));
            retain(late, fates.iter().copied());
            if !late.is_empty() {
                left[table] = rest;
            }
        }
        tables.retain(
            |_, of_table| matches!(entries(of_table), Some(Value::Array(kept)) if !kept.is_empty()),
        );
    }
    left
}

fn retain(entries: &mut Vec<Value>, mut stays: impl Iterator<Item = bool>) {
    entries.retain(|_| stays.next().unwrap_or(true));
}

fn add(unprocessed: &mut Value, left: Value) {
    if let (Value::Object(left), true) = (left, unprocessed.is_object()) {
        for (table, entries) in left {
            unprocessed[&table] = entries;
        }
    }
}
