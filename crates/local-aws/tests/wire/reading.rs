//! Reading streams in tests.
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::types::{Record, Shard, ShardIteratorType, StreamDescription};

pub(crate) async fn describe(client: &Client, stream: &str) -> StreamDescription {
    let described = client.describe_stream().stream_arn(stream).send().await;
    described.unwrap().stream_description.unwrap()
}

/// The stream's one shard.
pub(crate) async fn only_shard(client: &Client, stream: &str) -> Shard {
    let mut shards = describe(client, stream).await.shards.unwrap();
    assert_eq!(shards.len(), 1, "{shards:?}");
    shards.remove(0)
}

pub(crate) fn id(shard: &Shard) -> &str {
    shard.shard_id().unwrap()
}

/// An iterator of the kind, with a sequence number where the kind wants one.
pub(crate) async fn iterator(
    client: &Client,
    stream: &str,
    shard: &Shard,
    kind: ShardIteratorType,
    sequence: Option<&str>,
) -> String {
    let opened = client
        .get_shard_iterator()
        .stream_arn(stream)
        .shard_id(id(shard))
        .shard_iterator_type(kind)
        .set_sequence_number(sequence.map(str::to_owned))
        .send()
        .await;
    opened.unwrap().shard_iterator.unwrap()
}

/// All records of a shard from its trim horizon, and whether it has ended behind them.
pub(crate) async fn read_shard(
    client: &Client,
    stream: &str,
    shard: &Shard,
) -> (Vec<Record>, bool) {
    let horizon = ShardIteratorType::TrimHorizon;
    let mut next = iterator(client, stream, shard, horizon, None).await;
    let mut records = Vec::new();
    loop {
        let page = client.get_records().shard_iterator(&next).send().await;
        let page = page.unwrap();
        let read = page.records.unwrap();
        let empty = read.is_empty();
        records.extend(read);
        match page.next_shard_iterator {
            None => return (records, true),
            Some(_) if empty => return (records, false),
            Some(iterator) => next = iterator,
        }
    }
}

/// All records of a stream with one shard.
pub(crate) async fn read_all(client: &Client, stream: &str) -> Vec<Record> {
    let shard = only_shard(client, stream).await;
    read_shard(client, stream, &shard).await.0
}

/// The event's name and the partition key's text, such as `INSERT a`.
pub(crate) fn told(records: &[Record]) -> Vec<String> {
    let told = |record: &Record| {
        let name = record.event_name().unwrap();
        format!("{} {}", name.as_str(), key(record))
    };
    records.iter().map(told).collect()
}

pub(crate) fn key(record: &Record) -> String {
    let keys = record.dynamodb().unwrap().keys().unwrap();
    keys["PK"].as_s().unwrap().clone()
}

pub(crate) fn sequence(record: &Record) -> String {
    let number = record.dynamodb().unwrap().sequence_number();
    number.unwrap().to_owned()
}
