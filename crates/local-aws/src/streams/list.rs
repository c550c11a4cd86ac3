//! ListStreams: the streams of one table or of all tables, including closed streams that can still be read.

use serde::Deserialize;
use serde_json::json;

use super::fault::Fault;
use super::request::{listing_limit, parse};
use super::shard::Stream;
use crate::ledger::Ledger;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    table_name: Option<String>,
    exclusive_start_stream_arn: Option<String>,
    limit: Option<i64>,
}

pub(super) fn list_streams(ledger: &Ledger, body: &[u8]) -> Result<String, Fault> {
    let request: Request = parse(body)?;
    let limit = listing_limit(request.limit)?;
    let streams = ledger.read(|ledger| all(ledger, request.table_name.as_deref()))?;
    let begin = request.exclusive_start_stream_arn.map_or(0, |start| {
        let found = streams.iter().position(|stream| stream.arn() == start);
        found.map_or(0, |place| place + 1)
    });
    let rest = streams.get(begin..).unwrap_or_default();
    let page = rest.get(..limit).unwrap_or(rest);
    let summaries: Vec<_> = page
        .iter()
        .map(|stream| {
            json!({
                "StreamArn": stream.arn(),
                "TableName": stream.table_name,
                "StreamLabel": stream.label,
            })
        })
        .collect();
    let mut answer = json!({ "Streams": summaries });
    if let Some(last) = page.last().filter(|_| rest.len() > page.len()) {
        answer["LastEvaluatedStreamArn"] = last.arn().into();
    }
    Ok(answer.to_string())
}

fn all(ledger: &rusqlite::Transaction<'_>, table: Option<&str>) -> Result<Vec<Stream>, Fault> {
    let sql = format!(
        "SELECT {} FROM local_streams WHERE ?1 IS NULL OR table_name = ?1 ORDER BY table_name, created_at",
        Stream::COLUMNS
    );
    let mut statement = ledger.prepare_cached(&sql)?;
    let streams = statement.query_map([table], Stream::from_row)?;
    Ok(streams.collect::<Result<_, _>>()?)
}
