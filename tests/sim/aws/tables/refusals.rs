//! What DynamoDB refuses though nothing is wrong with it. A refused call has done nothing.

use serde_json::{Value, json};

use crate::aws::ApiReply;
use crate::aws::adversity::{Adversary, Behaviour};

pub(super) fn refusal(
    operation: &str,
    request: &Value,
    adversary: &mut Adversary,
) -> Option<ApiReply> {
    if adversary.strikes(Behaviour::Throttled) {
        return Some(throttled(operation, adversary));
    }
    if adversary.strikes(Behaviour::InternalError) {
        return Some(ApiReply::fault(
            500,
            "InternalServerError",
            "Internal server error",
        ));
    }
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => {
            adversary.strikes(Behaviour::WriteConflict).then(|| {
                let message = "Transaction is ongoing for the item";
                ApiReply::fault(400, "TransactionConflictException", message)
            })
        }
        "TransactWriteItems" | "TransactGetItems" => {
            let actions = request["TransactItems"].as_array().map_or(0, Vec::len);
            if actions > 0 && adversary.strikes(Behaviour::TransactionConflict) {
                let message = "Transaction is ongoing for the item";
                Some(cancelled(
                    actions,
                    "TransactionConflict",
                    message,
                    adversary,
                ))
            } else if actions > 0 && adversary.strikes(Behaviour::TransactionThrottled) {
                let message = "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly.";
                Some(cancelled(actions, "ThrottlingError", message, adversary))
            } else if request.get("ClientRequestToken").is_some()
                && adversary.strikes(Behaviour::TransactionInProgress)
            {
                let message =
                    "The transaction with the given request token is already in progress.";
                Some(ApiReply::fault(
                    400,
                    "TransactionInProgressException",
                    message,
                ))
            } else {
                None
            }
        }
        _ => None,
    }
}

fn throttled(operation: &str, adversary: &mut Adversary) -> ApiReply {
    let administrative = operation.ends_with("Table") || operation.ends_with("Tables");
    let (kind, message) = match adversary.between(0, 2) {
        0 if !administrative => (
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.",
        ),
        1 if !administrative => (
            "RequestLimitExceeded",
            "Throughput exceeds the current throughput limit for your account.",
        ),
        _ => (
            "ThrottlingException",
            "Rate of requests exceeds the allowed throughput.",
        ),
    };
    ApiReply::fault(400, kind, message)
}

/// A cancelled transaction: one of its actions, or more, for this reason; the others for none.
fn cancelled(actions: usize, code: &str, message: &str, adversary: &mut Adversary) -> ApiReply {
    let culprit = adversary.between(0, actions as u64 - 1);
    let at_fault: Vec<bool> = (0..actions as u64)
        .map(|action| action == culprit || (adversary.coin() && adversary.coin()))
        .collect();
    let reason = |at_fault: &bool| {
        if *at_fault {
            json!({ "Code": code, "Message": message })
        } else {
            json!({ "Code": "None" })
        }
    };
    let codes: Vec<&str> = at_fault
        .iter()
        .map(|at_fault| if *at_fault { code } else { "None" })
        .collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", "),
        ),
        "CancellationReasons": at_fault.iter().map(reason).collect::<Vec<_>>(),
    });
    ApiReply {
        status: 400,
        ..ApiReply::ok(&body)
    }
}
