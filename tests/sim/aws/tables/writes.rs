//! Which items a request writes, and what became of them.

use std::sync::Arc;

use serde_json::Value;

use super::table::Entry;
use super::{Occasion, Tables, dispatch};
use crate::aws::ApiReply;

/// One item of one committed write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CommittedWrite {
    pub(crate) table: String,
    /// The key attributes, in DynamoDB's JSON, as the images are.
    pub(crate) key: Arc<Value>,
    pub(crate) old: Option<Arc<Value>>,
    pub(crate) new: Option<Arc<Value>>,
    /// Whose call it was.
    pub(crate) node: u32,
    /// Milliseconds since the Unix epoch.
    pub(crate) at_millis: u64,
    /// The number of the commit; writes of one transaction share it.
    pub(crate) commit: u64,
}

impl CommittedWrite {
    /// Whether the item is the same as before.
    pub(crate) fn changes_nothing(&self) -> bool {
        self.old == self.new
    }
}

impl Tables {
    /// Carries out a request and notes what it changed; nothing, if it is refused.
    pub(super) fn write(
        &mut self,
        operation: &str,
        request: Value,
        occasion: &mut Occasion<'_>,
    ) -> Result<Value, ApiReply> {
        let written = written(operation, &request);
        let answer = dispatch::dispatch(&self.database, operation, request)?;
        let transaction = operation == "TransactWriteItems";
        self.commits_made += u64::from(transaction);
        for (table, item) in written {
            // Items of a batch are committed one by one.
            self.commits_made += u64::from(!transaction);
            self.note(&table, &item, occasion);
        }
        Ok(answer)
    }

    /// Notes a write to an item, by its key or more attributes.
    fn note(&mut self, name: &str, item: &Value, occasion: &mut Occasion<'_>) {
        let key = match self.tables.get(name) {
            Some(table) => table.key(item),
            None => return,
        };
        let new = self.read(name, &key).map(Arc::new);
        let Some(table) = self.tables.get_mut(name) else {
            return;
        };
        let entry = table.entries.entry(key.to_string()).or_default();
        let old = entry.image.take();
        *entry = Entry {
            image: new.clone(),
            before: old.clone(),
            changed: occasion.now,
        };
        if old.is_none() && new.is_none() {
            return;
        }
        let write = CommittedWrite {
            table: name.to_owned(),
            key: Arc::new(key),
            old,
            new,
            node: occasion.node,
            at_millis: occasion.now,
            commit: self.commits_made,
        };
        occasion.streams.record(&write, occasion.adversary);
        self.commits.push(write);
    }
}

/// The items that a request writes: table, and key or whole item.
fn written(operation: &str, request: &Value) -> Vec<(String, Value)> {
    match operation {
        "PutItem" => of_table(request, "Item").into_iter().collect(),
        "UpdateItem" | "DeleteItem" => of_table(request, "Key").into_iter().collect(),
        "BatchWriteItem" => batched(request),
        "TransactWriteItems" => {
            let actions = request["TransactItems"].as_array().into_iter().flatten();
            actions.filter_map(action).collect()
        }
        _ => Vec::new(),
    }
}

fn action(action: &Value) -> Option<(String, Value)> {
    let kinds = [("Put", "Item"), ("Update", "Key"), ("Delete", "Key")];
    kinds
        .into_iter()
        .find_map(|(kind, member)| of_table(action.get(kind)?, member))
}

fn batched(request: &Value) -> Vec<(String, Value)> {
    let tables = request["RequestItems"].as_object().into_iter().flatten();
    tables
        .flat_map(|(table, writes)| {
            let writes = writes.as_array().into_iter().flatten();
            writes.filter_map(|write| {
                let put = write.pointer("/PutRequest/Item");
                let item = put.or_else(|| write.pointer("/DeleteRequest/Key"))?;
                Some((table.clone(), item.clone()))
            })
        })
        .collect()
}

fn of_table(request: &Value, member: &str) -> Option<(String, Value)> {
    let table = request.get("TableName")?.as_str()?.to_owned();
    Some((table, request.get(member)?.clone()))
}
