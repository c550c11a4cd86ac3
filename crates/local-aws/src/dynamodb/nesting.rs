//! Expressions and statements that are nested so deeply that dynoxide's parsers, which recurse, would end the process.

use axum::http::StatusCode;
use serde_json::Value;

use crate::reply::{Reply, fault};

/// The most operators and functions of an expression (Amazon DynamoDB, "Quotas": 300), and so the most levels that can mean something.
const MOST: usize = 300;

/// The operations whose statements are PartiQL.
pub(super) const STATEMENTS: [&str; 3] = [
    "BatchExecuteStatement",
    "ExecuteStatement",
    "ExecuteTransaction",
];

/// Returns the refusal of a request with an expression that could nest more than [`MOST`] levels deep; `None` forwards the request.
pub(super) fn refusal(operation: &str, body: &[u8]) -> Option<Reply> {
    if !STATEMENTS.contains(&operation) && levels_at_most(body) <= MOST {
        return None;
    }
    // What can't be parsed is refused behind this.
    let request: Value = serde_json::from_slice(body).ok()?;
    let name = too_deep(&request)?;
    let message =
        format!("Invalid {name}: the expression has more than {MOST} levels or operators");
    Some(fault(
        StatusCode::BAD_REQUEST,
        "com.amazon.coral.validate#ValidationException",
        &message,
    ))
}

/// An upper bound for the levels of all expressions of a body, in one pass over its bytes. An escape may be any character.
fn levels_at_most(body: &[u8]) -> usize {
    let openers = body.iter().filter(|b| matches!(b, b'(' | b'\\')).count();
    openers + nots(body)
}

/// How often `NOT` stands there, in any case.
fn nots(text: &[u8]) -> usize {
    text.windows(3)
        .filter(|word| word.eq_ignore_ascii_case(b"not"))
        .count()
}

/// Returns the name of an expression that is too deep, if there is one.
fn too_deep(value: &Value) -> Option<&str> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let text = value.as_str().filter(|_| is_expression(name));
            match text {
                Some(text) => (levels(name, text.as_bytes()) > MOST).then_some(name.as_str()),
                None => too_deep(value),
            }
        }),
        Value::Array(items) => items.iter().find_map(too_deep),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn is_expression(name: &str) -> bool {
    name.ends_with("Expression") || name == "Statement"
}

/// How many levels a text has at most. A statement has literal lists, sets and maps too.
fn levels(name: &str, text: &[u8]) -> usize {
    let opens = |b: &&u8| match b {
        b'(' => true,
        b'[' | b'{' | b'<' | b'-' | b'+' => name == "Statement",
        _ => false,
    };
    text.iter().filter(opens).count() + nots(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_refused(operation: &str, request: &Value) -> bool {
        refusal(operation, request.to_string().as_bytes()).is_some()
    }

    #[test]
    fn what_can_end_the_process_is_refused_wherever_it_stands() {
        for text in [
            "(".repeat(2_000),
            "NOT ".repeat(1_000),
            "not(".repeat(1_000),
        ] {
            for request in [
                json!({"FilterExpression": text}),
                json!({"TransactItems": [{"Put": {"ConditionExpression": text}}]}),
            ] {
                assert!(is_refused("Scan", &request));
            }
        }
        let escaped = format!(r#"{{"UpdateExpression": "{}"}}"#, r"\u0028".repeat(2_000));
        assert!(refusal("UpdateItem", escaped.as_bytes()).is_some());
        for opener in ["(", "[", "{'a':", "<<", "not "] {
            let statement = json!({"Statements": [{"Statement": opener.repeat(500)}]});
            assert!(is_refused("BatchExecuteStatement", &statement), "{opener}");
        }
    }

    #[test]
    fn what_is_data_is_no_expression() {
        let text = "(not) ".repeat(2_000);
        assert!(!is_refused(
            "PutItem",
            &json!({"Item": {"Text": {"S": text}}})
        ));
        let expression =
            json!({"ConditionExpression": "(".repeat(100) + "a = :a" + &")".repeat(100)});
        assert!(!is_refused("PutItem", &expression));
    }
}
