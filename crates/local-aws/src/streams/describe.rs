//! DescribeStream: a stream and its shards, parents before children, a page at a time.

use rusqlite::Transaction;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::Fault;
use super::request::{listing_limit, parse};
use super::sequence;
use super::shard::{Shard, Stream};
use crate::ledger::Ledger;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    stream_arn: Option<String>,
    exclusive_start_shard_id: Option<String>,
    limit: Option<i64>,
    shard_filter: Option<ShardFilter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShardFilter {
    r#type: Option<String>,
    shard_id: Option<String>,
}

pub(super) fn describe_stream(ledger: &Ledger, body: &[u8]) -> Result<String, Fault> {
    let request: Request = parse(body)?;
    let arn = request
        .stream_arn
        .ok_or_else(|| Fault::missing("streamArn"))?;
    let limit = listing_limit(request.limit)?;
    let parent = request.shard_filter.map(parent_wished).transpose()?;
    let (stream, mut shards) = ledger.read(|ledger| {
        let stream = Stream::find(ledger, &arn)?;
        let shards = shards(ledger, &stream)?;
        Ok::<_, Fault>((stream, shards))
    })?;
    if let Some(parent) = parent {
        shards.retain(|shard| shard.parent_id.as_deref() == Some(&parent));
    }
    let begin = request.exclusive_start_shard_id.map_or(0, |start| {
        // Shards are listed by age, and a shard's id begins with its time of creation.
        shards.partition_point(|shard| shard.shard_id <= start)
    });
    let rest = shards.get(begin..).unwrap_or_default();
    let page = rest.get(..limit).unwrap_or(rest);
    let mut description = json!({
        "StreamArn": arn,
        "StreamLabel": stream.label,
        "StreamStatus": if stream.open { "ENABLED" } else { "DISABLED" },
        "StreamViewType": stream.view_type,
        "CreationRequestDateTime": stream.created_at,
        "TableName": stream.table_name,
        "KeySchema": serde_json::from_str::<Value>(&stream.key_schema)?,
        "Shards": page.iter().map(described).collect::<Vec<_>>(),
    });
    if let Some(last) = page.last().filter(|_| rest.len() > page.len()) {
        description["LastEvaluatedShardId"] = last.shard_id.as_str().into();
    }
    Ok(json!({ "StreamDescription": description }).to_string())
}

/// The shard whose children are requested.
fn parent_wished(filter: ShardFilter) -> Result<String, Fault> {
    match (filter.r#type.as_deref(), filter.shard_id) {
        (Some("CHILD_SHARDS"), Some(shard_id)) => Ok(shard_id),
        (Some("CHILD_SHARDS"), None) => Err(Fault::missing("shardFilter.shardId")),
        (kind, _) => Err(Fault::Validation(format!(
            "1 validation error detected: Value '{}' at 'shardFilter.type' failed to satisfy constraint: Member must satisfy enum value set: [CHILD_SHARDS]",
            kind.unwrap_or("null")
        ))),
    }
}

fn shards(ledger: &Transaction<'_>, stream: &Stream) -> Result<Vec<Shard>, Fault> {
    let sql = format!(
        "SELECT {} FROM local_shards WHERE table_name = ?1 AND label = ?2 ORDER BY shard_id",
        Shard::COLUMNS
    );
    let mut statement = ledger.prepare_cached(&sql)?;
    let rows = statement.query_map((&stream.table_name, &stream.label), Shard::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A shard as the API shows it: an ending number only once it is closed.
fn described(shard: &Shard) -> Value {
    let first = shard.after_sequence.saturating_add(1);
    let mut range = json!({ "StartingSequenceNumber": sequence::public(first) });
    if let Some(last) = shard.last_sequence {
        range["EndingSequenceNumber"] = sequence::public(last.max(first)).into();
    }
    let mut described = json!({ "ShardId": shard.shard_id, "SequenceNumberRange": range });
    if let Some(parent) = &shard.parent_id {
        described["ParentShardId"] = parent.as_str().into();
    }
    described
}
