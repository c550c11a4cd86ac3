//! Items whose time to live has passed.
//!
//! dynoxide has a sweep of its own, which takes no fractions of seconds and takes 0 and times of long ago for expired. Here, an item is deleted as a
//! client deletes it, on condition that its time is the same still, and the stream's record of it names the service. A trigger of the ledger adds that
//! name for the items in `local_expiring`.

use std::collections::BTreeMap;
use std::time::Duration;

use dynoxide::{Database, DynoxideError};
use serde_json::{Map, Value, json};

use crate::ledger::{Ledger, LedgerError};

/// The table and trigger that expiry adds to dynoxide's file.
pub(super) const SCHEMA: &str = include_str!("expiry.sql");
/// A time of more than five years ago is taken for a mistake (Amazon DynamoDB, "Time to Live: before you start").
const OLDEST: f64 = 5.0 * 365.0 * 24.0 * 60.0 * 60.0;
/// The number of items read, and deleted, at once, so that requests of clients don't wait long.
const BATCH: usize = 100;

/// Why items were not removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExpiryError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("a table's key or an item can't be read")]
    Json(#[from] serde_json::Error),
    #[error("an item was not deleted")]
    Delete(#[from] DynoxideError),
}

impl From<rusqlite::Error> for ExpiryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(error.into())
    }
}

/// A table with a time to live.
#[derive(Debug)]
struct Expiring {
    table: String,
    attribute: String,
    keys: Vec<String>,
}

/// An expired item, as its table names it.
#[derive(Debug)]
struct Expired {
    key: BTreeMap<String, Value>,
    time: Value,
}

/// Deletes the items that have expired by `now`, the time since 1970.
pub(super) fn sweep(
    database: &Database,
    ledger: &Ledger,
    now: Duration,
) -> Result<(), ExpiryError> {
    for table in tables(ledger)? {
        let mut after = 0;
        while let Some((last, expired)) = read(ledger, &table, after, now.as_secs_f64())? {
            after = last;
            delete(database, ledger, &table, &expired)?;
        }
    }
    Ok(())
}

fn tables(ledger: &Ledger) -> Result<Vec<Expiring>, ExpiryError> {
    ledger.read(|ledger| {
        let mut tables = ledger.prepare_cached(
            "SELECT table_name, ttl_attribute, key_schema FROM _tables WHERE ttl_enabled AND ttl_attribute IS NOT NULL",
        )?;
        let mut rows = tables.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let schema: Vec<Map<String, Value>> = serde_json::from_str(&row.get::<_, String>(2)?)?;
            let keys = schema.iter().filter_map(|key| key.get("AttributeName")?.as_str());
            found.push(Expiring {
                table: row.get(0)?,
                attribute: row.get(1)?,
                keys: keys.map(str::to_owned).collect(),
            });
        }
        Ok(found)
    })
}

/// Reads a batch of items behind a row: the last row, and those that have expired; `None` behind the last one.
fn read(
    ledger: &Ledger,
    of: &Expiring,
    after: i64,
    now: f64,
) -> Result<Option<(i64, Vec<Expired>)>, ExpiryError> {
    let sql = format!(
        "SELECT rowid, item_json FROM \"{}\" WHERE rowid > ?1 ORDER BY rowid LIMIT {BATCH}",
        of.table.replace('"', "\"\"")
    );
    ledger.read(|ledger| {
        let mut items = ledger.prepare_cached(&sql)?;
        let mut rows = items.query([after])?;
        let (mut last, mut expired) = (None, Vec::new());
        while let Some(row) = rows.next()? {
            last = Some(row.get(0)?);
            let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            // Most items of most tables have no such attribute.
            if text.contains(of.attribute.as_str()) {
                let item: Map<String, Value> = serde_json::from_str(text)?;
                expired.extend(expired_item(of, &item, now));
            }
        }
        Ok(last.map(|last| (last, expired)))
    })
}

fn expired_item(of: &Expiring, item: &Map<String, Value>, now: f64) -> Option<Expired> {
    let time = item.get(&of.attribute)?;
    let seconds: f64 = time.get("N")?.as_str()?.parse().ok()?;
    let key = of.keys.iter();
    let key = key.filter_map(|name| Some((name.clone(), item.get(name)?.clone())));
    has_expired(seconds, now).then(|| Expired {
        key: key.collect(),
        time: time.clone(),
    })
}

fn has_expired(seconds: f64, now: f64) -> bool {
    seconds < now && seconds >= now - OLDEST
}

/// Deletes items, and has their records name the service.
fn delete(
    database: &Database,
    ledger: &Ledger,
    of: &Expiring,
    expired: &[Expired],
) -> Result<(), ExpiryError> {
    if expired.is_empty() {
        return Ok(());
    }
    ledger.write(|ledger| {
        let mut mark = ledger.prepare_cached(
            "INSERT OR IGNORE INTO local_expiring (table_name, keys) VALUES (?1, ?2)",
        )?;
        for item in expired {
            mark.execute((&of.table, serde_json::to_string(&item.key)?))?;
        }
        Ok::<_, ExpiryError>(())
    })?;
    let deleted = expired.iter().try_for_each(|item| {
        let request = serde_json::from_value(json!({
            "TableName": of.table, "Key": item.key, "ConditionExpression": "#time = :time",
            "ExpressionAttributeNames": { "#time": of.attribute }, "ExpressionAttributeValues": { ":time": item.time },
        }))?;
        match database.delete_item(request) {
            Ok(_) | Err(DynoxideError::ConditionalCheckFailedException(..)) => Ok(()),
            Err(error) => Err(ExpiryError::Delete(error)),
        }
    });
    ledger.write(|ledger| {
        ledger.execute(
            "DELETE FROM local_expiring WHERE table_name = ?1",
            [&of.table],
        )?;
        Ok::<_, ExpiryError>(())
    })?;
    deleted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_last_five_years_has_expired() {
        let now = 1_790_000_000.0;
        for (seconds, expired) in [
            (now - 0.5, true),
            (now - 60.0, true),
            (now - OLDEST, true),
            (now, false),
            (now + 1.0, false),
            (now - OLDEST - 1.0, false),
            (0.0, false),
            (-60.0, false),
        ] {
            assert_eq!(has_expired(seconds, now), expired, "{seconds}");
        }
    }
}
