//! One attempt at a record: calls the handler, catches its panic, drops it when its token fires.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;

use crate::handler::{Context, Disposition, Handler};
use crate::record::Record;

/// How an attempt ended.
pub(crate) enum Ended {
    Returned(Disposition),
    Panicked,
    /// Its token fired.
    Dropped,
}

/// Calls the handler once. All code of the application runs inside the future that catches panics: the call that makes the handler's future,
/// and its drop.
pub(crate) async fn attempt<H: Handler>(handler: &H, record: &Record, context: &Context) -> Ended {
    let attempt = async {
        let token = context.cancellation_token();
        token
            .run_until_cancelled(handler.handle(record, context))
            .await
    };
    match AssertUnwindSafe(attempt).catch_unwind().await {
        Ok(Some(disposition)) => Ended::Returned(disposition),
        Ok(None) => Ended::Dropped,
        Err(_) => Ended::Panicked,
    }
}
