//! What a handler is told besides the message.

use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;

use crate::message::Message;
use crate::trace::TraceContext;

/// The circumstances of one delivery. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Context {
    attempt: u32,
    message: Message,
    cancellation: Cancellation,
    trace: Option<TraceContext>,
}

/// Why a handler is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// The message's visibility ended or could not be extended: somebody else may have it now.
    LeaseLost,
    /// The consumer is shutting down and its grace is nearly over.
    GraceEnding,
}

/// The token of one delivery and why it fired.
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
    pub(crate) fn new(message: &Message, attempt: u32, cancellation: Cancellation) -> Self {
        Self {
            attempt,
            message: message.clone(),
            cancellation,
            trace: message.trace_context(),
        }
    }

    /// Makes a context by hand, for a handler's tests: one that fires when `token` does.
    #[must_use]
    pub fn by_hand(message: &Message, attempt: u32, token: CancellationToken) -> Self {
        Self::new(
            message,
            attempt,
            Cancellation {
                token,
                reason: Arc::default(),
            },
        )
    }

    /// Returns which real attempt this is, from 1: handler runs that failed, as far as this process remembers, plus one.
    ///
    /// Releases, deferrals and lost leases are not attempts.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns how often the queue has handed the message out, this time included.
    #[must_use]
    pub fn receive_count(&self) -> u32 {
        self.message.receive_count()
    }

    /// Returns when the queue accepted the message.
    #[must_use]
    pub fn sent_at(&self) -> SystemTime {
        self.message.sent_at()
    }

    /// Returns the message group, if the message has one.
    #[must_use]
    pub fn group_id(&self) -> Option<&str> {
        self.message.group_id()
    }

    /// Returns the trace that the message was sent in, if the sender told.
    #[must_use]
    pub fn trace_context(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }

    /// Waits until the handler should stop: the lease is lost, or the drain's grace is nearly over.
    pub async fn cancelled(&self) {
        self.cancellation.token.cancelled().await;
    }

    /// Returns whether the handler should stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancellation.token.is_cancelled()
    }

    /// Returns the token behind [`cancelled`](Self::cancelled), to be passed on.
    #[must_use]
    pub fn cancellation_token(&self) -> CancellationToken {
        self.cancellation.token.clone()
    }

    /// Returns why the token fired, once it has.
    #[must_use]
    pub fn cancel_reason(&self) -> Option<CancelReason> {
        self.cancellation.reason.get().copied()
    }
}
