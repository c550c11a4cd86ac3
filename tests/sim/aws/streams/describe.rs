use serde_json::{Value, json};

use super::fault::Fault;
use super::shard::Shard;
use super::{Behaviour, Streams};
use crate::aws::ApiReply;
use crate::aws::adversity::Adversary;

const MAX_SHARDS: u64 = 100;

impl Streams {
    pub(super) fn describe(
        &self,
        request: &Value,
        adversary: &mut Adversary,
        now: u64,
    ) -> Result<ApiReply, Fault> {
        let stream = self.stream(request["StreamArn"].as_str().unwrap_or_default())?;
        let parent = parent_wished(request)?;
        let is_listed = |(_, shard): &(&String, &Shard)| {
            shard.listed_from <= now
                && parent.is_none_or(|parent| shard.parent.as_deref() == Some(parent))
        };
        let mut listed: Vec<(&String, &Shard)> = stream.shards.iter().filter(is_listed).collect();
        if stream.children_first {
            listed.reverse();
        }
        let start = request["ExclusiveStartShardId"].as_str();
        if let Some(start) = start {
            listed.retain(|(id, _)| (id.as_str() > start) != stream.children_first && *id != start);
        }
        let limit = request["Limit"]
            .as_u64()
            .unwrap_or(MAX_SHARDS)
            .min(MAX_SHARDS);
        let limit = if listed.len() > 1 && adversary.strikes(Behaviour::SmallListing) {
            limit.min(adversary.between(1, 2))
        } else {
            limit
        };
        let page = &listed[..listed.len().min(usize::try_from(limit).unwrap_or(1))];
        let shards: Vec<Value> = page
            .iter()
            .map(|(id, shard)| {
                let closed = match shard.closed {
                    Some(_) => !shard.looks_open,
                    None => adversary.strikes(Behaviour::EndingNumber),
                };
                shard.described(id, closed)
            })
            .collect();
        let mut description = json!({
            "StreamArn": stream.arn,
            "StreamLabel": stream.label,
            "StreamStatus": if stream.open { "ENABLED" } else { "DISABLED" },
            "StreamViewType": stream.view_type,
            "CreationRequestDateTime": stream.created / 1_000,
            "TableName": stream.table,
            "KeySchema": stream.key_schema,
            "Shards": shards,
        });
        if let Some((id, _)) = page.last().filter(|_| page.len() < listed.len()) {
            description["LastEvaluatedShardId"] = id.as_str().into();
        }
        Ok(ApiReply::ok(&json!({ "StreamDescription": description })))
    }
}

/// The shard whose children are asked for.
fn parent_wished(request: &Value) -> Result<Option<&str>, Fault> {
    let Some(filter) = request.get("ShardFilter") else {
        return Ok(None);
    };
    match (filter["Type"].as_str(), filter["ShardId"].as_str()) {
        (Some("CHILD_SHARDS"), Some(parent)) => Ok(Some(parent)),
        (Some(_) | None, _) => Err(Fault::invalid(
            "The shard filter must have the type CHILD_SHARDS and a shard",
        )),
    }
}
