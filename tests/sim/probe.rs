//! Handlers under watch: the auditor learns what was begun and finished, and a bug of the zoo may be put in.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use dynamo_streams::{Context as RecordContext, Handler as RecordHandler, Record};
use futures::FutureExt as _;
use sqs_consumer::{Context, Handler, Message};

use crate::audit::Auditor;
use crate::clock::ProcessClock;
use crate::network::{Network, Order};
use crate::zoo::{Begun, Bug};

tokio::task_local! {
    /// What the handler whose task this is has in hand.
    static IN_HAND: String;
}

/// What is being handled by whoever calls this; nothing outside handlers.
pub(crate) fn in_hand() -> Option<String> {
    IN_HAND.try_with(Clone::clone).ok()
}

/// The kind of change at which a bug of the zoo panics.
const PANICS_AT: &str = "change PAID Insert";

/// How long a record that was overtaken waits.
const END_OF_THE_LINE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Watched<H> {
    inner: Arc<H>,
    network: Network,
    auditor: Auditor,
    node: u32,
    bug: Option<Bug>,
    begun: Begun,
    clock: ProcessClock,
}

impl<H> Watched<H> {
    pub(crate) fn new(
        inner: H,
        network: Network,
        node: u32,
        bug: Option<Bug>,
        clock: ProcessClock,
    ) -> Self {
        Self {
            inner: Arc::new(inner),
            auditor: network.auditor.clone(),
            network,
            node,
            bug,
            begun: Begun::default(),
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
        let dedupes = self.bug == Some(Bug::CommandsDedupedWhenBegun);
        if dedupes && self.begun.again(message.message_id()) {
            return sqs_consumer::Disposition::Done;
        }
        let handling = self.guarded(self.inner.handle(message, context));
        let disposition = IN_HAND.scope(command(message), handling).await;
        match self.bug {
            Some(bug) => bug.after_command(message.receive_count(), disposition),
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
        let disposition = match self.bug {
            None => {
                let handling = self.guarded(self.inner.handle(record, context));
                IN_HAND.scope(change(record), handling).await
            }
            Some(bug) => self.with_bug(bug, record, context).await,
        };
        if disposition == dynamo_streams::Disposition::Done && !self.is_early() {
            self.auditor.record_done(record);
        }
        disposition
    }
}

impl<H: RecordHandler> Watched<H> {
    async fn with_bug(
        &self,
        bug: Bug,
        record: &Record,
        context: &RecordContext,
    ) -> dynamo_streams::Disposition {
        use dynamo_streams::Disposition::{Done, Retry};
        if bug == Bug::RecordsDedupedWhenBegun && self.begun.again(&record.event_id) {
            return Done;
        }
        if bug == Bug::PanicEscapes && change(record) == PANICS_AT {
            self.network.order(self.node, Order::Crash);
            return std::future::pending().await;
        }
        if bug == Bug::CheckpointBeforeWork {
            self.later(record, context, Duration::ZERO);
            return Done;
        }
        let disposition = self.inner.handle(record, context).await;
        if bug == Bug::RetryOvertaken {
            if let Retry { .. } = disposition {
                self.later(record, context, END_OF_THE_LINE);
                return Done;
            }
            self.auditor.record_done(record);
        }
        bug.after_record(disposition)
    }

    /// Whether this handler's word that a record is done is not to be believed.
    fn is_early(&self) -> bool {
        matches!(
            self.bug,
            Some(Bug::CheckpointBeforeWork | Bug::RetryOvertaken)
        )
    }

    /// Handles a record after a while, until that succeeds.
    fn later(&self, record: &Record, context: &RecordContext, wait: Duration) {
        let (inner, auditor) = (Arc::clone(&self.inner), self.auditor.clone());
        let (record, context) = (record.clone(), context.clone());
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            while inner.handle(&record, &context).await != dynamo_streams::Disposition::Done {
                tokio::time::sleep(END_OF_THE_LINE).await;
            }
            auditor.record_done(&record);
        });
    }
}

/// The kind of a command.
fn command(message: &Message) -> String {
    let body: serde_json::Value = serde_json::from_str(message.body()).unwrap_or_default();
    let kind = body["type"].as_str().unwrap_or("malformed");
    let kind = kind.trim_start_matches("com.digitalarthouse.");
    format!("command {}", kind.trim_end_matches(".v1"))
}

/// The kind of a change: what happened to what kind of item.
fn change(record: &Record) -> String {
    let sort_key = record.keys.get("SK").and_then(|key| key.as_s().ok());
    let state = sort_key.and_then(|key| key.rsplit_once('#'));
    let state = state.filter(|_| record.table_name == "UsersCourses");
    let item = state.map_or("Session", |(_, state)| state);
    format!("change {item} {:?}", record.event)
}
