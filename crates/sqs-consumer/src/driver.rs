//! The loop around the table: waits for one event, and carries out the commands of the table on tokio and the queue.

mod handlers;
mod log;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;

use crate::dead_letter;
use crate::error::Error;
use crate::handler::Handler;
use crate::history::History;
use crate::message::Message;
use crate::monitor::Snapshot;
use crate::queue::{ErrorKind, Queue, QueueError, Receive};
use crate::sender::BatchSender;
use crate::sender::settings::SenderSettings;
use crate::settings::Settings;
use crate::table::{Answer, Command, Entry, Event, Key, Table};
use crate::telemetry::Meter;
use crate::trace::LinkSpan;
use handlers::{HandlerRun, HandlerTasks};

const RECEIVE: &str = "ReceiveMessage";
const DELETE: &str = "DeleteMessageBatch";
const CHANGE: &str = "ChangeMessageVisibilityBatch";
/// A copy to the dead-letter queue, from its handover to the sender to its result.
const DEAD_LETTER: &str = "DeadLetter";

pub(crate) struct Driver<Q, H> {
    queue: Arc<Q>,
    handlers: HandlerTasks<H>,
    dead_letters: Option<DeadLetters>,
    table: Table,
    replies: (mpsc::UnboundedSender<Reply>, mpsc::UnboundedReceiver<Reply>),
    not_found: Option<QueueError>,
    answered_at: Option<Instant>,
    drain_began: Option<Instant>,
    meter: Meter,
    publish: watch::Sender<Snapshot>,
}

/// The response to a request that ran in a task of its own.
struct Reply {
    event: Event,
    operation: &'static str,
    took: Duration,
    failure: Option<QueueError>,
}

/// The parts of a driver, besides the handler.
pub(crate) struct Parts<Q> {
    pub(crate) queue: Q,
    pub(crate) dead_letters: Option<Q>,
    pub(crate) settings: Settings,
    pub(crate) link_span: Option<LinkSpan>,
    pub(crate) publish: watch::Sender<Snapshot>,
    pub(crate) history: History,
}

struct DeadLetters {
    sender: BatchSender,
    fifo: bool,
}

impl<Q: Queue, H: Handler> Driver<Q, H> {
    pub(crate) fn new(parts: Parts<Q>, handler: H) -> Self {
        let Parts {
            queue,
            dead_letters,
            settings,
            link_span,
            publish,
            history,
        } = parts;
        let sending = SenderSettings {
            request_timeout: settings.request_timeout,
            ..SenderSettings::default()
        };
        let dead_letters = dead_letters.map(|queue| DeadLetters {
            fifo: queue.is_fifo(),
            sender: BatchSender::start(queue, sending),
        });
        Self {
            table: Table::new(
                settings,
                queue.is_fifo(),
                dead_letters.is_some(),
                fastrand::Rng::new(),
                history,
            ),
            meter: Meter::new(queue.name()),
            handlers: HandlerTasks::new(handler, queue.name(), link_span),
            queue: Arc::new(queue),
            dead_letters,
            replies: mpsc::unbounded_channel(),
            not_found: None,
            answered_at: None,
            drain_began: None,
            publish,
        }
    }

    pub(crate) async fn run(
        mut self,
        shutdown: CancellationToken,
    ) -> (Result<Snapshot, Error>, History) {
        let mut event = Event::Tick;
        loop {
            let commands = self.table.step(event, Instant::now().into_std());
            for command in commands {
                if command == Command::Stop {
                    return self.end();
                }
                self.carry_out(command);
            }
            self.publish_snapshot();
            event = self.next_event(&shutdown).await;
            if let Event::Shutdown = event {
                self.drain_began = Some(Instant::now());
            }
        }
    }

    async fn next_event(&mut self, shutdown: &CancellationToken) -> Event {
        let wake_at = self.table.wake_at().map(Instant::from_std);
        tokio::select! {
            biased;
            () = shutdown.cancelled(), if self.drain_began.is_none() => Event::Shutdown,
            Some(reply) = self.replies.1.recv() => self.replied(reply),
            Some(run) = self.handlers.next_end() => self.handler_ended(run),
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
            } => self.handlers.start(key, message, attempt),
            Command::Cancel { key, reason } => self.handlers.cancel(key, reason),
            Command::TimeOut { key } => self.handlers.time_out(key),
            Command::Abort { key } => self.handlers.abort(key),
            Command::DeadLetter {
                key,
                message,
                attempt,
                reason,
                detail,
            } => self.dead_letter(key, &message, attempt, &reason, &detail),
            Command::Delete(entries) => {
                let queue = Arc::clone(&self.queue);
                let receipts = entries.iter().map(|entry| entry.receipt.clone()).collect();
                self.request(
                    DELETE,
                    async move { queue.delete(receipts).await },
                    |result| Event::Deleted(Answer { entries, result }),
                );
            }
            Command::Release(entries) => self.change_visibility(entries, Event::Released),
            Command::Renew(entries) => self.change_visibility(entries, Event::Renewed),
            Command::Stop => {}
        }
    }

    fn receive(&self, request: Receive) {
        let queue = Arc::clone(&self.queue);
        let reserved = request.max_messages;
        self.request(
            RECEIVE,
            async move { queue.receive(request).await },
            move |result| Event::Received { reserved, result },
        );
    }

    fn change_visibility(&self, entries: Vec<Entry>, event: fn(Answer) -> Event) {
        let queue = Arc::clone(&self.queue);
        let change = |entry: &Entry| (entry.receipt.clone(), entry.visibility_timeout);
        let changes = entries.iter().map(change).collect();
        let request = async move { queue.change_visibility(changes).await };
        self.request(CHANGE, request, move |result| {
            event(Answer { entries, result })
        });
    }

    /// Sends a request in a task of its own, so that nothing here can cancel it.
    fn request<T>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, QueueError>> + Send + 'static,
        event: impl FnOnce(Result<T, ErrorKind>) -> Event + Send + 'static,
    ) {
        let replies = self.replies.0.clone();
        let started = Instant::now();
        tokio::spawn(async move {
            let (result, failure) = match request.await {
                Ok(answer) => (Ok(answer), None),
                Err(error) => (Err(error.kind), Some(error)),
            };
            let reply = Reply {
                event: event(result),
                operation,
                took: started.elapsed(),
                failure,
            };
            let _ = replies.send(reply); // fails only when the run is over
        });
    }

    fn replied(&mut self, reply: Reply) -> Event {
        let Reply {
            event,
            operation,
            took,
            failure,
        } = reply;
        self.meter
            .requested(operation, took, failure.as_ref().map(|error| error.kind));
        if failure.is_none() && operation != DEAD_LETTER {
            self.answered_at = Some(Instant::now());
        }
        if let Some(error) = failure {
            log::request_failed(self.queue.name(), &error);
            if error.kind == ErrorKind::QueueNotFound && operation == RECEIVE {
                self.not_found = Some(error);
            }
        }
        if let Event::Deleted(answer) | Event::Released(answer) | Event::Renewed(answer) = &event {
            log::entries_failed(self.queue.name(), operation, answer);
        }
        event
    }

    fn handler_ended(&mut self, run: HandlerRun) -> Event {
        self.meter.processed(run.took, run.failure);
        Event::Handled {
            key: run.key,
            ended: run.ended,
        }
    }

    fn dead_letter(&self, key: Key, message: &Message, attempt: u32, reason: &str, detail: &str) {
        let Some(DeadLetters { sender, fifo }) = &self.dead_letters else {
            return;
        };
        let copy = dead_letter::copy(message, attempt, self.queue.name(), *fifo, reason, detail);
        let sender = sender.clone();
        let (message_id, reason) = (message.message_id().to_owned(), reason.to_owned());
        let request = async move {
            let sent = sender.send(copy).await;
            log::dead_lettered(&message_id, attempt, &reason, &sent);
            Ok(sent.is_ok())
        };
        self.request(DEAD_LETTER, request, move |accepted| {
            let accepted = accepted == Ok(true);
            Event::DeadLettered { key, accepted }
        });
    }

    /// Publishes the figures as they are now, and returns them.
    fn publish_snapshot(&mut self) -> Snapshot {
        let mut snapshot = self.table.snapshot();
        snapshot.counters.send_requests = self
            .dead_letters
            .as_ref()
            .map_or(0, |dead| dead.sender.counters().requests);
        snapshot.answered_at = self.answered_at.map(Instant::into_std);
        snapshot.draining_for = self.drain_began.map(|began| began.elapsed());
        self.meter.publish(&snapshot);
        self.publish.send_replace(snapshot);
        snapshot
    }

    fn end(mut self) -> (Result<Snapshot, Error>, History) {
        let snapshot = self.publish_snapshot();
        let ended = match self.not_found.take() {
            Some(error) if self.table.queue_not_found() => Err(Error::QueueNotFound(error)),
            Some(_) | None => Ok(snapshot),
        };
        (ended, self.table.into_history())
    }
}

async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        time::sleep_until(at).await;
    }
}
