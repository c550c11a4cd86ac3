//! Keys that DynamoDB refuses and dynoxide accepts: empty ones in a query, and those of an index that are too large.

use rusqlite::OptionalExtension;
use serde_json::{Map, Value};

use super::expression::{Token, tokens, typed};
use crate::ledger::{Ledger, LedgerError};

/// The largest partition key and sort key, in bytes.
const LARGEST_HASH: usize = 2_048;
pub(super) const LARGEST_RANGE: usize = 1_024;

/// Returns the refusal of a query for an empty key.
pub(super) fn empty(request: &Map<String, Value>) -> Option<String> {
    let empty = compared(request).or_else(|| legacy(request))?;
    let place = match request.get("IndexName").and_then(Value::as_str) {
        Some(index) => format!("IndexName: {index}, IndexKey: {empty}"),
        None => format!("Key: {empty}"),
    };
    Some(format!(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. {place}"
    ))
}

/// The attribute that a key condition compares with an empty value.
fn compared(request: &Map<String, Value>) -> Option<String> {
    let condition = request.get("KeyConditionExpression")?.as_str()?;
    let values = request.get("ExpressionAttributeValues")?.as_object()?;
    let names = request.get("ExpressionAttributeNames");
    let mut name = "";
    for token in tokens(condition) {
        match token {
            Token::Word(word) | Token::Name(word) => name = word,
            Token::Value(value) if values.get(value).is_some_and(is_empty) => {
                let resolved = names.and_then(|names| names.get(name)?.as_str());
                return Some(resolved.unwrap_or(name).to_owned());
            }
            Token::Keyword(_)
            | Token::Value(_)
            | Token::Number(_)
            | Token::Comparator(_)
            | Token::Sign(_) => {}
        }
    }
    None
}

fn legacy(request: &Map<String, Value>) -> Option<String> {
    let conditions = request.get("KeyConditions")?.as_object()?;
    conditions.iter().find_map(|(name, condition)| {
        let values = condition.get("AttributeValueList")?.as_array()?;
        values.iter().any(is_empty).then(|| name.clone())
    })
}

fn is_empty(value: &Value) -> bool {
    typed(value).is_some_and(|(kind, held)| matches!(kind, "S" | "B") && held == "")
}

/// A key attribute of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
struct IndexKey {
    index: String,
    attribute: String,
    largest: usize,
}

/// Returns the refusal of a write whose item would have an index key that is too large.
pub(super) fn oversized(
    ledger: &Ledger,
    operation: &str,
    request: &Map<String, Value>,
) -> Option<String> {
    writes(operation, request)
        .into_iter()
        .find_map(|(table, write)| {
            let large = large_attributes(write);
            if large.is_empty() {
                return None;
            }
            let keys = index_keys(ledger, table).ok()?;
            let (key, _) = keys.iter().find_map(|key| {
                let large = large
                    .iter()
                    .find(|(name, size)| *name == key.attribute && *size > key.largest);
                Some((key, large?))
            })?;
            let what = if key.largest == LARGEST_HASH {
                "Size of hashkey has exceeded the maximum size limit of2048 bytes"
            } else {
                "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
            };
            Some(format!(
                "One or more parameter values were invalid: {what} IndexName: {}, IndexKey: {}",
                key.index, key.attribute
            ))
        })
}

/// The tables and puts or updates of a request.
fn writes<'a>(
    operation: &str,
    request: &'a Map<String, Value>,
) -> Vec<(&'a str, &'a Map<String, Value>)> {
    let named = |write: &'a Value| Some((write.get("TableName")?.as_str()?, write.as_object()?));
    match operation {
        "PutItem" | "UpdateItem" => {
            let table = request.get("TableName").and_then(Value::as_str);
            table.map(|table| (table, request)).into_iter().collect()
        }
        "TransactWriteItems" => {
            let actions = request
                .get("TransactItems")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let writes =
                actions.filter_map(|action| action.get("Put").or_else(|| action.get("Update")));
            writes.filter_map(named).collect()
        }
        "BatchWriteItem" => {
            let tables = request
                .get("RequestItems")
                .and_then(Value::as_object)
                .into_iter()
                .flatten();
            let puts = tables.flat_map(|(table, writes)| {
                let writes = writes.as_array().into_iter().flatten();
                writes.filter_map(move |write| {
                    Some((table.as_str(), write.get("PutRequest")?.as_object()?))
                })
            });
            puts.collect()
        }
        _ => Vec::new(),
    }
}

/// The attributes at the top of an item that this write sets and that no sort key could hold, with their sizes.
fn large_attributes(write: &Map<String, Value>) -> Vec<(String, usize)> {
    let sized = |name: &str, value: &Value| {
        let (kind, held) = typed(value)?;
        let held = held.as_str()?;
        let size = match kind {
            "S" => held.len(),
            "B" => held.trim_end_matches('=').len() * 3 / 4,
            _ => 0,
        };
        (size > LARGEST_RANGE).then(|| (name.to_owned(), size))
    };
    let item = write
        .get("Item")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let put = item.filter_map(|(name, value)| sized(name, value));
    let updates = write
        .get("AttributeUpdates")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let updates = updates.filter_map(|(name, update)| sized(name, update.get("Value")?));
    put.chain(updates).chain(set(write, sized)).collect()
}

/// What the assignments of an update set to a value of the request.
fn set(
    write: &Map<String, Value>,
    sized: impl Fn(&str, &Value) -> Option<(String, usize)>,
) -> Vec<(String, usize)> {
    let (Some(update), Some(values)) = (
        write.get("UpdateExpression").and_then(Value::as_str),
        write
            .get("ExpressionAttributeValues")
            .and_then(Value::as_object),
    ) else {
        return Vec::new();
    };
    let names = write.get("ExpressionAttributeNames");
    let tokens = tokens(update);
    let assigned = tokens.windows(3).enumerate().filter_map(|(at, three)| {
        let [
            Token::Word(name) | Token::Name(name),
            Token::Comparator("="),
            Token::Value(value),
        ] = three
        else {
            return None;
        };
        // The end of a path is no attribute of the item itself.
        let nested = at > 0 && tokens[at - 1] == Token::Sign('.');
        let resolved = names.and_then(|names| names.get(*name)?.as_str());
        sized(resolved.unwrap_or(name), values.get(*value)?).filter(|_| !nested)
    });
    assigned.collect()
}

/// The key attributes of one index of a table.
pub(in crate::dynamodb) fn keys_of_index(ledger: &Ledger, table: &str, index: &str) -> Vec<String> {
    let keys = index_keys(ledger, table).unwrap_or_default();
    let keys = keys.into_iter().filter(|key| key.index == index);
    keys.map(|key| key.attribute).collect()
}

fn index_keys(ledger: &Ledger, table: &str) -> Result<Vec<IndexKey>, LedgerError> {
    let definitions = ledger.read(|ledger| {
        let found = ledger
            .prepare_cached(
                "SELECT gsi_definitions, lsi_definitions FROM _tables WHERE table_name = ?1",
            )?
            .query_row([table], |row| {
                Ok([
                    row.get::<_, Option<String>>(0)?,
                    row.get::<_, Option<String>>(1)?,
                ])
            })
            .optional()?;
        Ok::<_, LedgerError>(found.into_iter().flatten().flatten().collect::<Vec<_>>())
    })?;
    let keys = definitions.iter().flat_map(|json| keys_of(json));
    Ok(keys.collect())
}

/// The keys of the indexes that dynoxide stores as JSON in the format of the API.
fn keys_of(definitions: &str) -> Vec<IndexKey> {
    let Ok(Value::Array(indexes)) = serde_json::from_str(definitions) else {
        return Vec::new();
    };
    let keys = indexes.iter().flat_map(|index| {
        let schema = index["KeySchema"].as_array().into_iter().flatten();
        schema.filter_map(|key| {
            Some(IndexKey {
                index: index["IndexName"].as_str()?.to_owned(),
                attribute: key["AttributeName"].as_str()?.to_owned(),
                largest: if key["KeyType"] == "HASH" {
                    LARGEST_HASH
                } else {
                    LARGEST_RANGE
                },
            })
        })
    });
    keys.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of_query(request: &Value) -> Option<String> {
        empty(request.as_object().expect("an object"))
    }

    #[test]
    fn a_query_for_an_empty_key_names_the_key() {
        let empty = json!({":p": {"S": ""}, ":x": {"S": "x"}, ":b": {"B": ""}});
        for (condition, named) in [
            ("pk = :p", "Key: pk"),
            ("pk = :x AND #s = :p", "Key: sk"),
            ("pk = :x AND begins_with(sk, :b)", "Key: sk"),
            ("pk = :x and sk between :p and :x", "Key: sk"),
        ] {
            let request = json!({"KeyConditionExpression": condition, "ExpressionAttributeValues": empty, "ExpressionAttributeNames": {"#s": "sk"}});
            let told = of_query(&request).expect(condition);
            assert!(told.ends_with(named), "{condition}: {told}");
        }
        let index = json!({"IndexName": "gix", "KeyConditionExpression": "g = :p", "ExpressionAttributeValues": empty});
        assert!(
            of_query(&index)
                .expect("refused")
                .ends_with("IndexName: gix, IndexKey: g")
        );
        let legacy = json!({"KeyConditions": {"pk": {"AttributeValueList": [{"S": ""}], "ComparisonOperator": "EQ"}}});
        assert!(of_query(&legacy).is_some());
        let full = json!({"KeyConditionExpression": "pk = :x", "FilterExpression": "a = :p", "ExpressionAttributeValues": empty});
        assert_eq!(of_query(&full), None);
    }

    #[test]
    fn a_write_s_large_attributes_are_found_wherever_it_sets_them() {
        let long = "x".repeat(1_500);
        let binary = "A".repeat(2_000);
        for write in [
            json!({"Item": {"g": {"S": long}, "h": {"S": "short"}}}),
            json!({"AttributeUpdates": {"g": {"Value": {"B": binary}}}}),
            json!({"UpdateExpression": "SET h = :h, #g = :g REMOVE i", "ExpressionAttributeNames": {"#g": "g"},
                "ExpressionAttributeValues": {":g": {"S": long}, ":h": {"S": "short"}}}),
        ] {
            let found = large_attributes(write.as_object().expect("an object"));
            assert_eq!(found, [("g".to_owned(), 1_500)], "{write}");
        }
        let nested = json!({"UpdateExpression": "SET a.g = :g", "ExpressionAttributeValues": {":g": {"S": long}}});
        assert!(large_attributes(nested.as_object().expect("an object")).is_empty());
    }
}
