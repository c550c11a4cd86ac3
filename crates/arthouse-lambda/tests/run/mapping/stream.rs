//! Source: "Using AWS Lambda with Amazon DynamoDB" and its pages on batches and errors, AWS Lambda developer guide.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arthouse_store::Table;
use arthouse_tests::World;
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, ShardIteratorType, StreamRecord};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::item_failures;
use super::queue::Running;
use crate::function::Function;

/// How long the mapping waits between polls and before it tries a batch again.
const PAUSE: Duration = Duration::from_millis(50);
/// How often a batch is tried again before the mapping gives up on it.
const RETRIES: u32 = 2;

/// A mapping from a table's stream to a function, with bisection, retries and an on-failure destination.
#[derive(Clone)]
pub(crate) struct StreamMapping {
    function: Arc<Function>,
    client: Client,
    sqs: aws_sdk_sqs::Client,
    on_failure: String,
    table: String,
    handed: Arc<Mutex<usize>>,
}

impl StreamMapping {
    pub(crate) fn new(world: &World, function: &Arc<Function>, table: Table) -> Self {
        Self {
            function: Arc::clone(function),
            client: world.stack.clients.streams.clone(),
            sqs: world.stack.clients.sqs.clone(),
            on_failure: world.stack.queues.stream_dlq.clone(),
            table: world.stack.names.tables.name(table),
            handed: Arc::default(),
        }
    }

    /// Goes on until it is dropped.
    pub(crate) fn run(&self) -> Running {
        let mapping = self.clone();
        let task = tokio::spawn(async move { mapping.read().await });
        Running(task.abort_handle())
    }

    /// How many records the function was handed, repeats included.
    pub(crate) fn handed(&self) -> usize {
        *self.handed.lock().unwrap()
    }

    /// Reads shards from their beginning, children after their parents.
    async fn read(&self) {
        let request = self.client.list_streams().table_name(&self.table);
        let streams = request.send().await.unwrap().streams.unwrap_or_default();
        let arn = streams.last().unwrap().stream_arn.clone().unwrap();
        let (mut begun, mut ended) = (HashSet::new(), HashSet::new());
        let mut reading = JoinSet::new();
        loop {
            let stream = self
                .client
                .describe_stream()
                .stream_arn(&arn)
                .send()
                .await
                .unwrap();
            let shards = stream
                .stream_description
                .unwrap()
                .shards
                .unwrap_or_default();
            let ids: HashSet<_> = shards.iter().filter_map(|s| s.shard_id.clone()).collect();
            let ready = shards.iter().filter(|shard| {
                let parent = shard.parent_shard_id.as_ref();
                parent.is_none_or(|parent| ended.contains(parent) || !ids.contains(parent))
            });
            for shard in ready.filter_map(|shard| shard.shard_id.clone()) {
                if begun.insert(shard.clone()) {
                    let (mapping, arn) = (self.clone(), arn.clone());
                    reading.spawn(async move {
                        mapping.read_shard(&arn, &shard).await;
                        shard
                    });
                }
            }
            tokio::select! {
                Some(read) = reading.join_next() => { ended.insert(read.unwrap()); }
                () = tokio::time::sleep(10 * PAUSE) => {}
            }
        }
    }

    async fn read_shard(&self, arn: &str, shard: &str) {
        let request = self
            .client
            .get_shard_iterator()
            .stream_arn(arn)
            .shard_id(shard);
        let request = request.shard_iterator_type(ShardIteratorType::TrimHorizon);
        let mut iterator = request.send().await.unwrap().shard_iterator;
        while let Some(at) = iterator {
            let page = self
                .client
                .get_records()
                .shard_iterator(at)
                .limit(100)
                .send()
                .await
                .unwrap();
            let records = page.records.unwrap_or_default();
            let idle = records.is_empty();
            self.deliver(arn, shard, records).await;
            iterator = page.next_shard_iterator;
            if idle && iterator.is_some() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Hands a batch over until the function is done with it; what it reports is tried again, in halves.
    async fn deliver(&self, arn: &str, shard: &str, records: Vec<Record>) {
        let mut batches = VecDeque::from([(records, 0)]);
        while let Some((batch, tried)) = batches.pop_front() {
            if batch.is_empty() {
                continue;
            }
            if tried > RETRIES {
                self.give_up(arn, shard, &batch).await;
                continue;
            }
            *self.handed.lock().unwrap() += batch.len();
            let events: Vec<_> = batch
                .iter()
                .map(|record| record_event(arn, record))
                .collect();
            let rest = match self.function.invoke(json!({ "Records": events })).await {
                Ok(response) => rest(batch, &item_failures(&response)),
                Err(_) => batch,
            };
            if rest.is_empty() {
                continue;
            }
            tokio::time::sleep(PAUSE).await;
            if let [_] = rest[..] {
                batches.push_front((rest, tried + 1));
            } else {
                let mut first = rest;
                let second = first.split_off(first.len() / 2);
                batches.push_front((second, tried));
                batches.push_front((first, tried));
            }
        }
    }

    /// Tells where the records are; they are not sent.
    async fn give_up(&self, arn: &str, shard: &str, batch: &[Record]) {
        let body = json!({
            "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": RETRIES + 1},
            "version": "1.0",
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": number(batch.first().unwrap()),
                "endSequenceNumber": number(batch.last().unwrap()),
                "batchSize": batch.len(),
                "streamArn": arn,
            },
        });
        let request = self.sqs.send_message().queue_url(&self.on_failure);
        request.message_body(body.to_string()).send().await.unwrap();
    }
}

/// What is left of a batch from the lowest reported number on.
fn rest(batch: Vec<Record>, failed: &[String]) -> Vec<Record> {
    let first = batch
        .iter()
        .position(|record| failed.contains(&number(record)));
    assert!(
        first.is_some() || failed.is_empty(),
        "{failed:?} is not of the batch"
    );
    match first {
        Some(first) => batch.into_iter().skip(first).collect(),
        None => Vec::new(),
    }
}

fn number(record: &Record) -> String {
    record
        .dynamodb
        .as_ref()
        .unwrap()
        .sequence_number
        .clone()
        .unwrap()
}

/// Writes a record as the mapping hands it over.
pub(crate) fn record_event(arn: &str, record: &Record) -> Value {
    let change = record.dynamodb.as_ref().unwrap();
    json!({
        "eventID": record.event_id,
        "eventName": record.event_name.as_ref().unwrap().as_str(),
        "eventVersion": record.event_version,
        "eventSource": "aws:dynamodb",
        "awsRegion": record.aws_region,
        "dynamodb": change_event(change),
        "eventSourceARN": arn,
    })
}

fn change_event(change: &StreamRecord) -> Value {
    let mut event = json!({
        "ApproximateCreationDateTime": change.approximate_creation_date_time.unwrap().as_secs_f64(),
        "Keys": image(change.keys.as_ref().unwrap()),
        "SequenceNumber": change.sequence_number,
        "SizeBytes": change.size_bytes,
        "StreamViewType": change.stream_view_type.as_ref().unwrap().as_str(),
    });
    for (name, image_of) in [
        ("OldImage", &change.old_image),
        ("NewImage", &change.new_image),
    ] {
        if let Some(of) = image_of {
            event[name] = image(of);
        }
    }
    event
}

fn image(item: &HashMap<String, AttributeValue>) -> Value {
    let attributes = item
        .iter()
        .map(|(name, value)| (name.clone(), attribute(value)));
    Value::Object(attributes.collect::<Map<_, _>>())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the SDK's enum may grow")]
fn attribute(value: &AttributeValue) -> Value {
    use AttributeValue as Of;
    let encoded = |blob: &aws_sdk_dynamodbstreams::primitives::Blob| BASE64.encode(blob);
    match value {
        Of::S(text) => json!({ "S": text }),
        Of::N(number) => json!({ "N": number }),
        Of::B(blob) => json!({ "B": encoded(blob) }),
        Of::Bool(flag) => json!({ "BOOL": flag }),
        Of::Null(is_null) => json!({ "NULL": is_null }),
        Of::Ss(set) => json!({ "SS": set }),
        Of::Ns(set) => json!({ "NS": set }),
        Of::Bs(set) => json!({ "BS": set.iter().map(encoded).collect::<Vec<_>>() }),
        Of::L(list) => json!({ "L": list.iter().map(attribute).collect::<Vec<_>>() }),
        Of::M(map) => json!({ "M": image(map) }),
        other => panic!("{other:?} is of no known type"),
    }
}
