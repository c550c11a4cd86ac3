//! The settings, counters and errors of a sender.

use std::time::Duration;

use crate::error::{Error, require};
use crate::queue::{ErrorKind, MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES};
use crate::settings::MAX_REQUEST_TIMEOUT;

/// How a [`BatchSender`](crate::BatchSender) behaves. Checked when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SenderSettings {
    /// How long a message waits for others to share its request, up to 10 s. While another request is in flight, it waits for its answer, up
    /// to 50 ms longer. Default 5 ms: it is added to the time of a send on a quiet queue, and behind a request most batches fill.
    pub linger: Duration,
    /// The most messages in a request, 1 to 10. Default 10, the limit of SQS: the fewest requests.
    pub max_batch_entries: usize,
    /// The most bytes in a request and in a message, 1 byte to 1 MiB. Default 1 MiB, the limit of SQS.
    pub max_batch_bytes: usize,
    /// The most requests in flight at once, 1 to 1,000. Default 4: at 10 ms a request that is 4,000 messages a second; meanwhile messages gather and batches fill.
    pub max_concurrent_requests: usize,
    /// How many attempts a message gets before its send fails, at least 1. Default 8: with the delays between them, some 12 s.
    pub max_attempts: u32,
    /// The delay after the first failure, up to `max_delay`. It doubles with each failure, less a random part of up to half of it. Default
    /// 100 ms: some ten times what a request usually takes.
    pub first_delay: Duration,
    /// The longest delay, up to 15 min. Default 5 s: short against the time for which a caller waits.
    pub max_delay: Duration,
    /// How long a request may take: more than zero, up to 5 min. Default 5 s, a hundred times what SQS usually takes.
    pub request_timeout: Duration,
}

impl Default for SenderSettings {
    fn default() -> Self {
        Self {
            linger: Duration::from_millis(5),
            max_batch_entries: MAX_BATCH_ENTRIES,
            max_batch_bytes: MAX_MESSAGE_BYTES,
            max_concurrent_requests: 4,
            max_attempts: 8,
            first_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(5),
            request_timeout: Duration::from_secs(5),
        }
    }
}

impl SenderSettings {
    setters! {
        with_linger linger: Duration;
        with_max_batch_entries max_batch_entries: usize;
        with_max_batch_bytes max_batch_bytes: usize;
        with_max_concurrent_requests max_concurrent_requests: usize;
        with_max_attempts max_attempts: u32;
        with_first_delay first_delay: Duration;
        with_max_delay max_delay: Duration;
        with_request_timeout request_timeout: Duration;
    }
}

impl SenderSettings {
    /// Returns an error for the first invalid setting.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Self {
            linger,
            max_batch_entries,
            max_batch_bytes,
            max_concurrent_requests,
            max_attempts,
            first_delay,
            max_delay,
            request_timeout,
        } = *self;
        let short = linger <= Duration::from_secs(10);
        require("linger", linger, short, "must be at most 10 s")?;
        require(
            "max_batch_entries",
            max_batch_entries,
            (1..=MAX_BATCH_ENTRIES).contains(&max_batch_entries),
            "must be 1 to 10",
        )?;
        require(
            "max_batch_bytes",
            max_batch_bytes,
            (1..=MAX_MESSAGE_BYTES).contains(&max_batch_bytes),
            "must be 1 to 1,048,576",
        )?;
        require(
            "max_concurrent_requests",
            max_concurrent_requests,
            (1..=1_000).contains(&max_concurrent_requests),
            "must be 1 to 1,000",
        )?;
        let tries = max_attempts >= 1;
        require("max_attempts", max_attempts, tries, "must be at least 1")?;
        let bounded = max_delay <= Duration::from_secs(15 * 60);
        require("max_delay", max_delay, bounded, "must be at most 15 min")?;
        let grows = first_delay <= max_delay;
        require(
            "first_delay",
            first_delay,
            grows,
            "must be at most max_delay",
        )?;
        require(
            "request_timeout",
            request_timeout,
            !request_timeout.is_zero() && request_timeout <= MAX_REQUEST_TIMEOUT,
            "must be more than zero, at most 5 min",
        )
    }
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The message is larger than a request may be.
    #[error("the message has {bytes} bytes and {limit} are allowed")]
    TooLarge {
        /// The size of the message, attributes included.
        bytes: usize,
        /// The largest size allowed.
        limit: usize,
    },
    /// The queue refused this message; the same message will be refused again.
    #[error("the queue refused the message with {code}")]
    Refused {
        /// The service's error code.
        code: String,
    },
    /// The requests failed, for a reason that is not in the message. The message may or may not have been sent.
    #[error("sending failed after {attempts} attempts ({kind})")]
    Failed {
        /// The number of attempts.
        attempts: u32,
        /// The kind of the last failure.
        kind: ErrorKind,
    },
    /// The sender's runtime has shut down.
    #[error("the sender has stopped")]
    Stopped,
}

impl SendError {
    /// Returns whether the same message fails again whenever it is sent: the failure is in the message, and only another message helps.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::TooLarge { .. } | Self::Refused { .. } => true,
            Self::Failed { kind, .. } => match kind {
                ErrorKind::Invalid => true,
                ErrorKind::Throttled
                | ErrorKind::Unavailable
                | ErrorKind::Denied
                | ErrorKind::QueueNotFound => false,
            },
            Self::Stopped => false,
        }
    }
}

/// Counts since a sender was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SenderCounters {
    /// Messages that the queue has accepted.
    pub sent: u64,
    /// Messages whose sending failed for good.
    pub failed: u64,
    /// Entries that were sent again.
    pub retried: u64,
    /// `SendMessageBatch` requests.
    pub requests: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, change: impl FnOnce(&mut SenderSettings)) {
        let mut settings = SenderSettings::default();
        change(&mut settings);
        match settings.check() {
            Err(Error::InvalidSetting { setting, .. }) => assert_eq!(setting, expected),
            other => panic!("expected {expected} to be refused, got {other:?}"),
        }
    }

    #[test]
    fn settings_of_a_sender_beyond_their_limits_are_refused_by_name() {
        SenderSettings::default().check().unwrap();
        check("linger", |s| s.linger = Duration::MAX);
        check("max_batch_entries", |s| s.max_batch_entries = 11);
        check("max_batch_entries", |s| s.max_batch_entries = 0);
        check("max_batch_bytes", |s| s.max_batch_bytes = usize::MAX);
        check("max_concurrent_requests", |s| s.max_concurrent_requests = 0);
        check("max_attempts", |s| s.max_attempts = 0);
        check("max_delay", |s| s.max_delay = Duration::MAX);
        check("first_delay", |s| s.first_delay = Duration::from_secs(6));
        check("request_timeout", |s| s.request_timeout = Duration::ZERO);
    }
}
