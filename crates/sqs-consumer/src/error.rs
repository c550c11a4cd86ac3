//! The errors of a consumer as a whole.

use std::fmt;

use crate::queue::QueueError;

/// Why a consumer or a sender could not be built, or a consumer had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is invalid.
    #[error("invalid setting {setting} ({value}): it {rule}")]
    InvalidSetting {
        /// The field of [`Settings`](crate::Settings) or [`SenderSettings`](crate::SenderSettings).
        setting: &'static str,
        /// Its value.
        value: String,
        /// What is required of it.
        rule: &'static str,
    },
    /// The source queue does not exist; the consumer drained and stopped.
    #[error("the queue does not exist")]
    QueueNotFound(#[source] QueueError),
}

/// Returns an error unless the setting fulfils its rule.
pub(crate) fn require(
    setting: &'static str,
    value: impl fmt::Debug,
    holds: bool,
    rule: &'static str,
) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    let value = format!("{value:?}");
    Err(Error::InvalidSetting {
        setting,
        value,
        rule,
    })
}
