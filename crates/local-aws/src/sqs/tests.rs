use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::place::Place;

mod answers;
mod load;
mod waiting;

const BASE_URL: &str = "http://127.0.0.1:4566";

/// A service over a directory of its own, and what came back from it as JSON.
struct Running {
    directory: tempfile::TempDir,
    service: SqsService,
    address: Address,
}

/// The endpoint at this URL.
fn at(base_url: &str) -> Address {
    Address::new(base_url, &Place::default())
}

impl Running {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let service = SqsService::open(directory.path(), None).expect("the store opens");
        let address = at(BASE_URL);
        Self {
            directory,
            service,
            address,
        }
    }

    /// Closes the service and opens its directory again, under another address.
    async fn restart(self) -> Self {
        self.service.close().await;
        let service = SqsService::open(self.directory.path(), None).expect("the store opens again");
        Self {
            directory: self.directory,
            service,
            address: at("http://127.0.0.1:1"),
        }
    }

    async fn call(&self, operation: &str, body: Value) -> Value {
        let response = self
            .service
            .handle(operation, body.to_string().as_bytes(), &self.address, None)
            .await;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        assert_eq!(response.status, 200, "{operation}: {text}");
        serde_json::from_str(&text).expect("the answer is JSON")
    }

    async fn create(&self, name: &str, attributes: Value) -> String {
        let created = self
            .call(
                "CreateQueue",
                json!({ "QueueName": name, "Attributes": attributes }),
            )
            .await;
        created["QueueUrl"]
            .as_str()
            .expect("a queue has a URL")
            .to_owned()
    }

    async fn send(&self, url: &str, body: &str) {
        self.call(
            "SendMessage",
            json!({ "QueueUrl": url, "MessageBody": body }),
        )
        .await;
    }

    async fn receive(&self, url: &str, more: Value) -> Vec<Value> {
        let mut body = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 });
        body.as_object_mut()
            .expect("an object")
            .extend(more.as_object().cloned().unwrap_or_default());
        self.call("ReceiveMessage", body).await["Messages"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    async fn count(&self, url: &str, what: &str) -> String {
        let body = json!({ "QueueUrl": url, "AttributeNames": [what] });
        let attributes = self.call("GetQueueAttributes", body).await;
        attributes["Attributes"][what]
            .as_str()
            .expect("a count")
            .to_owned()
    }
}

fn bodies(messages: &[Value]) -> Vec<&str> {
    messages
        .iter()
        .filter_map(|message| message["Body"].as_str())
        .collect()
}
