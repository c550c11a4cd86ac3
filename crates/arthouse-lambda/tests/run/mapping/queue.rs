//! Source: "Using Lambda with Amazon SQS" and "Handling errors for an SQS event source", AWS Lambda developer guide.

use std::sync::Arc;

use arthouse_tests::World;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use serde_json::{Map, Value, json};
use tokio::task::AbortHandle;

use super::item_failures;
use crate::function::Function;

/// The visibility of what the mapping receives: six times a function's time-out of 30 s.
const VISIBILITY_SECONDS: i32 = 180;

/// A mapping from the commands queue to a function.
#[derive(Clone)]
pub(crate) struct QueueMapping {
    function: Arc<Function>,
    client: Client,
    url: String,
}

/// A batch that was handed to the function, by the commands' own ids.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QueueBatch {
    pub(crate) sent: Vec<String>,
    pub(crate) failed: Vec<String>,
}

impl QueueMapping {
    pub(crate) fn new(world: &World, function: &Arc<Function>) -> Self {
        Self {
            function: Arc::clone(function),
            client: world.stack.clients.sqs.clone(),
            url: world.stack.queues.commands.clone(),
        }
    }

    /// Goes on until it is dropped.
    pub(crate) fn run(&self) -> Running {
        let mapping = self.clone();
        let task = tokio::spawn(async move {
            loop {
                mapping.batch().await;
            }
        });
        Running(task.abort_handle())
    }

    /// Waits for messages, hands them over in one batch, and deletes those that the function does not report.
    pub(crate) async fn batch(&self) -> QueueBatch {
        let messages = self.receive().await;
        let records: Vec<_> = messages
            .iter()
            .map(|message| self.record(message))
            .collect();
        let response = self
            .function
            .invoke(json!({ "Records": records }))
            .await
            .unwrap();
        let failed = item_failures(&response);
        let reported = |message: &Message| failed.contains(&message.message_id.clone().unwrap());
        for message in messages.iter().filter(|message| !reported(message)) {
            let receipt = message.receipt_handle.clone().unwrap();
            let delete = self.client.delete_message().queue_url(&self.url);
            delete.receipt_handle(receipt).send().await.unwrap();
        }
        QueueBatch {
            sent: messages.iter().map(command_id).collect(),
            failed: messages
                .iter()
                .filter(|m| reported(m))
                .map(command_id)
                .collect(),
        }
    }

    async fn receive(&self) -> Vec<Message> {
        loop {
            let request = self
                .client
                .receive_message()
                .queue_url(&self.url)
                .max_number_of_messages(10)
                .wait_time_seconds(20)
                .visibility_timeout(VISIBILITY_SECONDS)
                .message_system_attribute_names(MessageSystemAttributeName::All)
                .message_attribute_names("All");
            let messages = request.send().await.unwrap().messages.unwrap_or_default();
            if !messages.is_empty() {
                return messages;
            }
        }
    }

    fn record(&self, message: &Message) -> Value {
        let system = message.attributes.iter().flatten();
        let system: Map<_, _> = system
            .map(|(name, value)| (name.as_str().to_owned(), json!(value)))
            .collect();
        let own = message.message_attributes.iter().flatten();
        let own: Map<_, _> = own
            .map(|(name, value)| {
                let value = json!({"stringValue": value.string_value, "dataType": value.data_type});
                (name.clone(), value)
            })
            .collect();
        let queue = self.url.rsplit('/').next().unwrap();
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": system,
            "messageAttributes": own,
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:eu-west-1:000000000000:{queue}"),
            "awsRegion": "eu-west-1",
        })
    }
}

fn command_id(message: &Message) -> String {
    let body = message.body.as_deref().unwrap();
    let event: Value = serde_json::from_str(body).unwrap_or_default();
    event["id"].as_str().unwrap_or("(none)").to_owned()
}

/// A mapping that goes on; it ends when this is dropped.
pub(crate) struct Running(pub(super) AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}
