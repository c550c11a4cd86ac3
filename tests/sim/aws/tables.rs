//! DynamoDB: dynoxide in memory, called without HTTP, and the images of every item before and after each write.
//!
//! dynoxide's own streams stay off: it would scan all records of a table at each write, shows one shard that never
//! ends, tells of writes that change nothing and remembers request tokens by the real clock. Here a write's keys are
//! taken from the request, the image before it is known, and the one after it is read back: that is the change log.
//! Request tokens and the description of a table's stream are kept here too.
//!
//! Not here: items don't expire (the receipts of commands live 90 days), and nothing but the known operations is.

mod batches;
mod dispatch;
mod refusals;
mod staleness;
mod table;
mod tokens;
mod writes;

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::Arc;

use dynoxide::Database;
use serde_json::Value;

use super::adversity::Adversary;
use super::clock::WallClock;
use super::streams::Streams;
use super::{ApiCall, ApiReply};
use table::Table;
use tokens::{Claim, Tokens};

pub(crate) use writes::CommittedWrite;

/// All tables.
pub(super) struct Tables {
    database: Database,
    tables: BTreeMap<String, Table>,
    tokens: Tokens,
    commits: Vec<CommittedWrite>,
    commits_made: u64,
}

/// One call in a table's hands.
struct Occasion<'a> {
    node: u32,
    now: u64,
    adversary: &'a mut Adversary,
    streams: &'a mut Streams,
}

impl Tables {
    pub(super) fn new(clock: &WallClock) -> Self {
        Self {
            database: Database::memory_with_clock(Arc::new(clock.clone()))
                .expect("SQLite opens a database in memory"),
            tables: BTreeMap::new(),
            tokens: Tokens::default(),
            commits: Vec::new(),
            commits_made: 0,
        }
    }

    pub(super) fn take_commits(&mut self) -> Vec<CommittedWrite> {
        mem::take(&mut self.commits)
    }

    pub(super) fn items(&self, table: &str) -> Vec<Arc<Value>> {
        self.tables.get(table).map(Table::items).unwrap_or_default()
    }

    pub(super) fn call(
        &mut self,
        operation: &str,
        call: &ApiCall,
        adversary: &mut Adversary,
        streams: &mut Streams,
        now: u64,
    ) -> ApiReply {
        let Ok(request) = serde_json::from_slice::<Value>(&call.body) else {
            return ApiReply::fault(400, "SerializationException", "The body is not JSON.");
        };
        if let Some(refusal) = refusals::refusal(operation, &request, adversary) {
            return refusal;
        }
        let mut occasion = Occasion {
            node: call.node,
            now,
            adversary,
            streams,
        };
        let answered = match operation {
            "CreateTable" | "UpdateTable" | "DeleteTable" | "DescribeTable" => {
                self.administer(operation, request, &mut occasion)
            }
            "GetItem" => self.get(request, &mut occasion),
            "BatchGetItem" => self.get_batch(request, &mut occasion),
            "Query" | "Scan" => self.read_page(operation, request, &mut occasion),
            "PutItem" | "UpdateItem" | "DeleteItem" => {
                self.write(operation, request, &mut occasion)
            }
            "BatchWriteItem" => self.write_batch(request, &mut occasion),
            "TransactWriteItems" => self.transact(request, &mut occasion),
            _ => dispatch::dispatch(&self.database, operation, request),
        };
        answered.map_or_else(|refusal| refusal, |answer| ApiReply::ok(&answer))
    }

    /// Carries out a transaction, unless its token says that it was carried out already.
    fn transact(
        &mut self,
        mut request: Value,
        occasion: &mut Occasion<'_>,
    ) -> Result<Value, ApiReply> {
        match self.tokens.claim(&mut request, occasion.now)? {
            Claim::Done => Ok(serde_json::json!({})),
            Claim::New(token) => {
                let answer = self.write("TransactWriteItems", request, occasion)?;
                self.tokens.keep(token, occasion.now);
                Ok(answer)
            }
        }
    }

    fn read(&self, table: &str, key: &Value) -> Option<Value> {
        let key: HashMap<String, dynoxide::AttributeValue> =
            serde_json::from_value(key.clone()).expect("the request was carried out with it");
        let request = dynoxide::actions::get_item::GetItemRequest {
            table_name: table.to_owned(),
            key,
            consistent_read: Some(true),
            ..Default::default()
        };
        let answer = self
            .database
            .get_item(request)
            .expect("an item that was just written can be read");
        let item = answer.item?;
        Some(serde_json::to_value(item).expect("an item is JSON"))
    }
}
