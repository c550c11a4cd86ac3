//! DynamoDB Streams on the records that dynoxide stores: streams, shards with their lineage, iterators and pages.

mod describe;
mod fault;
mod iterator;
mod list;
mod page;
mod position;
mod record;
mod request;
mod sequence;
mod shard;
mod upkeep;
pub(crate) mod views;

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::StatusCode;

use crate::Pace;
use crate::dynamodb::DYNOXIDE_ARNS;
use crate::ledger::Ledger;
use crate::place::{Place, exchange};
use crate::reply::{Reply, fault, unknown_operation};
use upkeep::epoch_ms;
pub(crate) use upkeep::run_upkeep;

/// The tables, index and triggers that the streams add to dynoxide's file.
pub(crate) const SCHEMA: &str = include_str!("streams/schema.sql");

/// The stream service.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    ledger: Arc<Ledger>,
    pace: Pace,
}

impl Streams {
    pub(crate) fn new(ledger: Arc<Ledger>, pace: Pace) -> Self {
        Self { ledger, pace }
    }

    /// Answers one operation, on a thread that may block.
    pub(crate) async fn answer(&self, operation: &str, body: Bytes, place: &Place) -> Reply {
        let arns = place.arns_of("dynamodb");
        let body = exchange(&body, &arns, DYNOXIDE_ARNS).map_or(body, Bytes::from);
        let (streams, named, region) = (self.clone(), operation.to_owned(), place.region.clone());
        let running = tokio::task::spawn_blocking(move || streams.run(&named, &body, &region));
        let mut answered = running.await;
        // Records are the clients' own.
        if let Ok(reply) = &mut answered
            && operation != "GetRecords"
            && let Some(exchanged) = exchange(&reply.body, DYNOXIDE_ARNS, &arns)
        {
            reply.replace_body(exchanged);
        }
        answered.unwrap_or_else(|error| {
            tracing::error!(operation, error = ?error, "a stream operation did not finish");
            fault(
                StatusCode::INTERNAL_SERVER_ERROR,
                "com.amazonaws.dynamodb.v20120810#InternalServerError",
                "the operation broke off",
            )
        })
    }

    fn run(&self, operation: &str, body: &[u8], region: &str) -> Reply {
        let now_ms = epoch_ms();
        let result = match operation {
            "ListStreams" => list::list_streams(&self.ledger, body),
            "DescribeStream" => describe::describe_stream(&self.ledger, body),
            "GetShardIterator" => position::get_shard_iterator(&self.ledger, body, now_ms),
            "GetRecords" => page::get_records(&self.ledger, &self.pace, body, (region, now_ms)),
            _ => return unknown_operation(operation),
        };
        match result {
            Ok(body) => Reply::json(StatusCode::OK, body),
            Err(fault) => fault.into_reply(operation),
        }
    }
}
