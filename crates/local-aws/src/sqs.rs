//! Amazon SQS: standard and FIFO queues, stored in one SQLite file.
//!
//! A request is decoded where it arrives, carried out by a pure engine on the thread that owns the store, and answered
//! once it is committed.
//!
//! Deliberate differences from the service:
//!
//! - There is one region and one account, and every caller may do anything. Policies, permissions and keys are stored and
//!   returned, but not enforced, and nothing is encrypted.
//! - A queue can be created again right after it was deleted. A purge and a move to a dead-letter queue take effect at once.
//! - Counts are exact. There are no quotas on calls.
//! - A standard queue delivers messages once, in the order in which they became visible. Groups on it have no effect.
//! - A restart forgets the attempts of `ReceiveRequestAttemptId`.
//! - Only AWS JSON 1.0 is supported, which SDKs and tools have used since late 2023.

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

/// A response of the queue service.
#[derive(Debug)]
pub struct SqsResponse {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Vec<u8>,
    /// For an error, the value of the header `x-amzn-query-error`.
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

    /// Answers waiting receives without messages, flushes the store and closes it. Later requests are refused.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close { done }).is_ok() {
            // An error means that the thread has ended already.
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
