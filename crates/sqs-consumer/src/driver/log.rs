//! The log lines of the consumer: ids, counts, constant words and `reason`; never a body, a group or an attribute.

use tracing::Span;

use crate::context::{CancelReason, Context};
use crate::handler::Disposition;
use crate::message::Message;
use crate::queue::QueueError;
use crate::sender::settings::SendError;
use crate::table::{Answer, Ended};
use crate::telemetry::SYSTEM;

/// The span of one handler run, with the fields of the OpenTelemetry messaging conventions.
pub(super) fn span(queue: &str, message: &Message, context: &Context) -> Span {
    let trace = context.trace_context();
    tracing::info_span!(
        "process",
        otel.kind = "consumer",
        otel.status_code = tracing::field::Empty,
        messaging.system = SYSTEM,
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = queue,
        messaging.message.id = message.message_id(),
        attempt = context.attempt(),
        receive_count = message.receive_count(),
        link.trace_id = trace.map(|trace| trace.trace_id()),
        link.span_id = trace.map(|trace| trace.span_id()),
    )
}

/// Logs how a handler ended, within its span, and returns the `error.type` if it failed.
pub(super) fn ended(ended: &Ended) -> Option<&'static str> {
    match ended {
        Ended::Returned(Disposition::Done) => None,
        Ended::Returned(Disposition::Retry { reason, .. }) => {
            tracing::info!(reason, "the message is retried later");
            Some("retry")
        }
        Ended::Returned(Disposition::Defer { reason, .. }) => {
            tracing::info!(reason, "the message is deferred");
            Some("defer")
        }
        Ended::Returned(Disposition::DeadLetter { reason, .. }) => {
            tracing::info!(reason, "the message is dead-lettered");
            Some("dead_letter")
        }
        Ended::Panicked(_) => {
            tracing::error!("the handler panicked");
            Some("panic")
        }
        Ended::TimedOut => {
            tracing::error!("the handler timed out and was dropped");
            Some("timed_out")
        }
        Ended::Dropped => {
            tracing::warn!("the handler was dropped");
            Some("dropped")
        }
    }
}

pub(super) fn cancelled(reason: CancelReason) {
    match reason {
        CancelReason::LeaseLost => {
            tracing::warn!("the lease of a message is lost, its handler is dropped")
        }
        CancelReason::TimedOut => {
            tracing::warn!("a handler has run for as long as it may and is cancelled")
        }
        CancelReason::ShuttingDown => {
            tracing::info!("the shutdown timeout ends, a handler is cancelled")
        }
    }
}

pub(super) fn request_failed(queue: &str, error: &QueueError) {
    let (operation, kind) = (error.operation, error.kind.as_str());
    let source = error
        .source
        .as_deref()
        .map(|source| source as &dyn std::error::Error);
    if error.kind.is_transient() {
        tracing::warn!(
            queue,
            operation,
            kind,
            error = source,
            "a request failed and is retried"
        );
    } else {
        tracing::error!(
            queue,
            operation,
            kind,
            error = source,
            "a request was refused"
        );
    }
}

pub(super) fn entries_failed(queue: &str, operation: &str, answer: &Answer) {
    let results = answer.result.iter().flatten();
    for error in results.filter_map(|result| result.as_ref().err()) {
        tracing::warn!(
            queue,
            operation,
            code = error.code,
            transient = error.transient,
            "an entry of a batch failed"
        );
    }
}

pub(super) fn dead_lettered(
    message_id: &str,
    attempt: u32,
    reason: &str,
    sent: &Result<(), SendError>,
) {
    match sent {
        Ok(()) => tracing::warn!(message_id, attempt, reason, "a message was dead-lettered"),
        Err(error) => {
            tracing::error!(message_id, attempt, reason, %error, "a message could not be dead-lettered");
        }
    }
}
