//! What access a call asks of IAM (Service Authorization Reference, DynamoDB and SQS).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Access, PREFIX};
use crate::relay::Call;
use crate::template::{ACCOUNT, REGION};

/// What a call needs. `streams` are the ARNs of the streams: iterators don't show theirs, so reading by one must be allowed on each.
pub(super) fn needed(call: &Call, streams: &[String]) -> BTreeSet<Access> {
    let body = &call.body;
    match (call.service.as_str(), call.operation.as_str()) {
        // Amazon SQS, "Configure queue permissions for dead-letter queue redrive".
        (
            "AmazonSQS",
            task @ ("StartMessageMoveTask" | "ListMessageMoveTasks" | "CancelMessageMoveTask"),
        ) => {
            let actions = [
                task,
                "ReceiveMessage",
                "DeleteMessage",
                "GetQueueAttributes",
            ];
            let from = |action| {
                one(
                    &format!("sqs:{action}"),
                    &queue_arn("arthouse-commands-dlq.fifo"),
                )
            };
            let to = body["DestinationArn"].as_str();
            let to = to.map(|_| one("sqs:SendMessage", &queue_arn("arthouse-commands.fifo")));
            let from = actions.into_iter().map(from);
            from.chain(to).flatten().collect()
        }
        ("AmazonSQS", operation) => {
            let action = operation.strip_suffix("Batch").unwrap_or(operation);
            let name = body["QueueName"]
                .as_str()
                .or_else(|| body["QueueUrl"].as_str()?.rsplit('/').next());
            let name = name.unwrap_or_else(|| panic!("{call:?}"));
            one(
                &format!("sqs:{action}"),
                &format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"),
            )
        }
        // It has no resource types: only a grant on everything applies.
        ("DynamoDBStreams_20120810", "ListStreams") => one("dynamodb:ListStreams", "*"),
        ("DynamoDBStreams_20120810", "GetRecords") => streams
            .iter()
            .flat_map(|arn| one("dynamodb:GetRecords", arn))
            .collect(),
        ("DynamoDBStreams_20120810", operation) => one(
            &format!("dynamodb:{operation}"),
            body["StreamArn"].as_str().expect("a stream"),
        ),
        ("DynamoDB_20120810", "BatchGetItem") => {
            let tables = body["RequestItems"].as_object().expect("tables").keys();
            tables
                .flat_map(|table| one("dynamodb:BatchGetItem", &table_arn(table)))
                .collect()
        }
        ("DynamoDB_20120810", "TransactGetItems" | "TransactWriteItems") => {
            let items = body["TransactItems"].as_array().expect("items").iter();
            items.flat_map(part).collect()
        }
        ("DynamoDB_20120810", operation) => {
            let table = table_arn(
                body["TableName"]
                    .as_str()
                    .unwrap_or_else(|| panic!("{call:?}")),
            );
            let resource = match body["IndexName"].as_str() {
                Some(index) => format!("{table}/index/{index}"),
                None => table,
            };
            one(&format!("dynamodb:{operation}"), &resource)
        }
        _ => panic!("{call:?}"),
    }
}

/// One item of a transaction needs what the single call would.
fn part(item: &Value) -> BTreeSet<Access> {
    let (kind, item) = item
        .as_object()
        .and_then(|item| item.iter().next())
        .expect("an item");
    let action = match kind.as_str() {
        "ConditionCheck" => "ConditionCheckItem".to_owned(),
        "Delete" | "Get" | "Put" | "Update" => format!("{kind}Item"),
        other => panic!("{other}"),
    };
    one(
        &format!("dynamodb:{action}"),
        &table_arn(item["TableName"].as_str().expect("a table")),
    )
}

/// The ARN of a queue of this deployment.
fn queue_arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}{name}")
}

fn table_arn(name: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}")
}

fn one(action: &str, resource: &str) -> BTreeSet<Access> {
    BTreeSet::from([Access {
        action: action.to_owned(),
        resource: resource.to_owned(),
    }])
}
