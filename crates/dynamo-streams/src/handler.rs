//! The handler, which an application writes.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::record::Record;

/// Handles records.
///
/// Delivery is at least once (after a crash, a lost lease, a redrive), so a handler must be idempotent: make its writes conditional.
/// Records of one item arrive in order and one at a time; records of different items run side by side. A panic is caught and counts as
/// [`Disposition::Retry`], also one before the first await, and so does a run beyond `handler_timeout`.
/// If the lease of the shard is lost, another worker may handle the record: the handler's token fires and its future is dropped at its next
/// await, and no attempt is counted.
///
/// A handler must not block its thread: use `tokio::task::spawn_blocking`. While one blocks, others run on the other threads of the runtime;
/// on a runtime of one thread nothing does, heartbeats neither, and other workers take over. Its timeout waits for its next await, and if it
/// returns without one its disposition counts. A drain waits for it.
pub trait Handler: Send + Sync + 'static {
    /// Handles one delivery of a record and returns what happens to the record next.
    fn handle(
        &self,
        record: &Record,
        context: &Context,
    ) -> impl Future<Output = Disposition> + Send;
}

impl<H: Handler> Handler for Arc<H> {
    fn handle(
        &self,
        record: &Record,
        context: &Context,
    ) -> impl Future<Output = Disposition> + Send {
        H::handle(self, record, context)
    }
}

/// What happens to a record after its handler has returned. A handler that wraps another one may match it: it gains no variants within a
/// major version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The record is finished; the checkpoint may pass it.
    Done,
    /// The attempt failed: the record is tried again, or parked after the last attempt of the [`RetryPolicy`](crate::RetryPolicy).
    Retry {
        /// Why, in a few constant words. It is logged and stored, so it must contain no personal data.
        reason: String,
    },
    /// The record is parked, and the later records of its item behind it.
    Park {
        /// Why, in a few constant words. It is logged and stored, so it must contain no personal data.
        reason: String,
    },
}

impl Disposition {
    /// Fails the attempt.
    #[must_use]
    pub fn retry(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Retry { reason }
    }

    /// Parks the record.
    #[must_use]
    pub fn park(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Park { reason }
    }
}

/// Makes a [`Handler`] of an async function or closure that takes the record and the context by value.
pub fn handler_fn<F, Fut>(function: F) -> HandlerFn<F>
where
    F: Fn(Record, Context) -> Fut + Send + Sync + 'static,
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
    F: Fn(Record, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Disposition> + Send,
{
    fn handle(
        &self,
        record: &Record,
        context: &Context,
    ) -> impl Future<Output = Disposition> + Send {
        (self.0)(record.clone(), context.clone())
    }
}

/// The circumstances of one delivery. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Context {
    attempt: u32,
    token: CancellationToken,
}

impl Context {
    /// Makes a context for the test of a handler: one that is cancelled when `token` fires.
    #[must_use]
    pub fn new(attempt: u32, token: CancellationToken) -> Self {
        Self { attempt, token }
    }

    /// Returns the number of this attempt in this process, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns a token that fires when the lease is lost, the handler times out or the shutdown timeout has ended; the attempt is then dropped at
    /// its next await.
    /// Pass it to the tasks of the handler.
    pub fn cancellation_token(&self) -> &CancellationToken {
        &self.token
    }
}
