//! What is refused or answered otherwise in front of dynoxide, and why.
//!
//! | what | where | why |
//! |---|---|---|
//! | expressions of more than 300 levels | `nesting` | dynoxide's parsers recurse and would end the process |
//! | function names in another case, names with `_` at their start, more than 300 operators, `IN` of more than 100, operands of wrong types, bounds of `BETWEEN` that are mixed or reversed, types that `attribute_type` does not know, empty expression maps in transactions | [`expression`] | dynoxide accepts them |
//! | empty keys in a query; keys of an index that are too large | [`keys`] | dynoxide finds nothing; dynoxide stores them |
//! | view types that do not exist, tables without throughput and billing mode | [`settings`] | dynoxide accepts them |
//! | a stream or a time to live that is switched to where it is, or by another attribute's name | `refusal` | dynoxide gives the stream another ARN; dynoxide accepts it |
//! | a table that is not active yet | `creating` | dynoxide serves it at once |
//! | updates that only remove, of an absent item; ALL_OLD of an item that was created | [`existence`] | dynoxide creates the item; dynoxide answers with its key |
//! | UPDATED_OLD and UPDATED_NEW of a list's element; the projection of TransactGetItems | [`path`], here | dynoxide answers with the whole attribute, and with the key |
//! | scans in the order of the keys | here | dynoxide scans so unless a scan is parallel |
//! | tables named by ARN; KeyConditions beside expressions | [`names`] | dynoxide finds no table; dynoxide refuses them |
//! | ARNs | `place` | dynoxide has one region and one account |
//! | request tokens, listings | `tokens`, `tables` | dynoxide forgets tokens at its end |
//! | DescribeEndpoints, DescribeLimits, DescribeContinuousBackups | `fixed` | dynoxide does not know them |

pub(super) mod existence;
mod expression;
mod keys;
mod names;
mod path;
mod settings;

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::ledger::Ledger;
use crate::place::Place;
use crate::reply::{Reply, fault};

pub(super) use keys::keys_of_index;

/// The parameters of a request that are expressions.
const EXPRESSIONS: [&str; 5] = [
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
];
const WRITES: [&str; 4] = [
    "BatchWriteItem",
    "PutItem",
    "TransactWriteItems",
    "UpdateItem",
];

/// The error of a request that is not valid.
pub(super) fn invalid(message: &str) -> Reply {
    let code = "com.amazon.coral.validate#ValidationException";
    fault(StatusCode::BAD_REQUEST, code, message)
}

/// Reads a request whose content matters in front of dynoxide; `None` for others, and for those that dynoxide refuses as unreadable.
pub(super) fn read(operation: &str, body: &[u8]) -> Option<Map<String, Value>> {
    let matters = match operation {
        "CreateTable" | "Query" | "Scan" | "TransactGetItems" | "TransactWriteItems"
        | "UpdateItem" | "UpdateTable" => true,
        write if WRITES.contains(&write) && body.len() > keys::LARGEST_RANGE => true,
        _ => has(body, b"Expression") || has(body, b"arn:aws:dynamodb"),
    };
    matters.then(|| serde_json::from_slice(body).ok()).flatten()
}

fn has(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len()).any(|window| window == text)
}

/// Writes a request as dynoxide understands it; false if it does so already.
pub(super) fn rewrite(operation: &str, request: &mut Map<String, Value>, place: &Place) -> bool {
    let arns = names::of_arns(request, place);
    let conditions = operation == "Query" && names::of_key_conditions(request);
    let order = operation == "Scan" && in_order_of_hashes(request);
    arns || conditions || order
}

/// Makes a scan of a table the one segment of a parallel scan, which dynoxide carries out in the order of the keys' hashes; false if it is another.
fn in_order_of_hashes(scan: &mut Map<String, Value>) -> bool {
    let members = ["IndexName", "Segment", "TotalSegments"];
    let whole = !members.iter().any(|member| scan.contains_key(*member));
    if whole {
        scan.insert("Segment".into(), json!(0));
        scan.insert("TotalSegments".into(), json!(1));
    }
    whole
}

/// Returns the refusal of a request, read by [`read`].
pub(super) fn refusal(
    ledger: &Ledger,
    operation: &str,
    request: &Map<String, Value>,
) -> Option<Reply> {
    let of_operation = match operation {
        "CreateTable" | "UpdateTable" => settings::refusal(operation, request),
        "Query" => keys::empty(request),
        write if WRITES.contains(&write) => keys::oversized(ledger, write, request),
        _ => None,
    };
    let message = of_operation.or_else(|| of_expressions(request))?;
    Some(invalid(&message))
}

fn of_expressions(request: &Map<String, Value>) -> Option<String> {
    let in_tables = request.get("RequestItems").and_then(Value::as_object);
    let in_tables = in_tables.into_iter().flat_map(Map::values);
    let actions: Vec<_> = actions(request).collect();
    let holders = in_tables.filter_map(Value::as_object);
    let mut holders = std::iter::once(request)
        .chain(holders)
        .chain(actions.iter().copied());
    let empty = ["ExpressionAttributeNames", "ExpressionAttributeValues"];
    let empty = empty.into_iter().find(|member| {
        let is_empty = |map: &Value| map.as_object().is_some_and(Map::is_empty);
        actions
            .iter()
            .any(|action| action.get(*member).is_some_and(is_empty))
    });
    let empty = empty.map(|member| format!("{member} must not be empty"));
    empty.or_else(|| holders.find_map(of_holder))
}

/// The actions of a transaction.
fn actions(request: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let actions = request.get("TransactItems").and_then(Value::as_array);
    let actions = actions.into_iter().flatten().filter_map(Value::as_object);
    actions.flat_map(Map::values).filter_map(Value::as_object)
}

fn of_holder(holder: &Map<String, Value>) -> Option<String> {
    let values = holder
        .get("ExpressionAttributeValues")
        .and_then(Value::as_object);
    EXPRESSIONS.iter().find_map(|name| {
        let text = holder.get(*name)?.as_str()?;
        let why = expression::refusal(text, values)?;
        Some(format!("Invalid {name}: {why}"))
    })
}

/// Answers as DynamoDB where dynoxide answers with more than was asked for.
pub(super) fn answered(operation: &str, request: &Map<String, Value>, mut reply: Reply) -> Reply {
    if reply.status != StatusCode::OK || !answers_more(operation, request) {
        return reply;
    }
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(&reply.body) else {
        return reply;
    };
    if operation == "UpdateItem" {
        updated(request, &mut answer);
    } else {
        projected(request, &mut answer);
    }
    reply.replace_body(Value::Object(answer).to_string());
    reply
}

fn answers_more(operation: &str, request: &Map<String, Value>) -> bool {
    let returns = request.get("ReturnValues").and_then(Value::as_str);
    let update = request.get("UpdateExpression").and_then(Value::as_str);
    match operation {
        "UpdateItem" => {
            matches!(returns, Some("UPDATED_OLD" | "UPDATED_NEW"))
                && update.is_some_and(|update| update.contains('['))
        }
        "TransactGetItems" => actions(request).any(|get| get.contains_key("ProjectionExpression")),
        _ => false,
    }
}

fn updated(request: &Map<String, Value>, answer: &mut Map<String, Value>) {
    let update = request.get("UpdateExpression").and_then(Value::as_str);
    let names = request
        .get("ExpressionAttributeNames")
        .and_then(Value::as_object);
    let paths = path::targets(update.unwrap_or_default(), names);
    if let Some(Value::Object(attributes)) = answer.get_mut("Attributes") {
        path::reduce(attributes, &paths);
        if attributes.is_empty() {
            answer.remove("Attributes");
        }
    }
}

fn projected(request: &Map<String, Value>, answer: &mut Map<String, Value>) {
    let Some(Value::Array(responses)) = answer.get_mut("Responses") else {
        return;
    };
    for (get, response) in actions(request).zip(responses) {
        let projection = get.get("ProjectionExpression").and_then(Value::as_str);
        let names = get
            .get("ExpressionAttributeNames")
            .and_then(Value::as_object);
        let (Some(projection), Some(Value::Object(item))) = (projection, response.get_mut("Item"))
        else {
            continue;
        };
        let tops = path::tops(projection, names);
        item.retain(|name, _| tops.contains(name));
    }
}

/// Answers what dynoxide does not know and what is the same for all; `None` for everything else.
pub(super) fn fixed(operation: &str, endpoint: &str) -> Option<Reply> {
    let answer = match operation {
        "DescribeEndpoints" => {
            json!({ "Endpoints": [{ "Address": endpoint, "CachePeriodInMinutes": 1_440 }] })
        }
        "DescribeLimits" => json!({
            "AccountMaxReadCapacityUnits": 80_000, "AccountMaxWriteCapacityUnits": 80_000,
            "TableMaxReadCapacityUnits": 40_000, "TableMaxWriteCapacityUnits": 40_000,
        }),
        _ => return None,
    };
    Some(Reply::json(StatusCode::OK, answer.to_string()))
}

/// The answer to DescribeContinuousBackups, given that to DescribeTable: there are no backups of a table.
pub(super) fn backups(described: Reply) -> Reply {
    if described.status != StatusCode::OK {
        let code = "com.amazonaws.dynamodb.v20120810#TableNotFoundException";
        return fault(StatusCode::BAD_REQUEST, code, "Table not found");
    }
    let answer = json!({ "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": "DISABLED" },
    }});
    Reply::json(StatusCode::OK, answer.to_string())
}

/// The request of DescribeTable for the table of another request.
pub(super) fn describe_table(body: &[u8]) -> Bytes {
    let request: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let table = request.get("TableName").cloned().unwrap_or_default();
    Bytes::from(json!({ "TableName": table }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn an_expression_is_checked_wherever_it_stands() {
        let wrong = "Begins_With(a, :s)";
        for request in [
            json!({ "FilterExpression": wrong }),
            json!({ "TransactItems": [{ "Put": { "ConditionExpression": wrong } }] }),
            json!({ "TransactItems": [{ "Delete": {} }, { "ConditionCheck": { "ConditionExpression": wrong } }] }),
            json!({ "RequestItems": { "T": { "ProjectionExpression": "_a" } } }),
            json!({ "TransactItems": [{ "Put": { "ExpressionAttributeValues": {} } }] }),
            json!({ "TransactItems": [{ "Update": { "ExpressionAttributeNames": {} } }] }),
        ] {
            assert!(
                of_expressions(&object(request.clone())).is_some(),
                "{request}"
            );
        }
        for request in [
            json!({ "FilterExpression": "begins_with(a, :s)" }),
            json!({ "Item": { "FilterExpression": { "S": wrong } } }),
            json!({ "ExpressionAttributeValues": {} }),
        ] {
            assert_eq!(of_expressions(&object(request.clone())), None, "{request}");
        }
    }

    #[test]
    fn a_transactional_read_has_what_is_projected() {
        let request = object(json!({ "TransactItems": [
            { "Get": { "ProjectionExpression": "x, #y.z[0]", "ExpressionAttributeNames": { "#y": "y" } } },
            { "Get": {} },
        ]}));
        let item = json!({ "pk": { "S": "1" }, "x": { "N": "1" }, "y": { "M": {} } });
        let answer = json!({ "Responses": [{ "Item": item }, { "Item": item }] });
        let reply = Reply::json(StatusCode::OK, answer.to_string());

        let answered = answered("TransactGetItems", &request, reply);

        let answer: Value = serde_json::from_slice(&answered.body).expect("it is JSON");
        assert_eq!(
            answer["Responses"][0]["Item"],
            json!({ "x": { "N": "1" }, "y": { "M": {} } })
        );
        assert_eq!(answer["Responses"][1]["Item"], item);
    }
}
