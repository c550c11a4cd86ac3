//! What is known of a table beside dynoxide: its keys, its stream and the images of its items.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Occasion, Tables, dispatch};
use crate::aws::ApiReply;

/// A table and its items by the JSON of their keys.
#[derive(Debug)]
pub(super) struct Table {
    key_names: Vec<String>,
    key_schema: Value,
    created: u64,
    pub(super) entries: BTreeMap<String, Entry>,
}

/// An item as it is and as it was before the last write, in DynamoDB's JSON.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub(super) image: Option<Arc<Value>>,
    pub(super) before: Option<Arc<Value>>,
    pub(super) changed: u64,
}

impl Table {
    fn new(request: &Value, now: u64) -> Self {
        let elements = request["KeySchema"].as_array();
        let names = elements.into_iter().flatten();
        Self {
            key_names: names
                .filter_map(|element| element["AttributeName"].as_str().map(str::to_owned))
                .collect(),
            key_schema: request["KeySchema"].clone(),
            created: now,
            entries: BTreeMap::new(),
        }
    }

    pub(super) fn items(&self) -> Vec<Arc<Value>> {
        let images = self.entries.values().map(|entry| &entry.image);
        images.flatten().cloned().collect()
    }

    /// The key attributes of an item or a key.
    pub(super) fn key(&self, item: &Value) -> Value {
        let attribute = |name: &String| (name.clone(), item[name].clone());
        Value::Object(Map::from_iter(self.key_names.iter().map(attribute)))
    }
}

impl Tables {
    /// Makes, changes, drops or describes a table; its stream is kept here.
    pub(super) fn administer(
        &mut self,
        operation: &str,
        mut request: Value,
        occasion: &mut Occasion<'_>,
    ) -> Result<Value, ApiReply> {
        let name = request["TableName"].as_str().unwrap_or_default().to_owned();
        let stream = take(&mut request, "StreamSpecification");
        let schema = request.clone();
        let nothing_else = operation == "UpdateTable"
            && request
                .as_object()
                .is_some_and(|request| request.len() == 1);
        let carried_out = if nothing_else {
            "DescribeTable"
        } else {
            operation
        };
        if let Some(stream) = stream.as_ref().filter(|_| operation == "UpdateTable") {
            occasion.streams.check_switch(&name, stream)?;
        }
        let mut answer = dispatch::dispatch(&self.database, carried_out, request)?;
        match operation {
            "CreateTable" => {
                let table = Table::new(&schema, occasion.now);
                self.tables.insert(name.clone(), table);
            }
            "DeleteTable" => occasion.streams.close(&name, occasion.now),
            _ => {}
        }
        if let (Some(table), Some(stream)) = (self.tables.get(&name), stream) {
            let (schema, now) = (&table.key_schema, occasion.now);
            occasion
                .streams
                .switch(&name, schema, &stream, occasion.adversary, now);
        }
        let shape = if operation == "DescribeTable" {
            "Table"
        } else {
            "TableDescription"
        };
        let mut description = take(&mut answer, "Table")
            .or_else(|| take(&mut answer, "TableDescription"))
            .expect("each of these operations answers with a table");
        self.describe(&name, &mut description, occasion);
        if operation == "DeleteTable" {
            self.tables.remove(&name);
        }
        Ok(json!({ shape: description }))
    }

    /// Puts the stream in, and puts right what dynoxide takes from the real clock and from real dice.
    fn describe(&self, name: &str, description: &mut Value, occasion: &Occasion<'_>) {
        let Some(description) = description.as_object_mut() else {
            return;
        };
        description.remove("TableId");
        if let Some(table) = self.tables.get(name) {
            let seconds = table.created / 1_000;
            description.insert("CreationDateTime".into(), seconds.into());
        }
        if let Some((arn, label, view_type)) = occasion.streams.latest(name) {
            description.insert("LatestStreamArn".into(), arn.into());
            description.insert("LatestStreamLabel".into(), label.into());
            let specification = json!({ "StreamEnabled": true, "StreamViewType": view_type });
            description.insert("StreamSpecification".into(), specification);
        }
    }
}

fn take(value: &mut Value, member: &str) -> Option<Value> {
    value.as_object_mut()?.remove(member)
}
