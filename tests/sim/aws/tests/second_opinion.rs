//! `local-aws` asked the same: it reaches dynoxide over HTTP by dynoxide's own server, and has streams of its own.

use std::collections::BTreeMap;

use local_aws::{Config, LocalAws};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::reader::Reader;
use super::traffic::Traffic;
use super::*;

/// The services of a folder, by their port.
struct Other {
    address: String,
}

impl Other {
    async fn call(&self, target: &str, request: &Value) -> (u16, Value) {
        let body = request.to_string();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            body.len(),
        );
        let mut socket = TcpStream::connect(&self.address).await.expect("it listens");
        socket
            .write_all((head + &body).as_bytes())
            .await
            .expect("it takes the request");
        let mut answer = String::new();
        socket
            .read_to_string(&mut answer)
            .await
            .expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let body = serde_json::from_str(body).expect("JSON");
        (status.expect("a status"), body)
    }

    async fn streams(&self, operation: &str, request: Value) -> Value {
        let target = format!("DynamoDBStreams_20120810.{operation}");
        let (status, body) = self.call(&target, &request).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// The records of the one stream there is, from its one shard.
    async fn records(&self) -> Vec<Value> {
        let streams = self.streams("ListStreams", json!({})).await;
        let arn = &streams["Streams"][0]["StreamArn"];
        let described = self
            .streams("DescribeStream", json!({ "StreamArn": arn }))
            .await;
        let start = json!({
            "StreamArn": arn,
            "ShardId": described["StreamDescription"]["Shards"][0]["ShardId"],
            "ShardIteratorType": "TRIM_HORIZON",
        });
        let mut iterator = self.streams("GetShardIterator", start).await["ShardIterator"].take();
        let mut records = Vec::new();
        loop {
            let mut page = self
                .streams("GetRecords", json!({ "ShardIterator": iterator }))
                .await;
            let read = page["Records"].as_array().cloned().unwrap_or_default();
            if read.is_empty() {
                return records;
            }
            records.extend(read);
            iterator = page["NextShardIterator"].take();
        }
    }
}

/// What is told of each item, in order.
fn by_item<'a>(records: impl Iterator<Item = &'a Value>) -> BTreeMap<String, Vec<Value>> {
    let mut items: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for record in records {
        let change = &record["dynamodb"];
        let told = json!([record["eventName"], change["OldImage"], change["NewImage"]]);
        items
            .entry(change["Keys"].to_string())
            .or_default()
            .push(told);
    }
    items
}

#[tokio::test]
async fn local_aws_answers_the_same_calls_alike_and_streams_the_same_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        data_dir: folder.path().to_owned(),
        port: 0,
    };
    let local = LocalAws::start(config).await.expect("it starts");
    let address = local
        .endpoint_url()
        .trim_start_matches("http://")
        .to_owned();
    let other = Other { address };
    other
        .call("DynamoDB_20120810.CreateTable", &table_request())
        .await;
    // A table is active once it is described.
    let described = json!({ "TableName": table_request()["TableName"] });
    other
        .call("DynamoDB_20120810.DescribeTable", &described)
        .await;

    let bench = Bench::new(Adversity::none()).with_table();
    let mut traffic = Traffic::new(&bench, 1);
    traffic.run(1_500);
    let mut compared = 0;
    for (target, request, reply) in &traffic.calls {
        if target.starts_with("DynamoDB_") {
            let (status, mut theirs) = other.call(target, request).await;
            let mut ours = reply.json();
            if kind(reply) == "IdempotentParameterMismatchException" {
                // The one answer that both make themselves.
                ours["message"].take();
                theirs["message"].take();
            }
            // Where dynoxide alone answers otherwise than AWS: it scans in the order of the keys, and ALL_OLD of an item that is created is its key.
            if target.ends_with(".Scan") {
                for answer in [&mut ours, &mut theirs] {
                    let items = answer["Items"].as_array_mut().expect("items");
                    items.sort_by_key(Value::to_string);
                }
            }
            if request["ReturnValues"] == "ALL_OLD" && ours["Attributes"] == request["Key"] {
                ours = json!({});
            }
            assert_eq!((reply.status, ours), (status, theirs), "{target} {request}");
            compared += 1;
        }
    }
    assert!(compared > 300, "{compared}");

    let mut reader = Reader::new(&bench);
    reader.sweep(&bench);
    let ours = by_item(reader.records.iter().map(|(_, record)| record));
    assert_eq!(ours, by_item(other.records().await.iter()));
    local.shutdown().await.expect("it ends");
}
