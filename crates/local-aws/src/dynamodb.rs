//! DynamoDB and its streams: dynoxide behind its own server, with what it lacks put right in front of it.

mod engine;
mod proxy;

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::StatusCode;
use tokio::sync::Mutex;

use crate::Error;
use crate::data_dir::DataDir;
use crate::endpoint::{Reply, fault, unknown_operation};
use engine::Engine;
use proxy::Proxy;

const STREAM_OPERATIONS: [&str; 4] = [
    "ListStreams",
    "DescribeStream",
    "GetShardIterator",
    "GetRecords",
];

/// The two services that share one database file.
#[derive(Debug)]
pub(crate) struct DynamoDb {
    proxy: Proxy,
    engine: Mutex<Option<Engine>>,
}

impl DynamoDb {
    /// Opens the database and starts its server.
    ///
    /// # Errors
    ///
    /// [`Error::OpenDynamoDb`].
    pub(crate) async fn open(data_dir: Arc<DataDir>) -> Result<Self, Error> {
        let path = data_dir.dynamodb_file();
        let failed = |source| Error::OpenDynamoDb { path, source };
        let engine = Engine::start(data_dir).await.map_err(failed)?;
        Ok(Self {
            proxy: Proxy::to(engine.address()),
            engine: Mutex::new(Some(engine)),
        })
    }

    pub(crate) async fn answer(&self, operation: &str, body: Bytes) -> Reply {
        if STREAM_OPERATIONS.contains(&operation) {
            return unknown_operation();
        }
        self.forward(operation, body).await
    }

    pub(crate) async fn answer_streams(&self, operation: &str, body: Bytes) -> Reply {
        if !STREAM_OPERATIONS.contains(&operation) {
            return unknown_operation();
        }
        self.forward(operation, body).await
    }

    async fn forward(&self, operation: &str, body: Bytes) -> Reply {
        match self.proxy.forward(operation, body).await {
            Ok(reply) => reply,
            Err(error) => {
                tracing::error!(operation, error = %error, "the database gave no answer");
                fault(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "com.amazonaws.dynamodb.v20120810#InternalServerError",
                    "the database gave no answer",
                )
            }
        }
    }

    /// Stops the server behind and closes the files. A second call does nothing.
    pub(crate) async fn close(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        match self.engine.lock().await.take() {
            Some(engine) => engine.stop().await,
            None => Ok(()),
        }
    }
}
