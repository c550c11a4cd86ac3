//! Starts the services in order and stops them in reverse order.

use std::path::PathBuf;
use std::sync::Arc;

use crate::data_dir::DataDir;
use crate::endpoint::Endpoint;
use crate::loopback::Listener;
use crate::services::Services;
use crate::{Error, Pace};

/// The data folder and the port of the services.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of the database files, created if absent. One instance at a time can use it.
    pub data_dir: PathBuf,
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
}

/// DynamoDB, DynamoDB Streams and SQS, running in this process behind one loopback endpoint.
#[derive(Debug)]
pub struct LocalAws {
    endpoint: Endpoint,
    services: Arc<Services>,
}

impl LocalAws {
    /// Opens the data folder and serves the endpoint, on the current tokio runtime and a thread for the database.
    ///
    /// # Errors
    ///
    /// Any variant of [`Error`] except [`Error::Stop`].
    pub async fn start(config: Config) -> Result<Self, Error> {
        Self::start_with(config, Pace::default()).await
    }

    /// Like [`start`](Self::start), with other intervals, for tests.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn start_with(config: Config, pace: Pace) -> Result<Self, Error> {
        let data_dir = DataDir::claim(&config.data_dir)?;
        let listener = Listener::bind(config.port)?;
        let head_timeout = pace.head_timeout;
        let services = Arc::new(Services::open(data_dir, pace).await?);
        let endpoint = Endpoint::serve(listener, Arc::clone(&services), head_timeout);
        Ok(Self { endpoint, services })
    }

    /// The URL for `AWS_ENDPOINT_URL`, such as `http://127.0.0.1:4566`, without a slash at its end.
    pub fn endpoint_url(&self) -> &str {
        self.endpoint.url()
    }

    /// Stops accepting requests, waits for requests in flight (long polls return at once) and closes the files.
    ///
    /// # Errors
    ///
    /// [`Error::Stop`] if a part failed; the other parts are stopped nevertheless.
    pub async fn shutdown(self) -> Result<(), Error> {
        let (served, ()) = tokio::join!(self.endpoint.stop(), self.services.close_queues());
        let closed = self.services.close().await;
        served.map_err(|source| Error::Stop { source })?;
        closed
    }
}
