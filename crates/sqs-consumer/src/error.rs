//! What can go wrong with a consumer as a whole.

use crate::queue::QueueError;

/// Why a consumer could not be built or had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting can't work.
    #[error("setting `{setting}` {rule}")]
    Setting {
        /// The field of [`Settings`](crate::Settings).
        setting: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The source queue does not exist; the consumer drained and stopped.
    #[error("the queue does not exist")]
    QueueMissing(#[source] QueueError),
}
