//! One attempt at a record: calls the handler, catches its panic, drops it when its time is over or its token fires.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::timeout;

use crate::handler::{Context, Disposition, Handler};
use crate::record::Record;

/// How an attempt ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Returned(Disposition),
    Panicked,
    TimedOut,
    /// Its token fired.
    Dropped,
}

/// Why attempts failed that returned nothing.
pub(crate) const PANICKED: &str = "the handler panicked";
pub(crate) const TIMED_OUT: &str = "the handler timed out";

/// Calls the handler once. All code of the application runs inside the future that catches panics: the call that makes the handler's future,
/// and its drop.
pub(crate) async fn attempt<H: Handler>(
    handler: &H,
    record: &Record,
    context: &Context,
    handler_timeout: Duration,
) -> Ended {
    let token = context.cancellation_token();
    let attempt = async {
        let handled = pin!(token.run_until_cancelled(handler.handle(record, context)));
        let ended = timeout(handler_timeout, handled).await;
        if ended.is_err() {
            token.cancel();
        }
        ended
    };
    match AssertUnwindSafe(attempt).catch_unwind().await {
        Ok(Ok(Some(disposition))) => Ended::Returned(disposition),
        Ok(Ok(None)) => Ended::Dropped,
        Ok(Err(_)) => Ended::TimedOut,
        Err(_) => Ended::Panicked,
    }
}
