//! Which items a request is about.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::OptionalExtension;
use serde_json::{Map, Value, json};

use crate::ledger::{Ledger, LedgerError};

/// An item by its table and key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ItemId {
    table: String,
    /// The key as JSON with its members in order.
    key: String,
    /// The partition key's value as JSON.
    hash: String,
}

impl ItemId {
    /// Returns the item of a table with these key attributes; further attributes are ignored.
    pub(super) fn of(
        table: &str,
        keys: &[String],
        attributes: &Map<String, Value>,
    ) -> Option<Self> {
        let key = keys.iter().map(|name| Some((name, attributes.get(name)?)));
        let key: BTreeMap<_, _> = key.collect::<Option<_>>()?;
        Some(Self {
            table: table.to_owned(),
            hash: attributes.get(keys.first()?)?.to_string(),
            key: serde_json::to_string(&key).ok()?,
        })
    }

    /// The request that reads it.
    pub(super) fn read(&self) -> Value {
        let key: Value = serde_json::from_str(&self.key).unwrap_or_default();
        json!({ "TableName": self.table, "Key": key, "ConsistentRead": true })
    }

    /// A number of its partition.
    pub(super) fn partition(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.table, &self.hash).hash(&mut hasher);
        hasher.finish()
    }
}

/// The items that a request reads or writes by their keys, in the order of a transaction's actions.
pub(super) fn items(ledger: &Ledger, operation: &str, request: &Map<String, Value>) -> Vec<ItemId> {
    let one = |action: &Map<String, Value>| {
        let table = action.get("TableName")?.as_str()?;
        let attributes = action
            .get("Key")
            .or_else(|| action.get("Item"))?
            .as_object()?;
        ItemId::of(table, &keys(ledger, table).ok()?, attributes)
    };
    match operation {
        "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" => one(request).into_iter().collect(),
        "TransactGetItems" | "TransactWriteItems" => {
            let actions = request.get("TransactItems").and_then(Value::as_array);
            let actions = actions.into_iter().flatten().filter_map(Value::as_object);
            let actions = actions.flat_map(Map::values).filter_map(Value::as_object);
            actions.filter_map(one).collect()
        }
        _ => Vec::new(),
    }
}

/// The key attributes of a table, the partition key first.
pub(super) fn keys(ledger: &Ledger, table: &str) -> Result<Vec<String>, LedgerError> {
    let schema: Option<String> = ledger.read(|ledger| {
        let found = ledger
            .prepare_cached("SELECT key_schema FROM _tables WHERE table_name = ?1")?
            .query_row([table], |row| row.get(0))
            .optional()?;
        Ok::<_, LedgerError>(found)
    })?;
    let schema: Vec<Value> = schema
        .and_then(|schema| serde_json::from_str(&schema).ok())
        .unwrap_or_default();
    let of = |kind: &'static str| {
        let keys = schema.iter().filter(move |key| key["KeyType"] == kind);
        keys.filter_map(|key| key["AttributeName"].as_str().map(str::to_owned))
    };
    Ok(of("HASH").chain(of("RANGE")).collect())
}
