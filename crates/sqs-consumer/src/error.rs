//! The errors of a consumer as a whole.

use crate::queue::QueueError;

/// Why a consumer could not be built or had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is invalid.
    #[error("invalid setting {setting}: it {rule}")]
    InvalidSetting {
        /// The field of [`Settings`](crate::Settings).
        setting: &'static str,
        /// What is required of it.
        rule: &'static str,
    },
    /// The source queue does not exist; the consumer drained and stopped.
    #[error("the queue does not exist")]
    QueueNotFound(#[source] QueueError),
}
