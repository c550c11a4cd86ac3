//! Amazon SQS: standard and FIFO queues, kept in one SQLite file.
//!
//! A request is decoded where it arrives, carried out by a pure engine on the one thread that owns the store, and
//! answered when it is on disk.
//!
//! What differs from the service on purpose: there is one region and one account, and whoever calls may do anything
//! (policies, permissions and keys are kept and shown, not enforced, and nothing is encrypted); a queue can be made again
//! as soon as it was deleted; a purge and a move to a dead-letter queue are done at once; counts are exact; a standard
//! queue delivers in order of becoming visible, once each time, and groups on it have no effect; there are no quotas on
//! calls; the attempts of `ReceiveRequestAttemptId` are forgotten in a restart; only AWS JSON 1.0 is spoken, which is what
//! SDKs and tools have spoken since late 2023.

mod wire;

mod engine;
mod request;

mod in_memory;
mod store;
mod worker;

mod attribute;
mod digest;
mod fault;
mod message;
mod moment;
mod name;
mod receipt;
mod settings;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::sync::oneshot;

use fault::{Code, Fault};
use request::{Reply, Request};
use worker::Job;

pub use in_memory::SqsInMemory;
pub use store::SqsOpenError;

/// What the queue service answers a request with.
#[derive(Debug)]
pub struct SqsResponse {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Vec<u8>,
    /// Of an error, the value of the header `x-amzn-query-error`.
    pub query_error: Option<String>,
}

impl SqsResponse {
    fn of(answered: Result<Vec<u8>, Fault>) -> Self {
        match answered {
            Ok(body) => Self {
                status: 200,
                body,
                query_error: None,
            },
            Err(fault) => wire::encode_fault(&fault),
        }
    }
}

/// The queue service; clones share the same queues.
#[derive(Clone, Debug)]
pub(crate) struct SqsService {
    jobs: Sender<Job>,
    base_url: Arc<str>,
}

impl SqsService {
    /// Opens or creates the queues in `sqs.db` of a directory. Their URLs start with `base_url`.
    pub(crate) fn open(data_dir: &Path, base_url: &str) -> Result<Self, SqsOpenError> {
        Ok(Self {
            jobs: worker::start(data_dir)?,
            base_url: base_url.trim_end_matches('/').into(),
        })
    }

    /// Handles one AWS JSON 1.0 request; the operation is what follows `AmazonSQS.` in its target.
    pub(crate) async fn handle(&self, operation: &str, body: &[u8]) -> SqsResponse {
        let answered = match wire::decode(operation, body) {
            Ok((request, view)) => self
                .submit(request)
                .await
                .map(|reply| wire::encode(&reply, &view, &self.base_url)),
            Err(fault) => Err(fault),
        };
        SqsResponse::of(answered)
    }

    /// Answers those who wait with nothing, flushes the store and lets go of it. Later requests are refused.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close { done }).is_ok() {
            // An error says that the thread has ended already, which is what was asked for.
            let _ = closed.await;
        }
    }

    async fn submit(&self, request: Request) -> Result<Reply, Fault> {
        let (answer, answered) = oneshot::channel();
        let closed = |_| Fault::new(Code::ServiceUnavailable, "The service is shutting down.");
        self.jobs
            .send(Job::Call { request, answer })
            .map_err(|_| closed(()))?;
        answered.await.map_err(|_| closed(()))?
    }
}

#[cfg(test)]
mod tests;
