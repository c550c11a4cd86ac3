//! Handlers under watch: the auditor learns what was begun and finished, and a bug of the zoo may be put in.

use std::panic::AssertUnwindSafe;

use dynamo_streams::{Record, RecordContext, RecordHandler};
use futures::FutureExt as _;
use sqs_consumer::{Context, Handler, Message};

use crate::audit::Auditor;
use crate::clock::ProcessClock;
use crate::zoo::Bug;

#[derive(Debug)]
pub(crate) struct Watched<H> {
    inner: H,
    auditor: Auditor,
    node: u32,
    bug: Option<Bug>,
    clock: ProcessClock,
}

impl<H> Watched<H> {
    pub(crate) fn new(
        inner: H,
        auditor: Auditor,
        node: u32,
        bug: Option<Bug>,
        clock: ProcessClock,
    ) -> Self {
        Self {
            inner,
            auditor,
            node,
            bug,
            clock,
        }
    }

    async fn guarded<T>(&self, handling: impl Future<Output = T>) -> T {
        match AssertUnwindSafe(handling).catch_unwind().await {
            Ok(disposition) => disposition,
            Err(panic) => {
                let at = self.clock.since_start();
                self.auditor
                    .panicked(&format!("a handler of node {}", self.node), at);
                std::panic::resume_unwind(panic)
            }
        }
    }
}

impl<H: Handler> Handler for Watched<H> {
    async fn handle(&self, message: &Message, context: &Context) -> sqs_consumer::Disposition {
        if let Some(disposition) = self.bug.and_then(|bug| bug.instead_of_command(message)) {
            return disposition;
        }
        let disposition = self.guarded(self.inner.handle(message, context)).await;
        match self.bug {
            Some(bug) => bug.after_command(disposition),
            None => disposition,
        }
    }
}

impl<H: RecordHandler> RecordHandler for Watched<H> {
    async fn handle(
        &self,
        record: &Record,
        context: &RecordContext,
    ) -> dynamo_streams::Disposition {
        self.auditor.record_begun(record, self.clock.since_start());
        let instead = self.bug.and_then(|bug| bug.instead_of_record(record));
        let disposition = match instead {
            Some(disposition) => disposition,
            None => {
                let done = self.guarded(self.inner.handle(record, context)).await;
                self.bug.map_or(done.clone(), |bug| bug.after_record(done))
            }
        };
        if disposition == dynamo_streams::Disposition::Done {
            self.auditor.record_done(record);
        }
        disposition
    }
}
