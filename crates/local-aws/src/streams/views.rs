//! Streams with another view type than both images.
//!
//! dynoxide records of a change what the view type shows, and from that alone a write that changes nothing can't be told from another. So it records
//! both images always. The stream's own view type is stored here, and records show what it says.

use axum::http::StatusCode;
use rusqlite::OptionalExtension;
use serde_json::{Map, Value, json};

use crate::ledger::{Ledger, LedgerError};
use crate::reply::Reply;

const BOTH: &str = "NEW_AND_OLD_IMAGES";

/// Has dynoxide record both images of a table; returns the table and the view type that was asked for, if it is another.
pub(crate) fn record_both(request: &mut Map<String, Value>) -> Option<(String, String)> {
    let table = request.get("TableName")?.as_str()?.to_owned();
    let stream = request.get_mut("StreamSpecification")?.as_object_mut()?;
    let view = stream.get_mut("StreamViewType")?;
    let asked = view.as_str()?.to_owned();
    if asked == BOTH {
        return None;
    }
    *view = json!(BOTH);
    Some((table, asked))
}

/// Stores the view type of a table's stream.
pub(crate) fn store(ledger: &Ledger, table: &str, view: &str) -> Result<(), LedgerError> {
    ledger.write(|ledger| {
        ledger.execute(
            "UPDATE local_streams SET view_type = ?2 WHERE table_name = ?1 AND closed_at IS NULL",
            (table, view),
        )?;
        Ok(())
    })
}

/// Shows the view type of a table's stream in a description of the table.
pub(crate) fn show(ledger: &Ledger, mut reply: Reply) -> Reply {
    if reply.status != StatusCode::OK
        || !reply.body.windows(BOTH.len()).any(|w| w == BOTH.as_bytes())
    {
        return reply;
    }
    let Ok(mut answer) = serde_json::from_slice::<Value>(&reply.body) else {
        return reply;
    };
    let mut changed = false;
    for member in ["Table", "TableDescription"] {
        let Some(table) = answer.get_mut(member) else {
            continue;
        };
        let view = table["TableName"]
            .as_str()
            .and_then(|name| view_of(ledger, name).ok()?);
        let shown = table.pointer_mut("/StreamSpecification/StreamViewType");
        if let (Some(view), Some(shown)) = (view, shown) {
            changed = *shown != view.as_str();
            *shown = json!(view);
        }
    }
    if changed {
        reply.replace_body(answer.to_string());
    }
    reply
}

fn view_of(ledger: &Ledger, table: &str) -> Result<Option<String>, LedgerError> {
    ledger.read(|ledger| {
        let view = ledger
            .prepare_cached(
                "SELECT view_type FROM local_streams WHERE table_name = ?1 ORDER BY closed_at IS NOT NULL, created_at DESC LIMIT 1",
            )?
            .query_row([table], |row| row.get(0))
            .optional()?;
        Ok(view)
    })
}
