//! The errors of this crate.

/// A boxed error of a client or a codec.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The errors of this crate. A failed record is not one of them: see [`Disposition`](crate::Disposition).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is invalid.
    #[error("invalid setting {setting} ({value}): it {rule}")]
    InvalidSetting {
        /// The field of [`Settings`](crate::Settings), or the method of [`ProcessorBuilder`](crate::ProcessorBuilder).
        setting: &'static str,
        /// Its value.
        value: String,
        /// What is required of it.
        rule: &'static str,
    },
    /// The table has no stream.
    #[error("the table {table} has no stream")]
    NoStream {
        /// The name of the table.
        table: String,
    },
    /// The shard iterator is older than 15 minutes.
    #[error("the shard iterator expired")]
    IteratorExpired,
    /// The position is before the oldest record that the stream still has (24 hours).
    #[error("the position was trimmed from the stream")]
    Trimmed,
    /// The stream, the shard or the table does not exist.
    #[error("{operation} found no such resource")]
    NotFound {
        /// The operation that failed, as the AWS API calls it.
        operation: &'static str,
    },
    /// The service throttled the request, or two writes of one item conflicted.
    #[error("{operation} was throttled")]
    Throttled {
        /// The operation that failed, as the AWS API calls it.
        operation: &'static str,
        /// The client's own error.
        #[source]
        source: BoxError,
    },
    /// The request failed; a later attempt may succeed.
    #[error("{operation} failed")]
    Unavailable {
        /// The operation that failed, as the AWS API calls it.
        operation: &'static str,
        /// The client's own error.
        #[source]
        source: BoxError,
    },
    /// The write was refused, since the lease has another owner or epoch.
    #[error("the lease is held by another worker")]
    Fenced,
    /// A record or an item of the lease table is malformed.
    #[error("an item of the lease table cannot be read: {0}")]
    Corrupt(String),
}

/// What a failed request to a stream means for the reader of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadFailure {
    Expired,
    Trimmed,
    Missing,
    Later,
}

impl Error {
    pub(crate) fn unavailable(operation: &'static str, source: impl Into<BoxError>) -> Self {
        Error::Unavailable {
            operation,
            source: source.into(),
        }
    }

    pub(crate) fn is_fenced(&self) -> bool {
        matches!(self, Error::Fenced)
    }

    pub(crate) fn read_failure(&self) -> ReadFailure {
        match self {
            Error::IteratorExpired => ReadFailure::Expired,
            Error::Trimmed => ReadFailure::Trimmed,
            Error::NotFound { .. } => ReadFailure::Missing,
            Error::InvalidSetting { .. }
            | Error::NoStream { .. }
            | Error::Throttled { .. }
            | Error::Unavailable { .. }
            | Error::Fenced
            | Error::Corrupt(_) => ReadFailure::Later,
        }
    }
}

/// Renders an error with its causes, for the one place where it is logged.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_names_every_cause_once() {
        let error = Error::unavailable("GetRecords", "connection reset");
        assert_eq!(chain(&error), "GetRecords failed: connection reset");
    }
}
