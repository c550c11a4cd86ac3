//! Client request tokens of TransactWriteItems that outlive the process.
//!
//! dynoxide keeps tokens in memory. Here a transaction with a token gets one more action: a put of the
//! token and a digest of the request into a separate table, on condition that the token is absent. Token
//! and transaction are committed together or not at all, whenever the process dies.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::ledger::{Ledger, LedgerError};
use crate::reply::{Reply, fault};

/// The table of tokens. Its name sorts behind others, so it hardly affects paginated listings.
pub(super) const TABLE: &str = "zzz.local-aws.request-tokens";
/// The maximum of actions of a transaction; a transaction of this size has no room for the token.
const MAX_ACTIONS: usize = 100;
const MAX_TOKEN_LENGTH: usize = 36;
/// The number of expired tokens removed in one transaction, so that writes of clients don't wait long.
const PURGE_BATCH: usize = 1_000;

const CANCELED: &str = "#TransactionCanceledException";
const MISMATCH: &str = "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException";

/// Digests the actions of a request, independent of the order of members in their JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    digest: String,
}

/// The request that creates the table of tokens.
pub(super) fn table_definition() -> Value {
    json!({
        "TableName": TABLE,
        "AttributeDefinitions": [{ "AttributeName": "RequestToken", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "RequestToken", "KeyType": "HASH" }],
        "BillingMode": "PAY_PER_REQUEST",
    })
}

/// Returns the time since 1970, the unit of expiry times.
pub(super) fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Returns the digest of a request's actions, if it has a token.
pub(super) fn digest_of(request: &Map<String, Value>) -> Option<String> {
    request.get("ClientRequestToken")?;
    Some(digest(request.get("TransactItems")?.as_array()?))
}

/// Adds the put of the request's token, with the digest of the actions that were asked for; `None` for a request that is forwarded unchanged.
pub(super) fn claim(
    mut request: Map<String, Value>,
    digest: String,
    now: Duration,
    life: Duration,
) -> Option<(Bytes, Claim)> {
    let token = request.get("ClientRequestToken")?.as_str()?.to_owned();
    let actions = request.get_mut("TransactItems")?.as_array_mut()?;
    if token.is_empty() || token.len() > MAX_TOKEN_LENGTH {
        return None;
    }
    if actions.is_empty() || actions.len() >= MAX_ACTIONS {
        return None;
    }
    let expires = now.saturating_add(life).as_secs_f64();
    actions.push(json!({ "Put": {
        "TableName": TABLE,
        "Item": {
            "RequestToken": { "S": token },
            "RequestDigest": { "S": digest },
            "ExpiresAt": { "N": format!("{expires:.3}") },
        },
        "ConditionExpression": "attribute_not_exists(#token) OR #expires <= :now",
        "ExpressionAttributeNames": { "#token": "RequestToken", "#expires": "ExpiresAt" },
        "ExpressionAttributeValues": { ":now": { "N": format!("{:.3}", now.as_secs_f64()) } },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }}));
    request.remove("ClientRequestToken");
    let body = serde_json::to_vec(&request).ok()?;
    Some((body.into(), Claim { digest }))
}

/// Removes the added action from the response, or answers for the token if an earlier request has used it.
pub(super) fn settle(mut reply: Reply, claim: &Claim) -> Reply {
    let answer = if reply.body.as_ref() == b"{}" {
        None
    } else {
        serde_json::from_slice::<Value>(&reply.body).ok()
    };
    let Some(mut answer) = answer else {
        return reply;
    };
    if reply.status == StatusCode::OK {
        let Some(Value::Array(capacity)) = answer.get_mut("ConsumedCapacity") else {
            return reply;
        };
        capacity.retain(|of_table| of_table["TableName"] != TABLE);
    } else {
        let kind = answer["__type"].as_str().unwrap_or_default();
        if !kind.ends_with(CANCELED) {
            return reply;
        }
        let reasons = answer
            .get_mut("CancellationReasons")
            .and_then(Value::as_array_mut);
        let Some(ours) = reasons.and_then(Vec::pop) else {
            return reply;
        };
        if ours["Code"] == "ConditionalCheckFailed" {
            return answer_of_token(&ours, claim);
        }
        shorten_message(&mut answer);
    }
    reply.replace_body(answer.to_string());
    reply
}

/// The token was used before: the same request gets success again, another request a mismatch.
fn answer_of_token(reason: &Value, claim: &Claim) -> Reply {
    if reason["Item"]["RequestDigest"]["S"] == claim.digest.as_str() {
        return Reply::json(StatusCode::OK, "{}");
    }
    let message =
        "The client request token was used for another request within the last ten minutes";
    fault(StatusCode::BAD_REQUEST, MISMATCH, message)
}

/// The message lists a code for each action; the added action, the last one, passed its check.
fn shorten_message(answer: &mut Value) {
    for name in ["Message", "message"] {
        let Some(Value::String(message)) = answer.get_mut(name) else {
            continue;
        };
        if let Some(others) = message.strip_suffix(", None]") {
            *message = format!("{others}]");
        }
    }
}

/// Removes the tokens that expired before `now`.
pub(super) fn purge(ledger: &Ledger, now: Duration) -> Result<(), LedgerError> {
    let sql = format!(
        "DELETE FROM \"{TABLE}\" WHERE CAST(json_extract(item_json, '$.ExpiresAt.N') AS REAL) < ?1 \
         AND rowid IN (SELECT rowid FROM \"{TABLE}\" ORDER BY rowid LIMIT {PURGE_BATCH})"
    );
    let batch =
        || ledger.write(|ledger| Ok::<_, LedgerError>(ledger.execute(&sql, [now.as_secs_f64()])?));
    while batch()? > 0 {}
    Ok(())
}

fn digest(actions: &[Value]) -> String {
    let mut hasher = Sha256::new();
    actions
        .iter()
        .for_each(|action| absorb(action, &mut hasher));
    let bytes: [u8; 32] = hasher.finalize().into();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Digests a value unambiguously, with members in the order of their names.
fn absorb(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            hasher.update(b"{");
            for name in names {
                absorb_text(name, hasher);
                absorb(&members[name], hasher);
            }
            hasher.update(b"}");
        }
        Value::Array(values) => {
            hasher.update(b"[");
            values.iter().for_each(|value| absorb(value, hasher));
            hasher.update(b"]");
        }
        Value::String(text) => absorb_text(text, hasher),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            hasher.update(value.to_string());
            hasher.update(b";");
        }
    }
}

fn absorb_text(text: &str, hasher: &mut Sha256) {
    hasher.update(format!("\"{}:", text.len()));
    hasher.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_790_000_000);
    const LIFE: Duration = Duration::from_secs(600);

    fn claimed(body: &str) -> Option<(Value, Claim)> {
        let request: Map<String, Value> = serde_json::from_str(body).ok()?;
        let digest = digest_of(&request)?;
        let (body, claim) = claim(request, digest, NOW, LIFE)?;
        Some((serde_json::from_slice(&body).expect("it is JSON"), claim))
    }

    fn request(token: &str, actions: &str) -> String {
        format!(r#"{{"ClientRequestToken":"{token}","TransactItems":[{actions}]}}"#)
    }

    #[test]
    fn a_claim_is_the_last_action_and_takes_the_token_s_place() {
        let (body, claim) =
            claimed(&request("t", r#"{"Put":{"TableName":"A"}}"#)).expect("it is claimed");
        let actions = body["TransactItems"].as_array().expect("a list");
        assert_eq!(actions.len(), 2);
        assert_eq!(actions[0], json!({ "Put": { "TableName": "A" } }));
        assert_eq!(actions[1]["Put"]["Item"]["RequestToken"]["S"], "t");
        assert_eq!(
            actions[1]["Put"]["Item"]["RequestDigest"]["S"],
            claim.digest.as_str()
        );
        assert_eq!(
            actions[1]["Put"]["Item"]["ExpiresAt"]["N"],
            "1790000600.000"
        );
        assert!(body.get("ClientRequestToken").is_none());
    }

    #[test]
    fn the_order_of_members_does_not_matter_and_their_content_does() {
        let digest = |actions: &str| claimed(&request("t", actions)).expect("it is claimed").1;
        let one = digest(r#"{"Put":{"Item":{"A":{"S":"1"},"B":{"S":"2"}}}}"#);
        let turned = digest(r#"{"Put":{"Item":{"B":{"S":"2"},"A":{"S":"1"}}}}"#);
        let other = digest(r#"{"Put":{"Item":{"A":{"S":"2"},"B":{"S":"1"}}}}"#);
        assert_eq!(one, turned);
        assert_ne!(one, other);
    }

    #[test]
    fn a_request_that_is_none_of_ours_goes_on_as_it_is() {
        let full = vec!["{}"; MAX_ACTIONS].join(",");
        for body in [
            "not json".to_owned(),
            r#"{"TransactItems":[{}]}"#.to_owned(),
            request("", "{}"),
            request(&"x".repeat(37), "{}"),
            request("t", ""),
            request("t", &full),
        ] {
            assert_eq!(claimed(&body), None, "{body}");
        }
    }

    #[test]
    fn a_cancellation_loses_our_reason() {
        let (_, claim) = claimed(&request("t", "{}")).expect("it is claimed");
        let body = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "reasons [ConditionalCheckFailed, None]",
            "CancellationReasons": [{ "Code": "ConditionalCheckFailed" }, { "Code": "None" }],
        });
        let reply = Reply::json(StatusCode::BAD_REQUEST, body.to_string());

        let settled = settle(reply, &claim);

        let body: Value = serde_json::from_slice(&settled.body).expect("it is JSON");
        assert_eq!(body["Message"], "reasons [ConditionalCheckFailed]");
        assert_eq!(
            body["CancellationReasons"],
            json!([{ "Code": "ConditionalCheckFailed" }])
        );
    }
}
