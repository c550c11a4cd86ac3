//! The running handlers.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::log;
use crate::context::{CancelReason, Cancellation, Context};
use crate::handler::{Disposition, Handler};
use crate::message::Message;
use crate::table::{Ended, Key};
use crate::trace::LinkSpan;

/// Runs each handler in a task of its own. Dropping it drops the handlers.
pub(super) struct HandlerTasks<H> {
    handler: Arc<H>,
    queue: String,
    link_span: Option<LinkSpan>,
    tasks: JoinSet<Disposition>,
    keys: HashMap<Id, Key>,
    running: HashMap<Key, Running>,
}

struct Running {
    cancellation: Cancellation,
    abort: AbortHandle,
    span: Span,
    started: Instant,
    timed_out: bool,
}

/// A handler run that has ended.
pub(super) struct HandlerRun {
    pub(super) key: Key,
    pub(super) ended: Ended,
    pub(super) took: Duration,
    /// The `error.type`, if the run failed.
    pub(super) failure: Option<&'static str>,
}

impl<H: Handler> HandlerTasks<H> {
    pub(super) fn new(handler: H, queue: &str, link_span: Option<LinkSpan>) -> Self {
        Self {
            handler: Arc::new(handler),
            queue: queue.to_owned(),
            link_span,
            tasks: JoinSet::new(),
            keys: HashMap::new(),
            running: HashMap::new(),
        }
    }

    pub(super) fn start(&mut self, key: Key, message: Message, attempt: u32) {
        let cancellation = Cancellation::default();
        let context = Context::with_cancellation(&message, attempt, cancellation.clone());
        let span = log::span(&self.queue, &message, &context);
        let (handler, link, linked) = (
            Arc::clone(&self.handler),
            self.link_span.clone(),
            span.clone(),
        );
        // All code of the application runs in this task, so that a panic of any of it is the handler's.
        let handling = async move {
            if let (Some(link), Some(trace)) = (link, context.trace_context()) {
                link(&linked, trace);
            }
            handler.handle(&message, &context).await
        };
        let abort = self.tasks.spawn(handling.instrument(span.clone()));
        self.keys.insert(abort.id(), key);
        let started = Instant::now();
        self.running.insert(
            key,
            Running {
                cancellation,
                abort,
                span,
                started,
                timed_out: false,
            },
        );
    }

    pub(super) fn cancel(&self, key: Key, reason: CancelReason) {
        if let Some(running) = self.running.get(&key) {
            running.span.in_scope(|| log::cancelled(reason));
            running.cancellation.cancel(reason);
        }
    }

    /// Fires the token of a handler and drops its future at its next await; [`next_end`](Self::next_end) returns its run.
    pub(super) fn time_out(&mut self, key: Key) {
        self.cancel(key, CancelReason::TimedOut);
        if let Some(running) = self.running.get_mut(&key) {
            running.timed_out = true;
            running.abort.abort();
        }
    }

    /// Drops the future of a handler; [`next_end`](Self::next_end) returns its run.
    pub(super) fn abort(&self, key: Key) {
        if let Some(running) = self.running.get(&key) {
            running.abort.abort();
        }
    }

    /// Waits for the next handler to end; `None` if none runs. Cancel-safe.
    pub(super) async fn next_end(&mut self) -> Option<HandlerRun> {
        let joined = self.tasks.join_next_with_id().await?;
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let key = self.keys.remove(&id)?;
        let Running {
            span,
            started,
            timed_out,
            ..
        } = self.running.remove(&key)?;
        let ended = match joined {
            Ok((_, disposition)) => Ended::Returned(disposition),
            Err(error) => match error.try_into_panic() {
                Ok(payload) => Ended::Panicked(text(&*payload)),
                Err(_) if timed_out => Ended::TimedOut,
                Err(_) => Ended::Dropped,
            },
        };
        let failure = span.in_scope(|| log::ended(&ended));
        Some(HandlerRun {
            key,
            ended,
            took: started.elapsed(),
            failure,
        })
    }
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no text)").to_owned()
}
