//! What DynamoDB does under pressure and dynoxide never does: transactions in each other's way, throttled partitions, and reads that are late.
//!
//! Nothing here answers with what DynamoDB could not answer. What is not modelled is served as ever: late reads of batches, of scans, and of queries
//! with a filter or a projection.

mod batch;
mod item;
mod stale;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::ledger::Ledger;
use crate::reply::{Reply, fault};
use item::{ItemId, items};

/// How long the items of a transaction are in the way of others after it. dynoxide's transactions alone would hardly ever meet.
const HOLD: Duration = Duration::from_millis(5);
/// How long a transaction is taken to run whose client is gone.
const LONGEST: Duration = Duration::from_secs(5);
/// How long a write is not seen by every read and index.
const LATE: Duration = Duration::from_millis(100);
/// A partition is throttled in one of so many intervals of this length.
const THROTTLED_ONE_IN: u64 = 40;
const THROTTLED: Duration = Duration::from_millis(50);

/// The pressure on one database.
#[derive(Debug)]
pub(super) struct Pressure {
    seed: u64,
    drawn: AtomicU64,
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The items of transactions, and until when they are in the way of others.
    transacted: BTreeMap<ItemId, Instant>,
    /// The request tokens of running transactions, and until when they run at most.
    tokens: BTreeMap<String, Instant>,
    /// The items that were written lately, as they were before.
    written: BTreeMap<ItemId, Written>,
}

#[derive(Debug)]
struct Written {
    before: Option<Map<String, Value>>,
    at: Instant,
}

/// A request under pressure, until it is answered.
#[derive(Debug)]
pub(super) struct Running {
    items: Vec<ItemId>,
    token: Option<String>,
    holds: bool,
}

impl Pressure {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            drawn: AtomicU64::new(0),
            started: Instant::now(),
            state: Mutex::default(),
        }
    }

    /// Begins a request, or refuses it.
    pub(super) fn begin(
        &self,
        ledger: &Ledger,
        operation: &str,
        request: &Map<String, Value>,
    ) -> Result<Running, Box<Reply>> {
        let items = items(ledger, operation, request);
        if items.iter().any(|item| self.is_throttled(item)) {
            return Err(Box::new(throttled()));
        }
        let transacts = operation.starts_with("Transact");
        let holds = operation == "TransactWriteItems";
        let waits = !matches!(operation, "GetItem" | "Query" | "Scan" | "BatchGetItem");
        let token = request.get("ClientRequestToken").and_then(Value::as_str);
        let token = token.filter(|_| transacts).map(str::to_owned);
        let mut state = self.state();
        let now = Instant::now();
        state.transacted.retain(|_, until| *until > now);
        state.tokens.retain(|_, until| *until > now);
        state.written.retain(|_, written| written.at + LATE > now);
        if let Some(token) = &token
            && state.tokens.contains_key(token)
        {
            return Err(Box::new(in_progress()));
        }
        let conflicts: Vec<bool> = items
            .iter()
            .map(|item| waits && state.transacted.contains_key(item))
            .collect();
        if conflicts.contains(&true) {
            return Err(Box::new(conflict(transacts, &conflicts)));
        }
        let at_most = now + LONGEST;
        if holds {
            let held = items.iter().map(|item| (item.clone(), at_most));
            state.transacted.extend(held);
        }
        state
            .tokens
            .extend(token.clone().map(|token| (token, at_most)));
        Ok(Running {
            items,
            token,
            holds,
        })
    }

    /// Ends a request. `before` are the items that it wrote as they were before, in the order of its items.
    pub(super) fn end(&self, running: Running, before: Vec<Option<Map<String, Value>>>) {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(token) = &running.token {
            state.tokens.remove(token);
        }
        if running.holds {
            let held = running.items.iter();
            state
                .transacted
                .extend(held.map(|item| (item.clone(), now + HOLD)));
        }
        for (item, before) in running.items.into_iter().zip(before) {
            // An item that is written again before all have seen it may be seen as it was first.
            state
                .written
                .entry(item)
                .or_insert(Written { before, at: now });
        }
    }

    /// A number that follows from the seed and from how many were drawn before.
    fn draw(&self) -> u64 {
        mixed(self.seed ^ self.drawn.fetch_add(1, Ordering::Relaxed))
    }

    fn is_throttled(&self, item: &ItemId) -> bool {
        let interval = self.started.elapsed().as_millis() / THROTTLED.as_millis();
        let interval = u64::try_from(interval).unwrap_or(u64::MAX);
        mixed(self.seed ^ item.partition() ^ mixed(interval)).is_multiple_of(THROTTLED_ONE_IN)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// The reads of the items that a write is about to change.
    pub(super) fn reads(&self) -> impl Iterator<Item = Value> {
        self.items.iter().map(ItemId::read)
    }
}

/// The finalizer of SplitMix64.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn refused(name: &str, message: &str) -> Reply {
    let code = format!("com.amazonaws.dynamodb.v20120810#{name}");
    fault(StatusCode::BAD_REQUEST, &code, message)
}

fn throttled() -> Reply {
    refused(
        "ProvisionedThroughputExceededException",
        "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.",
    )
}

fn in_progress() -> Reply {
    refused(
        "TransactionInProgressException",
        "The transaction with the given request token is already in progress.",
    )
}

fn conflict(transacts: bool, conflicts: &[bool]) -> Reply {
    if !transacts {
        return refused(
            "TransactionConflictException",
            "Transaction is ongoing for the item",
        );
    }
    let codes = conflicts.iter().map(|conflict| {
        if *conflict {
            "TransactionConflict"
        } else {
            "None"
        }
    });
    let codes: Vec<&str> = codes.collect();
    let reasons = codes.iter().map(|code| match *code {
        "None" => json!({ "Code": code }),
        _ => json!({ "Code": code, "Message": "Transaction is ongoing for the item" }),
    });
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", ")),
        "CancellationReasons": reasons.collect::<Vec<_>>(),
    });
    Reply::json(StatusCode::BAD_REQUEST, body.to_string())
}

#[cfg(test)]
mod tests;
