//! The services as a client sees them: each behaviour alone, on calls in the API's own JSON.

use std::cell::Cell;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Adversity, ApiCall, ApiReply, Aws, Behaviour};

mod adversity;
mod commits;
mod queues;
mod reader;
mod sdk;
mod second_opinion;
mod streams;
mod tables;
mod traffic;

/// Services and one client of them.
struct Bench {
    aws: Aws,
    passed: Cell<Duration>,
}

impl Bench {
    fn new(adversity: Adversity) -> Self {
        Self::seeded(1, adversity)
    }

    fn seeded(seed: u64, adversity: Adversity) -> Self {
        Self {
            aws: Aws::new(seed, adversity),
            passed: Cell::default(),
        }
    }

    /// Lets time pass.
    fn pass(&self, seconds: u64) {
        self.passed
            .set(self.passed.get() + Duration::from_secs(seconds));
        self.aws.set_now(self.passed.get());
    }

    /// Services at their best, but for one behaviour.
    fn with(behaviour: Behaviour, rate: f64) -> Self {
        Self::new(Adversity::none().with(behaviour, rate))
    }

    fn reply(&self, target: &str, request: Value) -> ApiReply {
        self.aws.call(&ApiCall {
            node: 7,
            target: target.to_owned(),
            body: request.to_string().into(),
        })
    }

    fn ok(&self, target: &str, request: Value) -> Value {
        let reply = self.reply(target, request);
        assert_eq!(reply.status, 200, "{target}: {}", reply.json());
        reply.json()
    }

    /// The name of the error that a call is refused with.
    fn refused(&self, target: &str, request: Value) -> String {
        let reply = self.reply(target, request);
        assert_ne!(reply.status, 200, "{target}: {}", reply.json());
        kind(&reply)
    }

    fn db(&self, operation: &str, request: Value) -> Value {
        self.ok(&format!("DynamoDB_20120810.{operation}"), request)
    }

    fn db_refused(&self, operation: &str, request: Value) -> String {
        self.refused(&format!("DynamoDB_20120810.{operation}"), request)
    }

    fn streams(&self, operation: &str, request: Value) -> Value {
        self.ok(&format!("DynamoDBStreams_20120810.{operation}"), request)
    }

    fn streams_refused(&self, operation: &str, request: Value) -> String {
        self.refused(&format!("DynamoDBStreams_20120810.{operation}"), request)
    }

    fn sqs(&self, operation: &str, request: Value) -> Value {
        self.ok(&format!("AmazonSQS.{operation}"), request)
    }

    fn sqs_refused(&self, operation: &str, request: Value) -> String {
        self.refused(&format!("AmazonSQS.{operation}"), request)
    }

    fn struck(&self, behaviour: Behaviour) -> u64 {
        self.aws.struck().get(&behaviour).copied().unwrap_or(0)
    }
}

/// The name of the error in a reply.
fn kind(reply: &ApiReply) -> String {
    let body = reply.json();
    let kind = body["__type"].as_str().unwrap_or_default();
    kind.rsplit('#').next().unwrap_or_default().to_owned()
}

/// Services that do one thing at each occasion.
fn only(behaviour: Behaviour) -> Adversity {
    Adversity::none().with(behaviour, 1.0)
}

/// Tables.
impl Bench {
    /// A table `Things` with the keys PK and SK, and a stream.
    fn with_table(self) -> Self {
        self.db("CreateTable", table_request());
        self
    }

    fn put(&self, sk: &str, value: u64) {
        self.db("PutItem", put_request(sk, value));
    }

    fn get(&self, sk: &str) -> Option<String> {
        let request = json!({ "TableName": "Things", "Key": key(sk), "ConsistentRead": true });
        let answer = self.db("GetItem", request);
        answer["Item"]["V"]["N"].as_str().map(str::to_owned)
    }
}

fn table_request() -> Value {
    json!({
        "TableName": "Things",
        "AttributeDefinitions": [
            { "AttributeName": "PK", "AttributeType": "S" },
            { "AttributeName": "SK", "AttributeType": "S" },
        ],
        "KeySchema": [
            { "AttributeName": "PK", "KeyType": "HASH" },
            { "AttributeName": "SK", "KeyType": "RANGE" },
        ],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
    })
}

fn key(sk: &str) -> Value {
    json!({ "PK": { "S": "p" }, "SK": { "S": sk } })
}

fn item(sk: &str, value: u64) -> Value {
    json!({ "PK": { "S": "p" }, "SK": { "S": sk }, "V": { "N": value.to_string() } })
}

fn put_request(sk: &str, value: u64) -> Value {
    json!({ "TableName": "Things", "Item": item(sk, value) })
}

/// A put in a transaction.
fn put_action(sk: &str, value: u64) -> Value {
    json!({ "Put": put_request(sk, value) })
}
