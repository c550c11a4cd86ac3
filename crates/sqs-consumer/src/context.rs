//! The circumstances of a delivery, for the handler.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use crate::message::Message;
use crate::trace::TraceContext;

/// The circumstances of one delivery. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Context {
    attempt: u32,
    cancellation: Cancellation,
    trace: Option<TraceContext>,
}

/// Why a handler is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// The message's visibility timeout ended or could not be renewed: another consumer may have received the message. The handler is
    /// dropped.
    LeaseLost,
    /// The handler ran for as long as `handler_timeout` allows.
    TimedOut,
    /// The shutdown timeout is about to end.
    ShuttingDown,
}

/// The cancellation token of one delivery, and why it fired.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancellation {
    token: CancellationToken,
    reason: Arc<OnceLock<CancelReason>>,
}

impl Cancellation {
    /// Fires the token; the first reason stays.
    pub(crate) fn cancel(&self, reason: CancelReason) {
        self.reason.get_or_init(|| reason);
        self.token.cancel();
    }
}

impl Context {
    pub(crate) fn with_cancellation(
        message: &Message,
        attempt: u32,
        cancellation: Cancellation,
    ) -> Self {
        Self {
            attempt,
            cancellation,
            trace: message.trace_context(),
        }
    }

    /// Makes a context for the test of a handler: one that is cancelled when `token` fires.
    #[must_use]
    pub fn new(message: &Message, attempt: u32, token: CancellationToken) -> Self {
        let reason = Arc::default();
        Self::with_cancellation(message, attempt, Cancellation { token, reason })
    }

    /// Returns the number of this attempt, from 1: the failed attempts that this process remembers, plus one.
    ///
    /// Releases, deferrals and lost leases are not attempts.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the trace context of the sender, if the message carries one.
    #[must_use]
    pub fn trace_context(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }

    /// Returns a token that fires when the lease is lost or the handler times out, and its future is dropped at its next await, or when the
    /// shutdown timeout is about to end. Pass it to the tasks of the handler.
    #[must_use]
    pub fn cancellation_token(&self) -> &CancellationToken {
        &self.cancellation.token
    }

    /// Returns why the handler is cancelled, if it is.
    #[must_use]
    pub fn cancel_reason(&self) -> Option<CancelReason> {
        self.cancellation.reason.get().copied()
    }
}
