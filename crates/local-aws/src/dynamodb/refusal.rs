//! Changes of a table that DynamoDB refuses and dynoxide accepts.

use rusqlite::OptionalExtension;
use serde::Deserialize;

use super::front::invalid;
use crate::ledger::{Ledger, LedgerError};
use crate::reply::Reply;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateTable {
    table_name: String,
    stream_specification: StreamSpecification,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamSpecification {
    stream_enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateTimeToLive {
    table_name: String,
    time_to_live_specification: TimeToLive,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeToLive {
    attribute_name: String,
    enabled: bool,
}

/// The features that are enabled on a table.
#[derive(Debug, Default, PartialEq, Eq)]
struct Switches {
    stream: bool,
    time_to_live: Option<String>,
}

/// Returns the refusal of a feature that is already enabled; `None` forwards the request, also a malformed one.
///
/// dynoxide would give a stream that is enabled twice another ARN, and its readers would lose their checkpoints.
pub(super) fn of_switch(ledger: &Ledger, operation: &str, body: &[u8]) -> Option<Reply> {
    let message = match operation {
        "UpdateTable" => {
            let request: UpdateTable = serde_json::from_slice(body).ok()?;
            let table = request.table_name;
            let on = switches(ledger, &table).ok()??.stream;
            stream_refusal(&table, request.stream_specification.stream_enabled, on)
        }
        "UpdateTimeToLive" => {
            let request: UpdateTimeToLive = serde_json::from_slice(body).ok()?;
            let on = switches(ledger, &request.table_name).ok()??.time_to_live;
            time_to_live_refusal(&request.time_to_live_specification, on.as_deref())
        }
        _ => None,
    }?;
    Some(invalid(&message))
}

fn stream_refusal(table: &str, wished: bool, on: bool) -> Option<String> {
    match (wished, on) {
        (true, true) => Some(format!(
            "Table already has an enabled stream: TableName: {table}"
        )),
        (false, false) => Some(format!(
            "Table is not a stream enabled table: TableName: {table}"
        )),
        (true, false) | (false, true) => None,
    }
}

fn time_to_live_refusal(wished: &TimeToLive, on: Option<&str>) -> Option<String> {
    match (wished.enabled, on) {
        (true, Some(attribute)) if attribute == wished.attribute_name => {
            Some("TimeToLive is already enabled".into())
        }
        (false, None) => Some("TimeToLive is already disabled".into()),
        (false, Some(attribute)) if attribute != wished.attribute_name => Some(format!(
            "TimeToLive is active on a different AttributeName: current AttributeName is {attribute}"
        )),
        (true, _) | (false, Some(_)) => None,
    }
}

fn switches(ledger: &Ledger, table: &str) -> Result<Option<Switches>, LedgerError> {
    ledger.read(|ledger| {
        let found = ledger
            .prepare_cached(
                "SELECT stream_enabled, CASE WHEN ttl_enabled THEN ttl_attribute END \
                 FROM _tables WHERE table_name = ?1",
            )?
            .query_row([table], |row| {
                Ok(Switches {
                    stream: row.get(0)?,
                    time_to_live: row.get(1)?,
                })
            })
            .optional()?;
        Ok(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_switched_only_to_where_it_is_not() {
        for (wished, on, refused) in [
            (true, true, true),
            (true, false, false),
            (false, true, false),
            (false, false, true),
        ] {
            assert_eq!(
                stream_refusal("T", wished, on).is_some(),
                refused,
                "{wished} {on}"
            );
        }
    }

    #[test]
    fn a_time_to_live_is_switched_only_to_where_it_is_not() {
        let wish = |enabled| TimeToLive {
            attribute_name: "Expires".into(),
            enabled,
        };
        for (wished, on, refused) in [
            (true, Some("Expires"), true),
            (true, None, false),
            (false, Some("Expires"), false),
            (false, None, true),
            // dynoxide itself refuses another attribute.
            (true, Some("Other"), false),
            (false, Some("Other"), true),
        ] {
            let refusal = time_to_live_refusal(&wish(wished), on);
            assert_eq!(refusal.is_some(), refused, "{wished} {on:?}");
        }
    }
}
