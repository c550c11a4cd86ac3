//! The handler, which an application writes.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::context::Context;
use crate::message::Message;

/// Handles messages.
///
/// Delivery is at least once, so a handler must be idempotent. A panic is caught and counts as [`Disposition::Retry`], also one before the
/// first await, and so does a run beyond `handler_timeout`. Heartbeats renew the lease of a message while its handler runs. If the
/// lease is lost all the same, another consumer may have the message: the handler's token fires and its future is dropped at its next await,
/// and no attempt is counted. Pass [`Context::cancellation_token`] to tasks that the handler spawns.
///
/// A handler must not block its thread: use `tokio::task::spawn_blocking`. While one blocks, others run on the other threads of the runtime;
/// on a runtime of one thread nothing does, heartbeats neither, and messages may be delivered again. Its timeout waits for its next await, and
/// if it returns without one its disposition counts.
pub trait Handler: Send + Sync + 'static {
    /// Handles one delivery of a message and returns what happens to the message next.
    fn handle(
        &self,
        message: &Message,
        context: &Context,
    ) -> impl Future<Output = Disposition> + Send;
}

impl<H: Handler> Handler for Arc<H> {
    fn handle(
        &self,
        message: &Message,
        context: &Context,
    ) -> impl Future<Output = Disposition> + Send {
        H::handle(self, message, context)
    }
}

/// What happens to a message after its handler has returned. A handler that wraps another one may match it: it gains no variants within a
/// major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// The message is deleted.
    Done,
    /// The attempt failed: the message is tried again, or dead-lettered after the last attempt of the [`RetryPolicy`](crate::RetryPolicy).
    Retry {
        /// The delay, rounded up to whole seconds; `None` leaves it to the retry policy.
        after: Option<Duration>,
        /// Why, in a few constant words. It is logged, so it must contain no personal data.
        reason: String,
    },
    /// The message is tried again later and no attempt is counted, since the failure is not in the message (a throttled dependency, a
    /// maintenance window).
    Defer {
        /// The delay, rounded up to whole seconds; `None` leaves it to the retry policy, where it grows with the receive count.
        after: Option<Duration>,
        /// Why, in a few constant words. It is logged, so it must contain no personal data.
        reason: String,
    },
    /// The message is dead-lettered: copied to the dead-letter queue, then deleted.
    DeadLetter {
        /// Why, in a few constant words. It is logged, and the attribute `reason` of the copy.
        reason: String,
        /// The particulars: the attribute `detail` of the copy, cut at 1,024 bytes. They are never logged.
        detail: String,
    },
}

impl Disposition {
    /// Fails the attempt; the delay is left to the retry policy.
    #[must_use]
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry {
            after: None,
            reason: reason.into(),
        }
    }

    /// Defers the message; the delay is left to the retry policy.
    #[must_use]
    pub fn defer(reason: impl Into<String>) -> Self {
        Self::Defer {
            after: None,
            reason: reason.into(),
        }
    }

    /// Dead-letters the message.
    #[must_use]
    pub fn dead_letter(reason: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::DeadLetter {
            reason: reason.into(),
            detail: detail.into(),
        }
    }
}

/// Makes a [`Handler`] of an async function or closure that takes the message and the context by value.
pub fn handler_fn<F, Fut>(function: F) -> HandlerFn<F>
where
    F: Fn(Message, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Disposition> + Send,
{
    HandlerFn(function)
}

/// A function as a handler, made by [`handler_fn`].
pub struct HandlerFn<F>(F);

impl<F> fmt::Debug for HandlerFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandlerFn")
    }
}

impl<F, Fut> Handler for HandlerFn<F>
where
    F: Fn(Message, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Disposition> + Send,
{
    fn handle(
        &self,
        message: &Message,
        context: &Context,
    ) -> impl Future<Output = Disposition> + Send {
        (self.0)(message.clone(), context.clone())
    }
}
