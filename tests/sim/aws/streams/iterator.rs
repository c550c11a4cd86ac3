use serde_json::{Value, json};

use super::fault::Fault;
use super::shard::{Shard, private};
use super::{Streams, stream::Stream};
use crate::aws::ApiReply;

/// How long an iterator lives.
pub(super) const LIFE_MILLIS: u64 = 900_000;

/// A place between two records of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Iterator {
    pub(super) arn: String,
    pub(super) shard: String,
    /// The number of the last record before it.
    pub(super) after: u64,
    pub(super) issued: u64,
}

impl Iterator {
    pub(super) fn encode(&self) -> String {
        let Self {
            arn,
            shard,
            after,
            issued,
        } = self;
        format!("{arn}|1|{issued}|{after}|{shard}")
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('|').collect();
        let [arn, "1", issued, after, shard] = parts.as_slice() else {
            return None;
        };
        Some(Self {
            arn: (*arn).to_owned(),
            shard: (*shard).to_owned(),
            after: after.parse().ok()?,
            issued: issued.parse().ok()?,
        })
    }
}

impl Streams {
    pub(super) fn get_shard_iterator(&self, request: &Value, now: u64) -> Result<ApiReply, Fault> {
        let stream = self.stream(request["StreamArn"].as_str().unwrap_or_default())?;
        let id = request["ShardId"].as_str().unwrap_or_default();
        let shard = find_shard(stream, id)?;
        let iterator = Iterator {
            arn: stream.arn.clone(),
            shard: id.to_owned(),
            after: position(shard, request)?,
            issued: now,
        };
        Ok(ApiReply::ok(&json!({ "ShardIterator": iterator.encode() })))
    }
}

pub(super) fn find_shard<'a>(stream: &'a Stream, id: &str) -> Result<&'a Shard, Fault> {
    let found = stream.shards.get(id);
    found
        .ok_or_else(|| Fault::not_found(&format!("Shard: {id} in stream {} not found", stream.arn)))
}

fn position(shard: &Shard, request: &Value) -> Result<u64, Fault> {
    let numbered = || {
        let number = request["SequenceNumber"].as_str().and_then(private);
        let number = number.filter(|number| *number >= shard.after);
        number.ok_or_else(|| Fault::invalid("Invalid SequenceNumber for the shard"))
    };
    let after = match request["ShardIteratorType"].as_str() {
        Some("TRIM_HORIZON") => return Ok(shard.trimmed_to),
        Some("LATEST") => return Ok(shard.last),
        Some("AFTER_SEQUENCE_NUMBER") => numbered()?,
        Some("AT_SEQUENCE_NUMBER") => numbered()?.saturating_sub(1),
        Some(_) | None => return Err(Fault::invalid("The type of the iterator is not known")),
    };
    if after < shard.trimmed_to {
        return Err(Fault::Trimmed);
    }
    Ok(after)
}
