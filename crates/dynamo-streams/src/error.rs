//! What can go wrong with the machines around the consumer.

/// A boxed error of a client or a codec.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The errors of this crate.
///
/// A record that its handler refuses is no error: see [`Disposition`](crate::Disposition).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting can't be honoured.
    #[error("the configuration does not work: {0}")]
    Configuration(String),
    /// The table is known, but no stream was ever enabled on it.
    #[error("the table {table} has no stream")]
    NoStream {
        /// The name of the table.
        table: String,
    },
    /// The shard iterator is older than the service keeps it (15 minutes).
    #[error("the shard iterator expired")]
    IteratorExpired,
    /// The position lies before the oldest record that the stream still has (24 hours).
    #[error("the position was trimmed from the stream")]
    Trimmed,
    /// The stream, the shard or the table does not exist (any more).
    #[error("{operation} found nothing of that name")]
    NotFound {
        /// The call that failed.
        operation: &'static str,
    },
    /// The service asks for fewer calls, or two writes met on one item.
    #[error("{operation} was throttled")]
    Throttled {
        /// The call that failed.
        operation: &'static str,
        /// What the client said.
        #[source]
        source: BoxError,
    },
    /// The call failed in a way that a later attempt may mend.
    #[error("{operation} failed")]
    Unavailable {
        /// The call that failed.
        operation: &'static str,
        /// What the client said.
        #[source]
        source: BoxError,
    },
    /// The write was refused because the lease has another owner or epoch by now.
    #[error("the lease is held by another worker")]
    Fenced,
    /// An item of the lease table does not have the shape this version writes.
    #[error("an item of the lease table cannot be read: {0}")]
    Corrupt(String),
}

/// What a failed call to a stream means for the reader of a shard.
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
            Error::Configuration(_)
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
