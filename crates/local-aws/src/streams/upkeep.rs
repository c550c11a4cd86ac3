//! The upkeep of streams: trims old records, closes old shards and opens their children, and removes closed shards and streams.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Transaction;

use crate::Pace;
use crate::ledger::{Ledger, LedgerError};

/// The number of records trimmed in one transaction, so that writes of clients don't wait long.
const TRIM_BATCH: usize = 500;

/// Runs the upkeep that is due.
///
/// # Errors
///
/// [`LedgerError`]. The next call continues where this one failed.
pub(crate) fn run_upkeep(ledger: &Ledger, pace: &Pace) -> Result<(), LedgerError> {
    let now = Duration::from_millis(epoch_ms().unsigned_abs());
    let retained_from = now.saturating_sub(pace.stream_retention).as_secs_f64();
    while ledger.write(|ledger| trim(ledger, retained_from))? {}
    let open_from = now.saturating_sub(pace.shard_life).as_secs_f64();
    ledger.write(|ledger| {
        replace_shards(ledger, open_from, pace.pressure)?;
        forget_closed(ledger, retained_from)
    })
}

/// Removes a batch of records older than `retained_from`, and returns whether there may be more.
///
/// A table's newest record is kept, but hidden, because dynoxide counts on from it.
fn trim(ledger: &Transaction<'_>, retained_from: f64) -> Result<bool, LedgerError> {
    let mut oldest = ledger.prepare_cached(
        "SELECT id, table_name, CAST(sequence_number AS INTEGER), created_at FROM _stream_records AS r \
         WHERE CAST(sequence_number AS INTEGER) < \
             (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = r.table_name) \
         ORDER BY id",
    )?;
    let mut remove = ledger.prepare_cached("DELETE FROM _stream_records WHERE id = ?1")?;
    let mut trimmed: BTreeMap<String, i64> = BTreeMap::new();
    let mut removed: Vec<i64> = Vec::with_capacity(TRIM_BATCH);
    let mut rows = oldest.query([])?;
    while let Some(row) = rows.next()? {
        let created_at: f64 = row.get::<_, i64>(3)? as f64;
        if created_at >= retained_from || removed.len() == TRIM_BATCH {
            break;
        }
        removed.push(row.get(0)?);
        let (table, sequence) = (row.get(1)?, row.get::<_, i64>(2)?);
        let reached = trimmed.entry(table).or_insert(sequence);
        *reached = sequence.max(*reached);
    }
    drop(rows);
    for id in &removed {
        remove.execute([id])?;
    }
    for (table, sequence) in &trimmed {
        raise_horizon(ledger, table, *sequence)?;
    }
    hide_leftovers(ledger, retained_from)?;
    Ok(removed.len() == TRIM_BATCH)
}

fn raise_horizon(ledger: &Transaction<'_>, table: &str, sequence: i64) -> Result<(), LedgerError> {
    ledger.execute(
        "UPDATE local_shards SET trimmed_to = MAX(trimmed_to, MIN(?2, COALESCE(last_sequence, ?2))) \
         WHERE table_name = ?1 AND after_sequence < ?2",
        (table, sequence),
    )?;
    Ok(())
}

/// Moves the trim horizon past a table's newest record if that record is too old as well.
fn hide_leftovers(ledger: &Transaction<'_>, retained_from: f64) -> Result<(), LedgerError> {
    let mut leftovers = ledger.prepare_cached(
        "SELECT s.table_name, MAX(CAST(r.sequence_number AS INTEGER)) \
         FROM (SELECT DISTINCT table_name FROM local_shards) AS s \
         JOIN _stream_records AS r ON r.table_name = s.table_name \
          AND CAST(r.sequence_number AS INTEGER) = \
              (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = s.table_name) \
         WHERE r.created_at < ?1 GROUP BY s.table_name",
    )?;
    let found: Vec<(String, i64)> = leftovers
        .query_map([retained_from], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (table, sequence) in found {
        raise_horizon(ledger, &table, sequence)?;
    }
    Ok(())
}

/// Closes each shard opened before `open_from` and opens a child in its place, or two if it `splits` and has all keys.
fn replace_shards(
    ledger: &Transaction<'_>,
    open_from: f64,
    splits: bool,
) -> Result<(), LedgerError> {
    let mut due = ledger.prepare_cached(
        "SELECT shard_id, half FROM local_shards WHERE closed_at IS NULL AND opened_at < ?1",
    )?;
    let due: Vec<(String, Option<u8>)> = due
        .query_map([open_from], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (shard_id, half) in due {
        let children = match half {
            None if splits => vec![Some(0), Some(1)],
            same => vec![same],
        };
        ledger.execute(
            "UPDATE local_shards AS s SET closed_at = unixepoch('subsec'), last_sequence = MAX(after_sequence, \
                 COALESCE((SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records \
                           WHERE table_name = s.table_name), 0)) \
             WHERE shard_id = ?1",
            [&shard_id],
        )?;
        for half in children {
            // Ids are in the order of age, also if the clock was set back.
            ledger.execute(
                "INSERT INTO local_shards \
                     (shard_id, table_name, label, parent_id, after_sequence, trimmed_to, opened_at, half) \
                 SELECT printf('shardId-%020d-%s', \
                            MAX(unixepoch('subsec') * 1000, CAST(substr(shard_id, 9, 20) AS INTEGER) + 1), lower(hex(randomblob(4)))), \
                        table_name, label, shard_id, last_sequence, last_sequence, unixepoch('subsec'), ?2 \
                 FROM local_shards WHERE shard_id = ?1",
                (&shard_id, half),
            )?;
        }
    }
    Ok(())
}

/// Removes the shards and streams that were closed before `retained_from`, whose records were trimmed.
fn forget_closed(ledger: &Transaction<'_>, retained_from: f64) -> Result<(), LedgerError> {
    ledger.execute(
        "DELETE FROM local_shards WHERE closed_at < ?1",
        [retained_from],
    )?;
    ledger.execute(
        "DELETE FROM local_streams WHERE closed_at < ?1",
        [retained_from],
    )?;
    Ok(())
}

pub(super) fn epoch_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
