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
use crate::history::History;
use crate::monitor::{Monitor, Snapshot};
use crate::queue::Queue;
use crate::queue::aws::SqsQueue;
use crate::settings::Settings;
use crate::trace::TraceContext;

/// Receives messages from one queue and calls a handler for each, until it is shut down.
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
    /// [`Error::InvalidSetting`].
    pub fn over(queue: Q, dead_letters: Option<Q>, settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let publish = watch::Sender::new(Snapshot::default());
        Ok(Self(Parts {
            queue,
            dead_letters,
            history: History::new(&settings),
            settings,
            link_span: None,
            publish,
        }))
    }

    /// Calls `link` before each handler run whose message carries a trace context, with the span of the run and that context: the place to
    /// link the two spans in the application's own version of OpenTelemetry.
    #[must_use]
    pub fn link_spans(
        mut self,
        link: impl Fn(&tracing::Span, &TraceContext) + Send + Sync + 'static,
    ) -> Self {
        self.0.link_span = Some(Arc::new(link));
        self
    }

    /// Returns a monitor that reads the figures while the consumer runs.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor(self.0.publish.subscribe())
    }

    /// Runs until `shutdown` fires, then drains: it receives no more, releases messages that have not started, lets handlers finish, and
    /// sends the last deletes. Returns the final figures within `shutdown_timeout` after `shutdown`.
    ///
    /// Dropping the future is like a crash: handlers are dropped, requests in flight finish in the background, and messages that were not
    /// deleted become visible when their visibility timeout ends.
    ///
    /// # Errors
    /// [`Error::QueueNotFound`] if the queue does not exist or is deleted; the consumer has drained then.
    pub async fn run<H: Handler>(
        self,
        handler: H,
        shutdown: CancellationToken,
    ) -> Result<Snapshot, Error> {
        let queue = self.0.queue.name().to_owned();
        let monitor = self.monitor();
        let run = Box::pin(Driver::new(self.0, handler).run(shutdown.clone()));
        let draining = async {
            shutdown.cancelled().await;
            info!(queue, running = monitor.snapshot().running, "draining");
            pending().await
        };
        let (ended, _) = tokio::select! {
            ended = run => ended,
            never = draining => never,
        };
        if let Ok(snapshot) = &ended {
            info!(queue, unsettled = snapshot.in_flight, "drained");
        }
        ended
    }

    /// Turns it into a consumer of batches that AWS Lambda's event source mapping receives and deletes.
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
    /// Dead-letters messages to the queue at this URL.
    ///
    /// Without it they are released after the longest delay of the retry policy, until the redrive policy of the queue itself moves them.
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
    /// [`Error::InvalidSetting`].
    pub fn build(self) -> Result<Consumer, Error> {
        self.settings.check()?; // before anything computes with them
        let Settings {
            wait_time,
            request_timeout,
            ..
        } = self.settings;
        let queue = |url: String| SqsQueue::new(&self.client, url, wait_time, request_timeout);
        Consumer::over(
            queue(self.queue_url),
            self.dead_letter_queue_url.map(queue),
            self.settings,
        )
    }
}
