//! Random calls of all services by a client that believes what it is told and tries again what failed.

use fastrand::Rng;
use serde_json::json;

use super::*;

/// A client and what it has in its hands.
pub(super) struct Traffic<'a> {
    bench: &'a Bench,
    rng: Rng,
    urls: [String; 2],
    /// Queues and receipt handles.
    receipts: Vec<(usize, String)>,
    stream: String,
    shards: Vec<String>,
    iterators: Vec<String>,
    sent: u64,
    /// Every call: target, request and reply.
    pub(super) calls: Vec<(String, Value, ApiReply)>,
}

impl<'a> Traffic<'a> {
    /// Makes two queues, at a time without adversity.
    pub(super) fn new(bench: &'a Bench, seed: u64) -> Self {
        let make = |name: &str, attributes: Value| {
            let request = json!({ "QueueName": name, "Attributes": attributes });
            text(&bench.sqs("CreateQueue", request)["QueueUrl"])
        };
        let streams = bench.streams("ListStreams", json!({}));
        Self {
            bench,
            rng: Rng::with_seed(seed),
            urls: [
                make("q", json!({})),
                make("q.fifo", json!({ "FifoQueue": "true" })),
            ],
            receipts: Vec::new(),
            stream: text(&streams["Streams"][0]["StreamArn"]),
            shards: Vec::new(),
            iterators: Vec::new(),
            sent: 0,
            calls: Vec::new(),
        }
    }

    pub(super) fn run(&mut self, calls: usize) {
        for _ in 0..calls {
            match self.rng.u32(0..10) {
                0..4 => self.use_table(),
                4..6 => self.use_stream(),
                6..9 => self.use_queue(),
                _ => self.bench.pass(self.rng.u64(0..5)),
            }
        }
    }

    fn call(&mut self, target: &str, request: Value) -> Value {
        let reply = self.bench.reply(target, request.clone());
        let json = reply.json();
        self.calls.push((target.to_owned(), request, reply));
        json
    }

    fn use_table(&mut self) {
        let value = self.rng.u64(0..1_000);
        let items: Vec<String> = (0..self.rng.usize(1..5))
            .map(|place| format!("{place}{}", self.rng.u32(0..3)))
            .collect();
        let first = &items[0];
        let mut request = json!({ "TableName": "Things", "Key": key(first) });
        let (operation, request) = match self.rng.u32(0..9) {
            0 => ("PutItem", put_request(first, value)),
            1 => {
                request["UpdateExpression"] = "SET V = :v, #w.a = :v ADD Tally :v".into();
                request["ConditionExpression"] = "attribute_exists(#w)".into();
                request["ExpressionAttributeNames"] = json!({ "#w": "W" });
                request["ExpressionAttributeValues"] = json!({ ":v": { "N": value.to_string() } });
                request["ReturnValues"] = "ALL_NEW".into();
                request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD".into();
                ("UpdateItem", request)
            }
            2 => {
                request["UpdateExpression"] = "SET W = if_not_exists(W, :w), X = :v".into();
                request["ExpressionAttributeValues"] = json!({
                    ":v": { "N": value.to_string() },
                    ":w": { "M": { "a": { "N": "1" }, "b": { "S": "b" }, "c": { "SS": ["x", "y"] } } },
                });
                request["ReturnValues"] = "ALL_OLD".into();
                ("UpdateItem", request)
            }
            3 => ("DeleteItem", request),
            4 => ("GetItem", request),
            5 => {
                let keys: Vec<Value> = items.iter().map(|item| key(item)).collect();
                (
                    "BatchGetItem",
                    json!({ "RequestItems": { "Things": { "Keys": keys } } }),
                )
            }
            6 => {
                let puts = items
                    .iter()
                    .map(|sk| json!({ "PutRequest": { "Item": item(sk, value) } }));
                let puts: Vec<Value> = puts.collect();
                (
                    "BatchWriteItem",
                    json!({ "RequestItems": { "Things": puts } }),
                )
            }
            7 => {
                let actions: Vec<Value> =
                    items.iter().map(|item| put_action(item, value)).collect();
                let token = format!("token-{}", self.rng.u32(0..1_000));
                (
                    "TransactWriteItems",
                    json!({ "TransactItems": actions, "ClientRequestToken": token }),
                )
            }
            _ => ("Scan", json!({ "TableName": "Things" })),
        };
        self.call(&format!("DynamoDB_20120810.{operation}"), request);
    }

    fn use_stream(&mut self) {
        let shard = self.rng.choice(&self.shards).cloned();
        let iterator = (!self.iterators.is_empty()).then(|| {
            let place = self.rng.usize(0..self.iterators.len());
            self.iterators.swap_remove(place)
        });
        match (self.rng.u32(0..4), shard, iterator) {
            (0, Some(shard), _) => {
                let request = json!({
                    "StreamArn": self.stream,
                    "ShardId": shard,
                    "ShardIteratorType": "TRIM_HORIZON",
                });
                let answer = self.call("DynamoDBStreams_20120810.GetShardIterator", request);
                self.iterators
                    .extend(answer["ShardIterator"].as_str().map(str::to_owned));
            }
            (1 | 2, _, Some(iterator)) => {
                let request = json!({ "ShardIterator": iterator, "Limit": 10 });
                let answer = self.call("DynamoDBStreams_20120810.GetRecords", request);
                self.iterators
                    .extend(answer["NextShardIterator"].as_str().map(str::to_owned));
            }
            _ => {
                let request = json!({ "StreamArn": self.stream });
                let answer = self.call("DynamoDBStreams_20120810.DescribeStream", request);
                let shards = answer["StreamDescription"]["Shards"].as_array();
                let ids = shards
                    .into_iter()
                    .flatten()
                    .map(|shard| text(&shard["ShardId"]));
                self.shards.extend(ids);
            }
        }
    }

    fn use_queue(&mut self) {
        let queue = self.rng.usize(0..2);
        let url = self.urls[queue].clone();
        match self.rng.u32(0..4) {
            0 => {
                let entries: Vec<Value> = (0..self.rng.usize(1..10))
                    .map(|id| self.message(queue, id))
                    .collect();
                let request = json!({ "QueueUrl": url, "Entries": entries });
                self.call("AmazonSQS.SendMessageBatch", request);
            }
            1 | 2 => {
                let wait = if self.rng.bool() { 0 } else { 20 };
                let request =
                    json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": wait });
                let answer = self.call("AmazonSQS.ReceiveMessage", request);
                let messages = answer["Messages"].as_array().into_iter().flatten();
                let receipts = messages.map(|message| (queue, text(&message["ReceiptHandle"])));
                self.receipts.extend(receipts);
            }
            _ => {
                let mine = self.receipts.iter().filter(|(of, _)| *of == queue).take(10);
                let entries: Vec<Value> = mine
                    .enumerate()
                    .map(|(id, (_, handle))| json!({ "Id": id.to_string(), "ReceiptHandle": handle }))
                    .collect();
                self.receipts.retain(|(of, _)| *of != queue);
                if !entries.is_empty() {
                    let request = json!({ "QueueUrl": url, "Entries": entries });
                    self.call("AmazonSQS.DeleteMessageBatch", request);
                }
            }
        }
    }

    fn message(&mut self, queue: usize, id: usize) -> Value {
        self.sent += 1;
        let mut entry =
            json!({ "Id": id.to_string(), "MessageBody": format!("message {}", self.sent) });
        if queue == 1 {
            entry["MessageGroupId"] = format!("g{}", self.rng.u32(0..4)).into();
            entry["MessageDeduplicationId"] = self.sent.to_string().into();
        }
        entry
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
