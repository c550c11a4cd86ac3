//! Batches of which not all is done.

use serde_json::{Map, Value, json};

use super::Pressure;
use crate::reply::Reply;

/// One in so many batches is not done as a whole.
const PARTLY_ONE_IN: u64 = 5;

/// What is left of a batch: the member that says so, the table, and the entry.
#[derive(Debug)]
pub(in crate::dynamodb) struct Left {
    member: &'static str,
    table: String,
    entry: Value,
}

impl Pressure {
    /// Takes an entry off a batch of several, every few times.
    pub(in crate::dynamodb) fn take_off(
        &self,
        operation: &str,
        request: &mut Map<String, Value>,
    ) -> Option<Left> {
        let member = match operation {
            "BatchWriteItem" => "UnprocessedItems",
            "BatchGetItem" => "UnprocessedKeys",
            _ => return None,
        };
        if !self.draw().is_multiple_of(PARTLY_ONE_IN) {
            return None;
        }
        let tables = request.get_mut("RequestItems")?.as_object_mut()?;
        let (table, entries) = tables.iter_mut().next()?;
        let mut entry = entries.clone();
        let reads = member == "UnprocessedKeys";
        let list = if reads {
            entries.get_mut("Keys")?
        } else {
            entries
        };
        let list = list.as_array_mut().filter(|list| list.len() > 1)?;
        let last = json!([list.pop()?]);
        if reads {
            entry["Keys"] = last;
        } else {
            entry = last;
        }
        Some(Left {
            member,
            table: table.clone(),
            entry,
        })
    }
}

impl Left {
    /// Tells in the answer what is left.
    pub(in crate::dynamodb) fn tell(self, mut reply: Reply) -> Reply {
        if let Ok(Value::Object(mut answer)) = serde_json::from_slice(&reply.body)
            && reply.status.is_success()
        {
            answer.insert(self.member.into(), json!({ self.table: self.entry }));
            reply.replace_body(Value::Object(answer).to_string());
        }
        reply
    }
}
