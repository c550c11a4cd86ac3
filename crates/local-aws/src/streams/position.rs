//! GetShardIterator: a position in a shard, by iterator type.

use rusqlite::Transaction;
use serde::Deserialize;
use serde_json::json;

use super::fault::Fault;
use super::iterator::ShardIterator;
use super::request::parse;
use super::sequence;
use super::shard::{Shard, Stream};
use crate::ledger::Ledger;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    stream_arn: Option<String>,
    shard_id: Option<String>,
    shard_iterator_type: Option<String>,
    sequence_number: Option<String>,
    /// Seconds since the epoch.
    timestamp: Option<f64>,
}

/// Where an iterator starts.
#[derive(Debug, PartialEq)]
enum Start {
    TrimHorizon,
    Latest,
    /// After the record with this number.
    After(i64),
    /// At the first record written at this second or later.
    Since(f64),
}

pub(super) fn get_shard_iterator(
    ledger: &Ledger,
    body: &[u8],
    now_ms: i64,
) -> Result<String, Fault> {
    let request: Request = parse(body)?;
    let arn = request
        .stream_arn
        .as_deref()
        .ok_or_else(|| Fault::missing("streamArn"))?;
    let shard_id = request
        .shard_id
        .as_deref()
        .ok_or_else(|| Fault::missing("shardId"))?;
    let start = start(&request)?;
    let position = ledger.read(|ledger| {
        let stream = Stream::find(ledger, arn)?;
        let shard = Shard::find(ledger, shard_id)?;
        if !shard.is_of(&stream) {
            return Err(Fault::ResourceNotFound(format!(
                "Shard: {shard_id} in stream {arn} not found"
            )));
        }
        position(ledger, &shard, start)
    })?;
    let iterator = ShardIterator {
        shard_id: shard_id.to_owned(),
        position,
        issued_ms: now_ms,
    };
    Ok(json!({ "ShardIterator": iterator.encode() }).to_string())
}

fn start(request: &Request) -> Result<Start, Fault> {
    let kind = request.shard_iterator_type.as_deref();
    let kind = kind.ok_or_else(|| Fault::missing("shardIteratorType"))?;
    let number = || {
        let number = request.sequence_number.as_deref();
        sequence::stored(number.ok_or_else(|| Fault::missing("sequenceNumber"))?)
    };
    match kind {
        "TRIM_HORIZON" | "LATEST" | "AT_TIMESTAMP" if request.sequence_number.is_some() => {
            Err(Fault::Validation(
                "One or more parameter values were invalid: SequenceNumber should not be passed for this iterator type".into(),
            ))
        }
        "TRIM_HORIZON" => Ok(Start::TrimHorizon),
        "LATEST" => Ok(Start::Latest),
        "AT_SEQUENCE_NUMBER" => Ok(Start::After(number()?.saturating_sub(1))),
        "AFTER_SEQUENCE_NUMBER" => Ok(Start::After(number()?)),
        "AT_TIMESTAMP" => {
            let since = request.timestamp.ok_or_else(|| Fault::missing("timestamp"))?;
            Ok(Start::Since(since))
        }
        other => Err(Fault::Validation(format!(
            "1 validation error detected: Value '{other}' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: [TRIM_HORIZON, LATEST, AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER, AT_TIMESTAMP]"
        ))),
    }
}

/// The stored number after which reading starts.
fn position(ledger: &Transaction<'_>, shard: &Shard, start: Start) -> Result<i64, Fault> {
    match start {
        Start::TrimHorizon => Ok(shard.trimmed_to),
        Start::Latest => shard.tip(ledger),
        Start::After(number) if number < shard.after_sequence => Err(Fault::Validation(
            "Invalid SequenceNumber for the shard".into(),
        )),
        Start::After(number) if number < shard.trimmed_to => Err(Fault::TrimmedDataAccess {
            trimmed_to: sequence::public(shard.trimmed_to),
        }),
        Start::After(number) => Ok(number),
        Start::Since(seconds) => {
            let first: Option<i64> = ledger
                .prepare_cached(
                    "SELECT MIN(CAST(sequence_number AS INTEGER)) FROM _stream_records \
                     WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) > ?2 AND created_at >= ?3",
                )?
                .query_row((&shard.table_name, shard.trimmed_to, seconds), |row| row.get(0))?;
            let tip = shard.tip(ledger)?;
            Ok(first.map_or(tip, |first| first.saturating_sub(1).min(tip)))
        }
    }
}
