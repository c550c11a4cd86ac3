//! What an application writes: from a message to what is to become of it.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::context::Context;
use crate::message::Message;

/// Turns one message into what is to become of it.
///
/// Delivery is at least once, so a handler must tolerate meeting a message again. A panic is caught and counts as a failed
/// attempt. A handler that runs for long should watch [`Context::cancelled`]; its lease is extended while it runs.
pub trait Handler: Send + Sync + 'static {
    /// Handles one delivery of a message.
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

/// What is to become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// The work is finished: the message is deleted.
    Done,
    /// The attempt failed: the message comes back, until its attempts are used up.
    Retry {
        /// When to try again; `None` leaves it to the [`RetryPolicy`](crate::RetryPolicy). Rounded up to whole seconds.
        after: Option<Duration>,
        /// Why, in a few constant words; it is logged, so nothing private.
        reason: String,
    },
    /// Not now, through no fault of the message (a throttled dependency, a closed window): it comes back, and no attempt
    /// is counted.
    Defer {
        /// When to try again; `None` leaves it to the [`RetryPolicy`](crate::RetryPolicy), by receives: it grows with each. Rounded up to whole
        /// seconds.
        after: Option<Duration>,
        /// Why, in a few constant words; it is logged, so nothing private.
        reason: String,
    },
    /// No attempt can succeed: the message goes to the dead-letter queue.
    DeadLetter {
        /// Why, in a few constant words; logged, and the attribute `reason` of the copy.
        reason: String,
        /// The particulars; never logged, the attribute `detail` of the copy, cut at 1,024 bytes.
        detail: String,
    },
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
