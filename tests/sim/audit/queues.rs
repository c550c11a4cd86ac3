//! What lies in the queues.

use serde_json::{Value, json};

use crate::aws::{ApiCall, Aws};

/// The key of the gap that a notice is about; the notice itself, if it is about none.
pub(super) fn notice(body: &str) -> String {
    let notice: Value = serde_json::from_str(body).unwrap_or_default();
    let part = |name: &str| notice[name].as_str().unwrap_or_default();
    if part("kind") != "gap" {
        return body.to_owned();
    }
    let (stream, shard, from) = (part("stream_arn"), part("shard_id"), part("from"));
    format!("{stream}#{shard}#{from}")
}

/// Receives and deletes until there is nothing left.
pub(super) fn drain(aws: &Aws, queue_url: &str) -> Vec<String> {
    let ask = |operation: &str, body: &Value| {
        aws.call(&ApiCall {
            node: 0,
            target: format!("AmazonSQS.{operation}"),
            body: body.to_string().into(),
        })
        .json()
    };
    let mut bodies = Vec::new();
    loop {
        let request = json!({ "QueueUrl": queue_url, "MaxNumberOfMessages": 10 });
        let answer = ask("ReceiveMessage", &request);
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        if messages.is_empty() {
            return bodies;
        }
        for message in messages {
            bodies.push(message["Body"].as_str().unwrap_or_default().to_owned());
            let receipt = &message["ReceiptHandle"];
            ask(
                "DeleteMessage",
                &json!({ "QueueUrl": queue_url, "ReceiptHandle": receipt }),
            );
        }
    }
}
