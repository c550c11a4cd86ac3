//! Amazon SQS: standard and FIFO queues, stored in one SQLite file.
//!
//! A request is decoded where it arrives, carried out by a pure engine on the thread that owns the store, and answered
//! once it is committed.
//!
//! Deliberate differences from the service:
//!
//! - Every caller may do anything. Policies, permissions and keys are stored and returned, but not enforced, and nothing is encrypted.
//! - A purge and a move to a dead-letter queue take effect at once.
//! - Counts are exact. There are no quotas on calls.
//! - A standard queue delivers messages once. Groups on it have no effect.
//! - A restart forgets the attempts of `ReceiveRequestAttemptId`, and the names of queues deleted within the last minute.
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
use std::sync::mpsc::Sender;

use tokio::sync::oneshot;

use fault::{Code, Fault};
use name::QueueName;
use request::{Reply, Request};
use worker::Job;

pub use in_memory::SqsInMemory;
pub(crate) use name::Address;
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

/// The queue service of one account and region; clones share the same queues.
#[derive(Clone, Debug)]
pub(crate) struct SqsService {
    jobs: Sender<Job>,
}

impl SqsService {
    /// Opens or creates the queues in the queues' file of a directory. A seed orders what standard queues hand out.
    pub(crate) fn open(data_dir: &Path, seed: Option<u64>) -> Result<Self, SqsOpenError> {
        Ok(Self {
            jobs: worker::start(data_dir, seed)?,
        })
    }

    /// Handles one AWS JSON 1.0 request; the operation is what follows `AmazonSQS.` in its target. A `trace` header is that of messages sent
    /// without one of their own.
    pub(crate) async fn handle(
        &self,
        operation: &str,
        body: &[u8],
        address: &Address,
        trace: Option<&str>,
    ) -> SqsResponse {
        let exchanged = address.exchange(operation, body);
        let body = exchanged.as_deref().unwrap_or(body);
        let answered = match wire::decode(operation, body) {
            Ok((request, view)) => self.answer(request, trace).await.map(|reply| {
                let body = wire::encode(&reply, &view, address);
                address.exchange(operation, &body).unwrap_or(body)
            }),
            Err(fault) => Err(fault),
        };
        SqsResponse::of(answered)
    }

    /// Shows the messages of a queue as JSON; nothing is received by it.
    pub(crate) async fn peek(&self, queue: &str, address: &Address) -> SqsResponse {
        let answered = match QueueName::from_url(queue) {
            Some(queue) => self.submit(Request::Peek { queue }).await,
            None => Err(Fault::no_such_queue()),
        };
        let view = wire::View::default();
        SqsResponse::of(answered.map(|reply| wire::encode(&reply, &view, address)))
    }

    /// Answers waiting receives without messages, flushes the store and closes it. Later requests are refused.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close { done }).is_ok() {
            // An error means that the thread has ended already.
            let _ = closed.await;
        }
    }

    async fn answer(&self, mut request: Request, trace: Option<&str>) -> Result<Reply, Fault> {
        if let Some(trace) = trace {
            request.trace(trace);
        }
        self.submit(request).await
    }

    async fn submit(&self, request: Request) -> Result<Reply, Fault> {
        let (answer, answered) = oneshot::channel();
        let closed = |_| Fault::new(Code::ServiceUnavailable, "The service is shutting down.");
        let request = Box::new(request);
        self.jobs
            .send(Job::Call { request, answer })
            .map_err(|_| closed(()))?;
        answered.await.map_err(|_| closed(()))?
    }
}

#[cfg(test)]
mod tests;
