use axum::http::StatusCode;

use crate::ledger::LedgerError;
use crate::reply::{Reply, fault};

/// Why a stream operation is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("Requested resource not found: {0}")]
    ResourceNotFound(String),
    #[error("{0}")]
    Validation(String),
    #[error("{0}")]
    Serialization(#[from] serde_json::Error),
    #[error("Iterator expired: it is older than its life of {life_seconds} seconds")]
    ExpiredIterator { life_seconds: u64 },
    #[error(
        "The operation attempted to read past the oldest stream record in a shard: records up to {trimmed_to} are gone"
    )]
    TrimmedDataAccess { trimmed_to: String },
    #[error(transparent)]
    Internal(#[from] LedgerError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl Fault {
    /// A required member is missing in the request.
    pub(super) fn missing(member: &str) -> Self {
        Self::Validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    }

    pub(super) fn into_reply(self, operation: &str) -> Reply {
        let (status, code) = match &self {
            Self::ResourceNotFound(_) => (
                StatusCode::BAD_REQUEST,
                "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
            ),
            Self::Validation(_) => (
                StatusCode::BAD_REQUEST,
                "com.amazon.coral.validate#ValidationException",
            ),
            Self::Serialization(_) => (
                StatusCode::BAD_REQUEST,
                "com.amazon.coral.service#SerializationException",
            ),
            Self::ExpiredIterator { .. } => (
                StatusCode::BAD_REQUEST,
                "com.amazonaws.dynamodb.v20120810#ExpiredIteratorException",
            ),
            Self::TrimmedDataAccess { .. } => (
                StatusCode::BAD_REQUEST,
                "com.amazonaws.dynamodb.v20120810#TrimmedDataAccessException",
            ),
            Self::Internal(error) => {
                tracing::error!(operation, error = ?error, "a stream was not read");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "com.amazonaws.dynamodb.v20120810#InternalServerError",
                )
            }
        };
        fault(status, code, &self.to_string())
    }
}
