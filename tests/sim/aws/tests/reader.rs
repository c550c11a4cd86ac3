//! A reader of a stream that does all that a reader must: parents before children, to the null iterator, by pages.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Bench;

/// Where the reader is.
#[derive(Debug, Default)]
pub(super) struct Reader {
    arn: String,
    /// The number of the last record read of a shard.
    read: BTreeMap<String, String>,
    ended: BTreeSet<String>,
    /// What was read: the shard and the record.
    pub(super) records: Vec<(String, Value)>,
}

impl Reader {
    pub(super) fn new(bench: &Bench) -> Self {
        let streams = bench.streams("ListStreams", json!({ "TableName": "Things" }));
        let arn = streams["Streams"][0]["StreamArn"]
            .as_str()
            .unwrap_or_default();
        Self {
            arn: arn.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    /// All pages of the listing: shards with their parents.
    pub(super) fn shards(&self, bench: &Bench) -> Vec<Value> {
        let mut shards = Vec::new();
        let mut request = json!({ "StreamArn": self.arn });
        loop {
            let answer = bench.streams("DescribeStream", request.clone());
            let description = &answer["StreamDescription"];
            shards.extend(
                description["Shards"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default(),
            );
            match description.get("LastEvaluatedShardId") {
                Some(last) => request["ExclusiveStartShardId"] = last.clone(),
                None => return shards,
            }
        }
    }

    /// Reads once through all shards whose parents have ended, to their end or a page that seems to be the last.
    pub(super) fn sweep(&mut self, bench: &Bench) {
        let shards = self.shards(bench);
        let listed: BTreeSet<String> = shards.iter().map(|shard| text(&shard["ShardId"])).collect();
        let mut progress = true;
        while progress {
            progress = false;
            for shard in &shards {
                let (id, parent) = (text(&shard["ShardId"]), text(&shard["ParentShardId"]));
                let waits = listed.contains(&parent) && !self.ended.contains(&parent);
                if !waits && !self.ended.contains(&id) {
                    self.read_shard(bench, &id);
                    progress |= self.ended.contains(&id);
                }
            }
        }
    }

    fn read_shard(&mut self, bench: &Bench, shard: &str) {
        let mut next = Some(self.iterator(bench, shard));
        while let Some(iterator) = next {
            let answer = bench.streams("GetRecords", json!({ "ShardIterator": iterator }));
            let records = answer["Records"].as_array().cloned().unwrap_or_default();
            next = answer["NextShardIterator"].as_str().map(str::to_owned);
            if next.is_none() {
                self.ended.insert(shard.to_owned());
            } else if records.is_empty() {
                next = None;
            }
            for record in records {
                let number = text(&record["dynamodb"]["SequenceNumber"]);
                self.read.insert(shard.to_owned(), number);
                self.records.push((shard.to_owned(), record));
            }
        }
    }

    pub(super) fn iterator(&self, bench: &Bench, shard: &str) -> String {
        let mut request = json!({ "StreamArn": self.arn, "ShardId": shard });
        match self.read.get(shard) {
            Some(number) => {
                request["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER".into();
                request["SequenceNumber"] = number.as_str().into();
            }
            None => request["ShardIteratorType"] = "TRIM_HORIZON".into(),
        }
        text(&bench.streams("GetShardIterator", request)["ShardIterator"])
    }

    /// The new values read of each item, in order.
    pub(super) fn values(&self) -> BTreeMap<String, Vec<u64>> {
        let mut values: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (_, record) in &self.records {
            let item = text(&record["dynamodb"]["Keys"]["SK"]["S"]);
            let value = text(&record["dynamodb"]["NewImage"]["V"]["N"]);
            values
                .entry(item)
                .or_default()
                .push(value.parse().unwrap_or(0));
        }
        values
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
