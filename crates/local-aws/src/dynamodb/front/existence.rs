//! Updates whose answer depends on whether their item exists.
//!
//! dynoxide creates an item that an update only removes attributes from, and answers ALL_OLD with the key of an item that was created. Here, such an
//! update gets a condition on the item's existence. If that condition fails, the same is asked again for an item that does not exist. Each request is
//! atomic, so the last one, the one that is answered, saw the item as its answer says.

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::expression::{Token, tokens};
use crate::reply::Reply;

/// How often an update is repeated whose item is created and deleted all the while.
pub(in crate::dynamodb) const ATTEMPTS: usize = 8;
const KEY: &str = "#localKey";
const ON_FAILURE: &str = "ReturnValuesOnConditionCheckFailure";

/// What an update is to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dynamodb) enum Item {
    Present,
    Absent,
}

/// An update that depends on the existence of its item.
#[derive(Debug, Clone)]
pub(in crate::dynamodb) struct Dependent {
    update: Map<String, Value>,
    /// It changes nothing if there is no item.
    only_removes: bool,
}

impl Dependent {
    /// Returns the update of a request, alone or in a transaction; `None` if it is the same with and without an item.
    pub(in crate::dynamodb) fn of(update: &Map<String, Value>) -> Option<Self> {
        let only_removes = only_removes(update);
        let needs_old = update
            .get("ReturnValues")
            .is_some_and(|kind| kind == "ALL_OLD");
        // The legacy conditions can't be joined with others.
        let legacy = ["Expected", "ConditionalOperator"];
        let free = !legacy.iter().any(|member| update.contains_key(*member));
        let keyed = update.get("Key")?.as_object()?.keys().next().is_some();
        ((only_removes || needs_old) && free && keyed).then(|| Self {
            update: update.clone(),
            only_removes,
        })
    }

    pub(in crate::dynamodb) fn only_removes(&self) -> bool {
        self.only_removes
    }

    /// The update with the further condition, and with the item in the answer if a condition fails.
    pub(in crate::dynamodb) fn conditional(&self, item: Item) -> Map<String, Value> {
        let mut update = self.update.clone();
        update.insert(ON_FAILURE.into(), json!("ALL_OLD"));
        if item == Item::Absent {
            update.remove("ReturnValues");
        }
        let key = self.update["Key"]
            .as_object()
            .and_then(|key| key.keys().next());
        let key = key.cloned().unwrap_or_default();
        if update.contains_key("AttributeUpdates") {
            let operator = match item {
                Item::Present => "NOT_NULL",
                Item::Absent => "NULL",
            };
            update.insert(
                "Expected".into(),
                json!({ key: { "ComparisonOperator": operator } }),
            );
            return update;
        }
        let exists = match item {
            Item::Present => format!("attribute_exists({KEY})"),
            Item::Absent => format!("attribute_not_exists({KEY})"),
        };
        let condition = match update.get("ConditionExpression").and_then(Value::as_str) {
            Some(condition) if is_group(condition) => format!("{exists} AND {condition}"),
            Some(condition) => format!("{exists} AND ({condition})"),
            None => exists,
        };
        update.insert("ConditionExpression".into(), json!(condition));
        let names = update
            .entry("ExpressionAttributeNames")
            .or_insert_with(|| json!({}));
        if let Value::Object(names) = names {
            names.insert(KEY.into(), json!(key));
        }
        update
    }

    /// The check that there is no item and that the update's own condition holds without one.
    pub(in crate::dynamodb) fn check(&self) -> Map<String, Value> {
        let mut check = self.conditional(Item::Absent);
        let condition = check.get("ConditionExpression").and_then(Value::as_str);
        let condition = condition
            .unwrap_or("attribute_not_exists(#localKey)")
            .to_owned();
        let used = tokens(&condition);
        for member in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
            let Some(Value::Object(held)) = check.get_mut(member) else {
                continue;
            };
            held.retain(|name, _| {
                used.iter().any(
                    |token| matches!(token, Token::Name(used) | Token::Value(used) if used == name),
                )
            });
            if held.is_empty() {
                check.remove(member);
            }
        }
        let members = [
            "TableName",
            "Key",
            "ConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            ON_FAILURE,
        ];
        check.retain(|member, _| members.contains(&member.as_str()));
        check
    }

    /// Whether the request itself asked for the item of a failed condition.
    pub(in crate::dynamodb) fn wants_item(&self) -> bool {
        self.update
            .get(ON_FAILURE)
            .is_some_and(|wish| wish == "ALL_OLD")
    }

    /// The answer to an update that changed nothing.
    pub(in crate::dynamodb) fn unchanged(&self) -> Reply {
        let mut answer = json!({});
        let capacity = self.update.get("ReturnConsumedCapacity");
        if capacity.is_some_and(|wish| wish == "TOTAL" || wish == "INDEXES") {
            answer["ConsumedCapacity"] =
                json!({ "TableName": self.update["TableName"], "CapacityUnits": 1.0 });
        }
        Reply::json(StatusCode::OK, answer.to_string())
    }
}

/// What a failed condition says of the item; `None` if another thing failed, or nothing.
pub(in crate::dynamodb) fn found_by(reply: &Reply) -> Option<Item> {
    if reply.status != StatusCode::BAD_REQUEST {
        return None;
    }
    let answer: Value = serde_json::from_slice(&reply.body).ok()?;
    let failed = answer["__type"]
        .as_str()?
        .ends_with("#ConditionalCheckFailedException");
    failed.then(|| item(&answer))
}

/// What a reason for a cancellation says of the item; `None` if it is none, or another.
pub(in crate::dynamodb) fn found_by_reason(reason: &Value) -> Option<Item> {
    (reason["Code"] == "ConditionalCheckFailed").then(|| item(reason))
}

fn item(holder: &Value) -> Item {
    match holder.get("Item") {
        Some(Value::Object(_)) => Item::Present,
        Some(_) | None => Item::Absent,
    }
}

/// Removes the item from an answer, or from a reason in it.
pub(in crate::dynamodb) fn without_item(mut reply: Reply) -> Reply {
    if let Ok(Value::Object(mut answer)) = serde_json::from_slice(&reply.body)
        && answer.remove("Item").is_some()
    {
        reply.replace_body(Value::Object(answer).to_string());
    }
    reply
}

pub(in crate::dynamodb) fn body(request: &Map<String, Value>) -> Bytes {
    serde_json::to_vec(request)
        .map(Bytes::from)
        .unwrap_or_default()
}

/// Whether all clauses of an update are REMOVE and DELETE, or all legacy actions DELETE.
fn only_removes(update: &Map<String, Value>) -> bool {
    if let Some(expression) = update.get("UpdateExpression").and_then(Value::as_str) {
        let tokens = tokens(expression);
        let has = |clauses: [&str; 2]| {
            let is_one =
                |token: &Token<'_>| matches!(token, Token::Keyword(word) if clauses.contains(word));
            tokens.iter().any(is_one)
        };
        return has(["REMOVE", "DELETE"]) && !has(["SET", "ADD"]);
    }
    let Some(Value::Object(updates)) = update.get("AttributeUpdates") else {
        return false;
    };
    !updates.is_empty() && updates.values().all(|update| update["Action"] == "DELETE")
}

/// Whether a condition is in parentheses as a whole: further ones around it would be refused as redundant.
fn is_group(condition: &str) -> bool {
    let tokens = tokens(condition);
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        if *token == Token::Sign('(') {
            depth += 1;
        } else if *token == Token::Sign(')') {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            return at > 0 && at + 1 == tokens.len();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependent(update: Value) -> Option<Dependent> {
        let mut update = update.as_object().expect("an object").clone();
        update.insert("TableName".into(), json!("T"));
        update.insert("Key".into(), json!({"pk": {"S": "a"}}));
        Dependent::of(&update)
    }

    #[test]
    fn updates_that_only_remove_or_want_the_old_item_depend_on_it() {
        for update in [
            json!({"UpdateExpression": "REMOVE a"}),
            json!({"UpdateExpression": "delete s :s remove b"}),
            json!({"AttributeUpdates": {"a": {"Action": "DELETE"}}}),
            json!({"UpdateExpression": "SET a = :a", "ReturnValues": "ALL_OLD"}),
        ] {
            assert!(dependent(update.clone()).is_some(), "{update}");
        }
        for update in [
            json!({"UpdateExpression": "REMOVE a SET b = :b"}),
            json!({"UpdateExpression": "SET a = :a"}),
            json!({"AttributeUpdates": {"a": {"Action": "DELETE"}, "b": {"Value": {"S": "x"}}}}),
            json!({"AttributeUpdates": {}}),
            json!({}),
        ] {
            assert!(dependent(update.clone()).is_none(), "{update}");
        }
    }

    #[test]
    fn an_own_condition_is_joined_and_never_put_in_parentheses_twice() {
        for (own, expected) in [
            (
                "a = :a OR b = :a",
                "attribute_exists(#localKey) AND (a = :a OR b = :a)",
            ),
            ("(a = :a)", "attribute_exists(#localKey) AND (a = :a)"),
            (
                "(a = :a) OR (b = :a)",
                "attribute_exists(#localKey) AND ((a = :a) OR (b = :a))",
            ),
        ] {
            let update = json!({"UpdateExpression": "REMOVE x", "ConditionExpression": own});
            let update = dependent(update)
                .expect("it only removes")
                .conditional(Item::Present);
            assert_eq!(update["ConditionExpression"], expected);
        }
    }

    #[test]
    fn the_check_has_only_what_its_condition_uses() {
        let update = json!({
            "UpdateExpression": "DELETE #s :gone", "ConditionExpression": "#c = :c", "ReturnValues": "ALL_NEW",
            "ExpressionAttributeNames": {"#s": "s", "#c": "c"}, "ExpressionAttributeValues": {":gone": {"SS": ["x"]}, ":c": {"S": "y"}},
        });
        let check = dependent(update).expect("it only removes").check();
        assert_eq!(
            Value::Object(check),
            json!({
                "TableName": "T", "Key": {"pk": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(#localKey) AND (#c = :c)",
                "ExpressionAttributeNames": {"#localKey": "pk", "#c": "c"}, "ExpressionAttributeValues": {":c": {"S": "y"}},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            })
        );
    }
}
