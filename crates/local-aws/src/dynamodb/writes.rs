//! Updates and transactions that are asked more than once because their answer depends on whether an item exists.

use axum::body::Bytes;
use serde_json::{Map, Value, json};

use super::front::existence::{
    ATTEMPTS, Dependent, Item, body, found_by, found_by_reason, without_item,
};
use super::{DynamoDb, tokens};
use crate::reply::Reply;

impl DynamoDb {
    /// Carries out an update that changes nothing if there is no item, or that answers with the item as it was.
    pub(super) async fn update(&self, asked: &Bytes, update: &Dependent) -> Reply {
        let own = |reply| {
            if update.wants_item() {
                reply
            } else {
                without_item(reply)
            }
        };
        for _ in 0..ATTEMPTS {
            let present = body(&update.conditional(Item::Present));
            let reply = self.forward("UpdateItem", present).await;
            match found_by(&reply) {
                None => return reply,
                Some(Item::Present) => return own(reply),
                Some(Item::Absent) => {}
            }
            let reply = if update.only_removes() {
                self.check(update).await
            } else {
                self.forward("UpdateItem", body(&update.conditional(Item::Absent)))
                    .await
            };
            match found_by(&reply) {
                Some(Item::Present) => {}
                None | Some(Item::Absent) => return reply,
            }
        }
        self.forward("UpdateItem", asked.clone()).await
    }

    /// Answers for an update that changes nothing if there is no item and its own condition holds.
    async fn check(&self, update: &Dependent) -> Reply {
        let check = update.check();
        if !check.contains_key("ConditionExpression") {
            return update.unchanged();
        }
        let request = json!({ "TransactItems": [{ "ConditionCheck": check }] });
        let reply = self
            .forward("TransactWriteItems", Bytes::from(request.to_string()))
            .await;
        match reasons(&reply).as_slice() {
            [] if reply.status.is_success() => update.unchanged(),
            [reason] => match found_by_reason(reason) {
                Some(_) => conditional_check_failed(reason),
                None => reply,
            },
            [..] => reply,
        }
    }

    /// Carries out a transaction. Its updates that only remove become checks if their items do not exist.
    pub(super) async fn transact(&self, asked: Bytes, request: Map<String, Value>) -> Reply {
        let Some(Value::Array(actions)) = request.get("TransactItems") else {
            return self.forward("TransactWriteItems", asked).await;
        };
        let mut updates: Vec<(usize, Dependent, Item)> = Vec::new();
        for (number, action) in actions.iter().enumerate() {
            let update = action.get("Update").and_then(Value::as_object);
            let update = update
                .and_then(Dependent::of)
                .filter(Dependent::only_removes);
            updates.extend(update.map(|update| (number, update, Item::Present)));
        }
        if updates.is_empty() {
            let digest = tokens::digest_of(&request);
            return self.claimed(asked, request, digest).await;
        }
        let digest = tokens::digest_of(&request);
        let mut reply = None;
        for _ in 0..ATTEMPTS {
            let tried = variant(&request, &updates);
            let given = self.claimed(body(&tried), tried, digest.clone()).await;
            let found = reasons(&given);
            let mut changed = false;
            for (number, _, item) in &mut updates {
                let seen = found.get(*number).and_then(found_by_reason);
                if let Some(seen) = seen.filter(|seen| seen != item) {
                    *item = seen;
                    changed = true;
                }
            }
            if !changed {
                return without_items(given, &updates);
            }
            reply = Some(given);
        }
        match reply {
            Some(reply) => reply,
            None => self.forward("TransactWriteItems", asked).await,
        }
    }

    /// Forwards a transaction with its request token.
    async fn claimed(
        &self,
        plain: Bytes,
        request: Map<String, Value>,
        digest: Option<String>,
    ) -> Reply {
        let (now, life) = (tokens::since_epoch(), self.pace.token_life);
        match digest.and_then(|digest| tokens::claim(request, digest, now, life)) {
            Some((body, claim)) => {
                tokens::settle(self.forward("TransactWriteItems", body).await, &claim)
            }
            None => self.forward("TransactWriteItems", plain).await,
        }
    }
}

fn variant(
    request: &Map<String, Value>,
    updates: &[(usize, Dependent, Item)],
) -> Map<String, Value> {
    let mut tried = request.clone();
    if let Some(Value::Array(actions)) = tried.get_mut("TransactItems") {
        for (number, update, item) in updates {
            actions[*number] = match item {
                Item::Present => json!({ "Update": update.conditional(Item::Present) }),
                Item::Absent => json!({ "ConditionCheck": update.check() }),
            };
        }
    }
    tried
}

/// The reasons of a canceled transaction; none for any other answer.
fn reasons(reply: &Reply) -> Vec<Value> {
    if reply.status.is_success() {
        return Vec::new();
    }
    let answer = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
    let reasons = answer["CancellationReasons"].as_array();
    reasons.cloned().unwrap_or_default()
}

fn without_items(mut reply: Reply, updates: &[(usize, Dependent, Item)]) -> Reply {
    let Ok(mut answer) = serde_json::from_slice::<Value>(&reply.body) else {
        return reply;
    };
    let mut changed = false;
    for (number, update, _) in updates {
        let reason = answer.pointer_mut(&format!("/CancellationReasons/{number}"));
        let reason = reason.and_then(Value::as_object_mut);
        if let Some(reason) = reason.filter(|_| !update.wants_item()) {
            changed |= reason.remove("Item").is_some();
        }
    }
    if changed {
        reply.replace_body(answer.to_string());
    }
    reply
}

fn conditional_check_failed(reason: &Value) -> Reply {
    let mut answer = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
    });
    if let Some(item) = reason.get("Item") {
        answer["Item"] = item.clone();
    }
    Reply::json(axum::http::StatusCode::BAD_REQUEST, answer.to_string())
}
