//! DynamoDB: dynoxide behind its own server, and a proxy that adds what dynoxide lacks.

mod engine;
mod nesting;
mod proxy;
mod refusal;
mod tables;
mod tokens;
mod upkeep;

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::StatusCode;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::data_dir::DataDir;
use crate::ledger::Ledger;
use crate::reply::{Reply, fault, unknown_operation};
use crate::streams::Streams;
use crate::{Error, Pace};
use engine::{BoxError, Engine};
use proxy::Proxy;

/// The operations of DynamoDB Streams, which dynoxide accepts under both services' names. Here they belong to the stream service.
const STREAM_OPERATIONS: [&str; 4] = [
    "ListStreams",
    "DescribeStream",
    "GetShardIterator",
    "GetRecords",
];

/// The service of tables and items.
#[derive(Debug)]
pub(crate) struct DynamoDb {
    proxy: Proxy,
    streams: Streams,
    ledger: Arc<Ledger>,
    pace: Pace,
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
        let failed = |source| Error::OpenDynamoDb { path, source };
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

    /// Answers one operation.
    pub(crate) async fn answer(&self, operation: &str, body: Bytes) -> Reply {
        if let Some(refusal) = nesting::refusal(operation, &body) {
            return refusal;
        }
        match operation {
            "TransactWriteItems" => self.transact(operation, body).await,
            "ListTables" => tables::without_ours(self.forward(operation, body).await),
            "UpdateTable" | "UpdateTimeToLive" => self.switch(operation, body).await,
            stream if STREAM_OPERATIONS.contains(&stream) => unknown_operation(),
            other => self.forward(other, body).await,
        }
    }

    async fn transact(&self, operation: &str, body: Bytes) -> Reply {
        let now = tokens::since_epoch();
        match tokens::claim(&body, now, self.pace.token_life) {
            Some((body, claim)) => tokens::settle(self.forward(operation, body).await, &claim),
            None => self.forward(operation, body).await,
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
            Ok(reply) => reply,
            Err(error) => {
                tracing::error!(operation, error = ?error, "the database did not answer");
                fault(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "com.amazonaws.dynamodb.v20120810#InternalServerError",
                    "the database gave no answer",
                )
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
