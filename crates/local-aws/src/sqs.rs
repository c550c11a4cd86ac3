//! The queue service's seam with the endpoint.

use std::path::Path;

/// Why the queues' database can't be opened.
#[derive(Debug, thiserror::Error)]
#[error("the queues' database can't be opened")]
pub struct SqsOpenError;

/// What the queue service answers: an HTTP status, a JSON body and, for an error, the value of `x-amzn-query-error`.
#[derive(Debug)]
pub(crate) struct SqsResponse {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) query_error: Option<String>,
}

/// The queue service.
#[derive(Debug)]
pub(crate) struct SqsService;

impl SqsService {
    pub(crate) fn open(_data_dir: &Path, _base_url: &str) -> Result<Self, SqsOpenError> {
        Ok(Self)
    }

    pub(crate) async fn handle(&self, operation: &str, _body: &[u8]) -> SqsResponse {
        SqsResponse {
            status: 501,
            body: format!("{{\"__type\":\"NotImplemented\",\"message\":\"{operation}\"}}")
                .into_bytes(),
            query_error: None,
        }
    }

    pub(crate) async fn close(&self) {}
}
