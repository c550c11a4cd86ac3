//! GetRecords: the next records of a shard, up to 1,000 or 1 MB.

use rusqlite::{Rows, Transaction};
use serde::Deserialize;

use super::fault::Fault;
use super::iterator::ShardIterator;
use super::record::Record;
use super::request::parse;
use super::sequence;
use super::shard::Shard;
use crate::Pace;
use crate::ledger::Ledger;

/// The maximum of records in a page.
const MAX_RECORDS: usize = 1_000;
/// The maximum of bytes in a page, unless its first record alone is larger.
const MAX_BYTES: usize = 1_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    shard_iterator: Option<String>,
    limit: Option<i64>,
}

/// The records of one page as JSON, and the position after them.
#[derive(Debug, Default)]
struct Page {
    records: String,
    count: usize,
    position: i64,
    /// Whether there may be more records behind these.
    cut: bool,
}

pub(super) fn get_records(
    ledger: &Ledger,
    pace: &Pace,
    body: &[u8],
    (region, now_ms): (&str, i64),
) -> Result<String, Fault> {
    let request: Request = parse(body)?;
    let limit = limit(request.limit)?;
    let iterator = request
        .shard_iterator
        .ok_or_else(|| Fault::missing("shardIterator"))?;
    let iterator = ShardIterator::decode(&iterator)
        .ok_or_else(|| Fault::Validation("Invalid ShardIterator".into()))?;
    let age_ms = u128::from(
        now_ms
            .saturating_sub(iterator.issued_ms)
            .max(0)
            .unsigned_abs(),
    );
    if age_ms > pace.iterator_life.as_millis() {
        return Err(Fault::ExpiredIterator {
            life_seconds: pace.iterator_life.as_secs(),
        });
    }
    let (shard, page) = ledger.read(|ledger| {
        let shard = Shard::find(ledger, &iterator.shard_id)?;
        let page = page(ledger, &shard, region, iterator.position, limit)?;
        Ok::<_, Fault>((shard, page))
    })?;
    let ended = shard.last_sequence.is_some() && !page.cut;
    let next = if ended {
        String::new()
    } else {
        let next = ShardIterator {
            position: page.position,
            issued_ms: now_ms,
            ..iterator
        };
        format!(",\"NextShardIterator\":\"{}\"", next.encode())
    };
    Ok(format!("{{\"Records\":[{}]{next}}}", page.records))
}

fn limit(wished: Option<i64>) -> Result<usize, Fault> {
    match wished {
        None => Ok(MAX_RECORDS),
        Some(limit @ 1..=1_000) => Ok(usize::try_from(limit).unwrap_or(MAX_RECORDS)),
        Some(limit) => {
            let bound = if limit < 1 {
                "greater than or equal to 1"
            } else {
                "less than or equal to 1000"
            };
            Err(Fault::Validation(format!(
                "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value {bound}"
            )))
        }
    }
}

/// Reads the records of `shard` after `position`.
fn page(
    ledger: &Transaction<'_>,
    shard: &Shard,
    region: &str,
    position: i64,
    limit: usize,
) -> Result<Page, Fault> {
    if position < shard.trimmed_to {
        return Err(Fault::TrimmedDataAccess {
            trimmed_to: sequence::public(shard.trimmed_to),
        });
    }
    let view_type: String = ledger
        .prepare_cached("SELECT view_type FROM local_streams WHERE table_name = ?1 AND label = ?2")?
        .query_row((&shard.table_name, &shard.label), |row| row.get(0))?;
    let mut statement = ledger.prepare_cached(
        "SELECT event_id, event_name, keys_json, new_image, old_image, \
                CAST(sequence_number AS INTEGER), created_at, user_identity \
         FROM _stream_records \
         WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) > ?2 \
           AND CAST(sequence_number AS INTEGER) <= ?3 \
         ORDER BY CAST(sequence_number AS INTEGER)",
    )?;
    let last = shard.last_sequence.unwrap_or(i64::MAX);
    let rows = statement.query((&shard.table_name, position, last))?;
    fill(rows, (&view_type, region, shard.half), position, limit)
}

/// Takes records until the page is full, and skips those without a change.
fn fill(
    mut rows: Rows<'_>,
    (view_type, region, half): (&str, &str, Option<u8>),
    position: i64,
    limit: usize,
) -> Result<Page, Fault> {
    let mut page = Page {
        position,
        ..Page::default()
    };
    while let Some(row) = rows.next()? {
        let record = Record::from_row(row)?;
        if record.changes_nothing() || half.is_some_and(|half| record.half() != half) {
            page.position = record.sequence;
            continue;
        }
        let written = record.to_json(view_type, region);
        let full = page.count > 0 && page.records.len() + written.len() > MAX_BYTES;
        if full || page.count == limit {
            page.cut = true;
            break;
        }
        if page.count > 0 {
            page.records.push(',');
        }
        page.records.push_str(&written);
        page.count += 1;
        page.position = record.sequence;
    }
    Ok(page)
}
