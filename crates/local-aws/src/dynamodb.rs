//! DynamoDB: dynoxide behind its own server, and a proxy that adds what dynoxide lacks.

mod creating;
mod engine;
mod expiry;
mod front;
mod nesting;
mod pressure;
mod proxy;
mod refusal;
mod tables;
mod tokens;
mod upkeep;
mod writes;

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::data_dir::DataDir;
use crate::ledger::Ledger;
use crate::place::{ACCOUNT, Place, exchange};
use crate::reply::{Reply, fault, unknown_operation};
use crate::streams::{Streams, views};
use crate::{Error, Pace};
use creating::Creating;
use engine::{BoxError, Engine};
use front::existence::Dependent;
use pressure::Pressure;
use proxy::Proxy;

/// The operations that dynoxide knows, without those of DynamoDB Streams.
const OPERATIONS: [&str; 24] = [
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "CreateTable",
    "DeleteItem",
    "DeleteTable",
    "DescribeTable",
    "DescribeTimeToLive",
    "ExecuteStatement",
    "ExecuteTransaction",
    "GetItem",
    "ListTables",
    "ListTagsOfResource",
    "PutItem",
    "Query",
    "Scan",
    "TagResource",
    "TransactGetItems",
    "TransactWriteItems",
    "UntagResource",
    "UpdateItem",
    "UpdateTable",
    "UpdateTimeToLive",
    "SearchVectors",
];
/// What dynoxide's ARNs begin with.
pub(crate) const DYNOXIDE_ARNS: &str = "arn:aws:dynamodb:dynoxide:000000000000:";

/// Who asks, and under which address it reached this endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) place: Place,
    /// The address and port, without a scheme.
    pub(crate) endpoint: String,
}

/// The service of tables and items.
#[derive(Debug)]
pub(crate) struct DynamoDb {
    proxy: Proxy,
    streams: Streams,
    ledger: Arc<Ledger>,
    pace: Pace,
    creating: Creating,
    pressure: Option<Pressure>,
    running: Mutex<Option<Running>>,
}

/// The parts to stop at the end.
#[derive(Debug)]
struct Running {
    engine: Engine,
    upkeep: JoinHandle<()>,
    stop_upkeep: DropGuard,
}

impl DynamoDb {
    /// Opens the database and starts its server.
    ///
    /// # Errors
    ///
    /// [`Error::OpenDynamoDb`].
    pub(crate) async fn open(data_dir: Arc<DataDir>, pace: Pace) -> Result<Self, Error> {
        let path = data_dir.dynamodb_file();
        let failed = |source: BoxError| {
            if is_disk_full(&*source) {
                return Error::DiskFull { path };
            }
            Error::OpenDynamoDb { path, source }
        };
        let (engine, opened) = Engine::start(data_dir).await.map_err(failed)?;
        let ledger = Arc::new(opened.ledger);
        let stop = CancellationToken::new();
        let upkeep = upkeep::spawn(
            opened.database,
            Arc::clone(&ledger),
            pace.clone(),
            stop.clone(),
        );
        Ok(Self {
            proxy: Proxy::to(opened.address),
            streams: Streams::new(Arc::clone(&ledger), pace.clone()),
            ledger,
            creating: Creating::new(pace.table_creation),
            pressure: pace.pressure.then(|| Pressure::new(pace.seed)),
            pace,
            running: Mutex::new(Some(Running {
                engine,
                upkeep,
                stop_upkeep: stop.drop_guard(),
            })),
        })
    }

    /// Returns the stream service of this database.
    pub(crate) fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Answers one operation. What is done in front of dynoxide is listed in [`front`].
    pub(crate) async fn answer(&self, operation: &str, body: Bytes, caller: &Caller) -> Reply {
        if let Some(reply) = front::fixed(operation, &caller.endpoint) {
            return reply;
        }
        if operation == "DescribeContinuousBackups" {
            let described = self.forward("DescribeTable", front::describe_table(&body));
            return front::backups(described.await);
        }
        if !OPERATIONS.contains(&operation) {
            return unknown_operation(operation);
        }
        let refused = nesting::refusal(operation, &body);
        if let Some(refusal) = refused.or_else(|| self.creating.refusal(operation, &body)) {
            return refusal;
        }
        // Statements are data through and through, so no ARN in them is touched.
        if nesting::STATEMENTS.contains(&operation) {
            return self.forward(operation, body).await;
        }
        if !creating::ON_ITEMS.contains(&operation) {
            return self.administer(operation, body, &caller.place).await;
        }
        match &self.pressure {
            Some(pressure) => self.pressed(pressure, operation, body, &caller.place).await,
            None => self.on_items(operation, body, &caller.place).await,
        }
    }

    async fn on_items(&self, operation: &str, body: Bytes, place: &Place) -> Reply {
        match front::read(operation, &body) {
            Some(request) => self.read(operation, body, request, place).await,
            None => self.forward(operation, body).await,
        }
    }

    /// Answers an operation on items as DynamoDB does under pressure.
    async fn pressed(
        &self,
        pressure: &Pressure,
        operation: &str,
        mut body: Bytes,
        place: &Place,
    ) -> Reply {
        let Ok(mut request) = serde_json::from_slice(&body) else {
            return self.on_items(operation, body, place).await;
        };
        let running = match pressure.begin(&self.ledger, operation, &request) {
            Ok(running) => running,
            Err(refusal) => return *refusal,
        };
        let left = pressure.take_off(operation, &mut request);
        if left.is_some() {
            body = front::existence::body(&request);
        }
        let mut before = Vec::new();
        if !matches!(operation, "GetItem" | "TransactGetItems") {
            for read in running.reads() {
                let read = self.forward("GetItem", Bytes::from(read.to_string()));
                let answer = serde_json::from_slice::<Value>(&read.await.body).ok();
                before.push(answer.and_then(|answer| answer["Item"].as_object().cloned()));
            }
        }
        let reply = self.on_items(operation, body, place).await;
        if reply.status != StatusCode::OK {
            before.clear();
        }
        pressure.end(running, before);
        let reply = pressure.late(&self.ledger, operation, &request, reply);
        match left {
            Some(left) => left.tell(reply),
            None => reply,
        }
    }

    /// Answers an operation on tables, whose ARNs are those of the caller's account and region.
    async fn administer(&self, operation: &str, body: Bytes, place: &Place) -> Reply {
        let arns = place.arns_of("dynamodb");
        let mut body = exchange(&body, &arns, DYNOXIDE_ARNS).map_or(body, Bytes::from);
        let mut view = None;
        if let Some(mut request) = front::read(operation, &body) {
            if let Some(refusal) = front::refusal(&self.ledger, operation, &request) {
                return refusal;
            }
            view = views::record_both(&mut request);
            if front::rewrite(operation, &mut request, &dynoxides()) || view.is_some() {
                body = front::existence::body(&request);
            }
        }
        let reply = match operation {
            "ListTables" => tables::without_ours(self.forward(operation, body).await),
            "UpdateTable" | "UpdateTimeToLive" => self.switch(operation, body).await,
            other => self.forward(other, body).await,
        };
        self.creating.note(operation, &reply);
        let mut reply = self.with_view(view, reply).await;
        if let Some(exchanged) = exchange(&reply.body, DYNOXIDE_ARNS, &arns) {
            reply.replace_body(exchanged);
        }
        reply
    }

    /// Stores the view type of a stream that was made, and shows those of all streams as they are stored.
    async fn with_view(&self, view: Option<(String, String)>, reply: Reply) -> Reply {
        let ledger = Arc::clone(&self.ledger);
        let showing = tokio::task::spawn_blocking(move || {
            if let Some((table, view)) = view.filter(|_| reply.status == StatusCode::OK)
                && let Err(error) = views::store(&ledger, &table, &view)
            {
                tracing::error!(error = ?error, table, "the view type of a stream was not stored");
            }
            views::show(&ledger, reply)
        });
        showing.await.unwrap_or_else(|error| {
            tracing::error!(error = ?error, "a description did not finish");
            broken_off()
        })
    }

    /// Answers an operation on items whose request was read.
    async fn read(
        &self,
        operation: &str,
        mut body: Bytes,
        mut request: Map<String, Value>,
        place: &Place,
    ) -> Reply {
        if let Some(refusal) = front::refusal(&self.ledger, operation, &request) {
            return refusal;
        }
        if front::rewrite(operation, &mut request, place) {
            body = front::existence::body(&request);
        }
        match operation {
            "TransactWriteItems" => self.transact(body, request).await,
            "UpdateItem" => {
                let reply = match Dependent::of(&request) {
                    Some(update) => self.update(&body, &update).await,
                    None => self.forward(operation, body).await,
                };
                front::answered(operation, &request, reply)
            }
            other => front::answered(other, &request, self.forward(other, body).await),
        }
    }

    async fn switch(&self, operation: &str, body: Bytes) -> Reply {
        let (ledger, named, request) =
            (Arc::clone(&self.ledger), operation.to_owned(), body.clone());
        let asked =
            tokio::task::spawn_blocking(move || refusal::of_switch(&ledger, &named, &request));
        match asked.await {
            Ok(Some(refusal)) => refusal,
            Ok(None) | Err(_) => self.forward(operation, body).await,
        }
    }

    async fn forward(&self, operation: &str, body: Bytes) -> Reply {
        match self.proxy.forward(operation, body).await {
            Ok(reply) if reply.status.is_server_error() => told(operation, reply),
            Ok(reply) => reply,
            Err(error) => {
                tracing::error!(operation, error = ?error, "the database did not answer");
                broken_off()
            }
        }
    }

    /// Stops the upkeep and dynoxide's server and closes the files. A second call is a no-op.
    pub(crate) async fn close(&self) -> Result<(), BoxError> {
        let Some(running) = self.running.lock().await.take() else {
            return Ok(());
        };
        drop(running.stop_upkeep);
        let upkeep = running.upkeep.await;
        self.ledger.close();
        running.engine.stop().await?;
        Ok(upkeep?)
    }
}

/// The account and region of dynoxide's ARNs.
fn dynoxides() -> Place {
    Place {
        account: ACCOUNT.to_owned(),
        region: dynoxide::streams::LOCAL_REGION.to_owned(),
    }
}

fn broken_off() -> Reply {
    fault(
        StatusCode::INTERNAL_SERVER_ERROR,
        "com.amazonaws.dynamodb.v20120810#InternalServerError",
        "the database gave no answer",
    )
}

/// Says in an answer that the disk is full, if it is.
fn told(operation: &str, reply: Reply) -> Reply {
    let text = String::from_utf8_lossy(&reply.body);
    tracing::error!(operation, answer = %text, "the database failed");
    if !text.contains(DISK_FULL) {
        return reply;
    }
    fault(
        reply.status,
        "com.amazonaws.dynamodb.v20120810#InternalServerError",
        "The disk of the data folder is full: nothing was written, and nothing that was written before is lost.",
    )
}

/// How SQLite words it.
const DISK_FULL: &str = "disk is full";

fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| cause.to_string().contains(DISK_FULL))
}
