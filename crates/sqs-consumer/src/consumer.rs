//! The consumer that an application builds and runs.

use std::fmt;
use std::future::pending;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::batch::BatchConsumer;
use crate::driver::{Driver, Parts};
use crate::error::Error;
use crate::handler::Handler;
use crate::ledger::Memory;
use crate::queue::{Queue, SqsQueue};
use crate::settings::Settings;
use crate::stats::{Stats, StatsHandle, Summary};
use crate::trace::TraceContext;

/// Receives messages from one queue and hands each to a handler, until it is told to stop.
pub struct Consumer<Q = SqsQueue>(Parts<Q>);

impl Consumer<SqsQueue> {
    /// Starts building a consumer of the SQS queue at this URL.
    #[must_use]
    pub fn builder(client: Client, queue_url: impl Into<String>) -> ConsumerBuilder {
        ConsumerBuilder {
            client,
            queue_url: queue_url.into(),
            dead_letter_queue_url: None,
            settings: Settings::default(),
        }
    }
}

impl<Q: Queue> Consumer<Q> {
    /// Makes a consumer of any [`Queue`], for tests or other transports.
    ///
    /// # Errors
    /// [`Error::Setting`] if a setting can't work.
    pub fn over(queue: Q, dead_letters: Option<Q>, settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let publish = watch::Sender::new(Stats::default());
        Ok(Self(Parts {
            queue,
            dead_letters,
            settings,
            link_span: None,
            publish,
            memory: Memory::default(),
        }))
    }

    /// Calls this with the span of each handler run and the trace that its message was sent in, if the sender told, before
    /// the handler starts: the place to link the two in the application's own version of OpenTelemetry.
    #[must_use]
    pub fn link_spans(
        mut self,
        link: impl Fn(&tracing::Span, &TraceContext) + Send + Sync + 'static,
    ) -> Self {
        self.0.link_span = Some(Arc::new(link));
        self
    }

    /// Returns a view of the counts that can be read while the consumer runs.
    #[must_use]
    pub fn stats(&self) -> StatsHandle {
        StatsHandle(self.0.publish.subscribe())
    }

    /// Runs until `shutdown` fires, then drains: nothing more is received, what has not started is given back, handlers
    /// finish, deletes are flushed. Returns within the settings' grace after `shutdown`.
    ///
    /// Dropping the future is like a crash: handlers are dropped, requests under way are finished in the background, and
    /// messages that were not deleted come back when their visibility ends.
    ///
    /// # Errors
    /// [`Error::QueueMissing`] if the queue doesn't exist or is deleted; the consumer has drained then.
    pub async fn run<H: Handler>(
        self,
        handler: H,
        shutdown: CancellationToken,
    ) -> Result<Summary, Error> {
        let queue = self.0.queue.name().to_owned();
        let stats = self.0.publish.subscribe();
        let run = Box::pin(Driver::new(self.0, handler).run(shutdown.clone()));
        let draining = async {
            shutdown.cancelled().await;
            info!(queue, running = stats.borrow().running, "draining");
            pending().await
        };
        let (ended, _) = tokio::select! {
            ended = run => ended,
            never = draining => never,
        };
        if let Ok(summary) = &ended {
            info!(queue, unsettled = summary.unsettled, "drained");
        }
        ended
    }

    /// Makes it handle batches that somebody else receives and deletes, as AWS Lambda's event source mapping does.
    #[must_use]
    pub fn into_batches(self) -> BatchConsumer<Q> {
        BatchConsumer::new(self.0)
    }
}

impl<Q> fmt::Debug for Consumer<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// Builds a [`Consumer`] of an SQS queue.
#[derive(Debug, Clone)]
pub struct ConsumerBuilder {
    client: Client,
    queue_url: String,
    dead_letter_queue_url: Option<String>,
    settings: Settings,
}

impl ConsumerBuilder {
    /// Sends messages that can't be handled to the queue at this URL.
    ///
    /// Without one they are put back for the longest delay, and the queue's own redrive policy is what ends them.
    #[must_use]
    pub fn dead_letter_queue(mut self, url: impl Into<String>) -> Self {
        self.dead_letter_queue_url = Some(url.into());
        self
    }

    /// Uses these settings instead of the defaults.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Checks the settings and makes the consumer.
    ///
    /// # Errors
    /// [`Error::Setting`] if a setting can't work.
    pub fn build(self) -> Result<Consumer, Error> {
        let Settings {
            wait,
            request_timeout,
            ..
        } = self.settings;
        let queue = |url: String| SqsQueue::new(&self.client, url, wait, request_timeout);
        Consumer::over(
            queue(self.queue_url),
            self.dead_letter_queue_url.map(queue),
            self.settings,
        )
    }
}
