//! The thin loop: waits for one event, asks the table what to do, and does it on tokio and the queue.

mod log;

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use crate::context::{Cancellation, Context};
use crate::dead_letter;
use crate::error::Error;
use crate::handler::{Disposition, Handler};
use crate::message::Message;
use crate::queue::{ErrorKind, Queue, QueueError, Receipt, Receive};
use crate::sender::{BatchSender, SenderSettings};
use crate::settings::Settings;
use crate::stats::{Stats, Summary};
use crate::table::{Answer, Command, Ended, Entry, Event, Key, Table};
use crate::telemetry::Meter;

const RECEIVE: &str = "ReceiveMessage";
const DELETE: &str = "DeleteMessageBatch";
const CHANGE: &str = "ChangeMessageVisibilityBatch";
/// A copy into the dead-letter queue: from handing it to the sender until its fate is known.
const BURY: &str = "DeadLetter";

pub(crate) struct Driver<Q, H> {
    queue: Arc<Q>,
    handler: Arc<H>,
    dead_letters: Option<DeadLetters>,
    table: Table,
    handlers: JoinSet<Disposition>,
    tasks: HashMap<Id, Key>,
    running: HashMap<Key, Running>,
    replies: (mpsc::UnboundedSender<Reply>, mpsc::UnboundedReceiver<Reply>),
    missing: Option<QueueError>,
    meter: Meter,
    publish: watch::Sender<Stats>,
}

/// The answer to a request that ran in a task of its own.
struct Reply {
    event: Event,
    operation: &'static str,
    took: Duration,
    failure: Option<QueueError>,
}

struct DeadLetters {
    sender: BatchSender,
    fifo: bool,
}

/// A handler that runs.
struct Running {
    cancellation: Cancellation,
    abort: AbortHandle,
    span: Span,
    started: Instant,
}

impl<Q: Queue, H: Handler> Driver<Q, H> {
    pub(crate) fn new(
        queue: Q,
        dead_letters: Option<Q>,
        settings: Settings,
        handler: H,
        publish: watch::Sender<Stats>,
    ) -> Self {
        let sending = SenderSettings {
            request_timeout: settings.request_timeout,
            ..SenderSettings::default()
        };
        let dead_letters = dead_letters.map(|queue| DeadLetters {
            fifo: queue.is_fifo(),
            sender: BatchSender::over(queue, sending),
        });
        Self {
            table: Table::new(
                settings,
                queue.is_fifo(),
                dead_letters.is_some(),
                fastrand::Rng::new(),
            ),
            meter: Meter::new(queue.name()),
            queue: Arc::new(queue),
            handler: Arc::new(handler),
            dead_letters,
            handlers: JoinSet::new(),
            tasks: HashMap::new(),
            running: HashMap::new(),
            replies: mpsc::unbounded_channel(),
            missing: None,
            publish,
        }
    }

    pub(crate) async fn run(mut self, shutdown: CancellationToken) -> Result<Summary, Error> {
        let mut drain_began = None;
        let mut event = Event::Tick;
        loop {
            let commands = self.table.step(event, Instant::now().into_std());
            for command in commands {
                if command == Command::Stop {
                    return self.end(drain_began.unwrap_or_else(Instant::now));
                }
                self.carry_out(command);
            }
            let stats = self.stats();
            self.meter.publish(&stats);
            self.publish.send_replace(stats);
            event = self.next_event(&shutdown, drain_began.is_some()).await;
            if let Event::Drain = event {
                tracing::info!(
                    queue = self.queue.name(),
                    running = self.running.len(),
                    "draining"
                );
                drain_began = Some(Instant::now());
            }
        }
    }

    async fn next_event(&mut self, shutdown: &CancellationToken, draining: bool) -> Event {
        let wake_at = self.table.wake_at().map(Instant::from_std);
        tokio::select! {
            biased;
            () = shutdown.cancelled(), if !draining => Event::Drain,
            Some(reply) = self.replies.1.recv() => self.replied(reply),
            Some(joined) = self.handlers.join_next_with_id() => self.handler_ended(joined),
            () = sleep_until(wake_at), if wake_at.is_some() => Event::Tick,
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Receive(request) => self.receive(request),
            Command::Start {
                key,
                message,
                attempt,
            } => self.start(key, message, attempt),
            Command::Cancel { key, reason } => {
                if let Some(running) = self.running.get(&key) {
                    running.span.in_scope(|| log::cancelled(reason));
                    running.cancellation.cancel(reason);
                }
            }
            Command::Abort { key } => {
                if let Some(running) = self.running.get(&key) {
                    running.abort.abort();
                }
            }
            Command::Copy {
                key,
                message,
                attempt,
                reason,
                detail,
            } => self.bury(key, &message, attempt, &reason, &detail),
            Command::Delete(entries) => {
                let (queue, receipts) = (Arc::clone(&self.queue), receipts(&entries));
                let request = async move { queue.delete(receipts).await };
                self.ask(DELETE, request, move |result| {
                    Event::Deleted(Answer { entries, result })
                });
            }
            Command::Change(entries) => {
                let (queue, changes) = (Arc::clone(&self.queue), changes(&entries));
                let request = async move { queue.change_visibility(changes).await };
                self.ask(CHANGE, request, move |result| {
                    Event::Changed(Answer { entries, result })
                });
            }
            Command::Extend(entries) => {
                let (queue, changes) = (Arc::clone(&self.queue), changes(&entries));
                let request = async move { queue.change_visibility(changes).await };
                self.ask(CHANGE, request, move |result| {
                    Event::Extended(Answer { entries, result })
                });
            }
            Command::Stop => {}
        }
    }

    fn receive(&self, request: Receive) {
        let queue = Arc::clone(&self.queue);
        let reserved = request.at_most;
        self.ask(
            RECEIVE,
            async move { queue.receive(request).await },
            move |result| Event::Received { reserved, result },
        );
    }

    /// Sends a request in a task of its own, so that nothing here can cancel it.
    fn ask<T>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, QueueError>> + Send + 'static,
        event: impl FnOnce(Result<T, ErrorKind>) -> Event + Send + 'static,
    ) {
        let replies = self.replies.0.clone();
        let asked_at = Instant::now();
        tokio::spawn(async move {
            let (result, failure) = match request.await {
                Ok(answer) => (Ok(answer), None),
                Err(error) => (Err(error.kind), Some(error)),
            };
            let reply = Reply {
                event: event(result),
                operation,
                took: asked_at.elapsed(),
                failure,
            };
            let _ = replies.send(reply); // fails only when the run is over
        });
    }

    fn replied(
        &mut self,
        Reply {
            event,
            operation,
            took,
            failure,
        }: Reply,
    ) -> Event {
        self.meter
            .requested(operation, took, failure.as_ref().map(|error| error.kind));
        if let Some(error) = failure {
            log::request_failed(self.queue.name(), &error);
            if error.kind == ErrorKind::QueueMissing && operation == RECEIVE {
                self.missing = Some(error);
            }
        }
        if let Event::Deleted(answer) | Event::Changed(answer) | Event::Extended(answer) = &event {
            log::entries_failed(self.queue.name(), operation, answer);
        }
        event
    }

    fn start(&mut self, key: Key, message: Message, attempt: u32) {
        let cancellation = Cancellation::default();
        let context = Context::new(&message, attempt, cancellation.clone());
        let span = log::span(self.queue.name(), &message, &context);
        let handler = Arc::clone(&self.handler);
        let handling = async move { handler.handle(&message, &context).await };
        let abort = self.handlers.spawn(handling.instrument(span.clone()));
        self.tasks.insert(abort.id(), key);
        self.running.insert(
            key,
            Running {
                cancellation,
                abort,
                span,
                started: Instant::now(),
            },
        );
    }

    fn handler_ended(&mut self, joined: Result<(Id, Disposition), JoinError>) -> Event {
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(key) = self.tasks.remove(&id) else {
            return Event::Tick;
        };
        let ended = match joined {
            Ok((_, disposition)) => Ended::Returned(disposition),
            Err(error) => match error.try_into_panic() {
                Ok(payload) => Ended::Panicked(panic_text(&*payload)),
                Err(_) => Ended::Dropped,
            },
        };
        if let Some(running) = self.running.remove(&key) {
            let failure = running.span.in_scope(|| log::ended(&ended));
            self.meter.processed(running.started.elapsed(), failure);
        }
        Event::Handled { key, ended }
    }

    fn bury(&self, key: Key, message: &Message, attempt: u32, reason: &str, detail: &str) {
        let Some(DeadLetters { sender, fifo }) = &self.dead_letters else {
            return;
        };
        let copy = dead_letter::copy(message, attempt, self.queue.name(), *fifo, reason, detail);
        let (sender, replies) = (sender.clone(), self.replies.0.clone());
        let (message_id, reason) = (message.message_id().to_owned(), reason.to_owned());
        let asked_at = Instant::now();
        tokio::spawn(async move {
            let sent = sender.send(copy).await;
            log::buried(&message_id, attempt, &reason, &sent);
            let event = Event::Copied {
                key,
                accepted: sent.is_ok(),
            };
            let reply = Reply {
                event,
                operation: BURY,
                took: asked_at.elapsed(),
                failure: None,
            };
            let _ = replies.send(reply); // fails only when the run is over
        });
    }

    fn stats(&self) -> Stats {
        let mut stats = self.table.stats();
        stats.requests.send = self
            .dead_letters
            .as_ref()
            .map_or(0, |dead| dead.sender.stats().requests);
        stats
    }

    fn end(mut self, drain_began: Instant) -> Result<Summary, Error> {
        let stats = self.stats();
        self.meter.publish(&stats);
        self.publish.send_replace(stats);
        let summary = Summary {
            stats,
            unsettled: stats.in_flight,
            drained_in: drain_began.elapsed(),
        };
        tracing::info!(
            queue = self.queue.name(),
            unsettled = summary.unsettled,
            "drained"
        );
        match self.missing.take() {
            Some(error) if self.table.queue_missing() => Err(Error::QueueMissing(error)),
            Some(_) | None => Ok(summary),
        }
    }
}

fn receipts(entries: &[Entry]) -> Vec<Receipt> {
    entries.iter().map(|entry| entry.receipt.clone()).collect()
}

fn changes(entries: &[Entry]) -> Vec<(Receipt, Duration)> {
    entries
        .iter()
        .map(|entry| (entry.receipt.clone(), entry.visibility))
        .collect()
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no text)").to_owned()
}

async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        time::sleep_until(at).await;
    }
}
