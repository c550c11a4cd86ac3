//! The thin loop: waits for one event, asks the table what to do, and does it on tokio and the queue.

mod crew;
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
use crate::ledger::Memory;
use crate::message::Message;
use crate::queue::{ErrorKind, Queue, QueueError, Receipt, Receive};
use crate::sender::{BatchSender, SenderSettings};
use crate::settings::Settings;
use crate::stats::{Stats, Summary};
use crate::table::{Answer, Command, Entry, Event, Key, Table};
use crate::telemetry::Meter;
use crate::trace::LinkSpan;
use crew::{Crew, End};

const RECEIVE: &str = "ReceiveMessage";
const DELETE: &str = "DeleteMessageBatch";
const CHANGE: &str = "ChangeMessageVisibilityBatch";
/// A copy into the dead-letter queue: from handing it to the sender until its fate is known.
const BURY: &str = "DeadLetter";

pub(crate) struct Driver<Q, H> {
    queue: Arc<Q>,
    crew: Crew<H>,
    dead_letters: Option<DeadLetters>,
    table: Table,
    replies: (mpsc::UnboundedSender<Reply>, mpsc::UnboundedReceiver<Reply>),
    missing: Option<QueueError>,
    answered_at: Option<Instant>,
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

/// What a driver is made of, besides the handler.
pub(crate) struct Parts<Q> {
    pub(crate) queue: Q,
    pub(crate) dead_letters: Option<Q>,
    pub(crate) settings: Settings,
    pub(crate) link_span: Option<LinkSpan>,
    pub(crate) publish: watch::Sender<Stats>,
    pub(crate) memory: Memory,
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
            memory,
        } = parts;
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
                memory,
            ),
            meter: Meter::new(queue.name()),
            crew: Crew::new(handler, queue.name(), link_span),
            queue: Arc::new(queue),
            dead_letters,
            replies: mpsc::unbounded_channel(),
            missing: None,
            answered_at: None,
            publish,
        }
    }

    pub(crate) async fn run(
        mut self,
        shutdown: CancellationToken,
    ) -> (Result<Summary, Error>, Memory) {
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
            Some(end) = self.crew.next_end() => self.handler_ended(end),
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
            } => self.crew.start(key, message, attempt),
            Command::Cancel { key, reason } => self.crew.cancel(key, reason),
            Command::Abort { key } => self.crew.abort(key),
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
        if failure.is_none() && operation != BURY {
            self.answered_at = Some(Instant::now());
        }
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

    fn handler_ended(
        &mut self,
        End {
            key,
            ended,
            took,
            failure,
        }: End,
    ) -> Event {
        self.meter.processed(took, failure);
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
        stats.answered_at = self.answered_at.map(Instant::into_std);
        stats
    }

    fn end(mut self, drain_began: Instant) -> (Result<Summary, Error>, Memory) {
        let stats = self.stats();
        self.meter.publish(&stats);
        self.publish.send_replace(stats);
        let summary = Summary {
            stats,
            unsettled: stats.in_flight,
            drained_in: drain_began.elapsed(),
        };
        let ended = match self.missing.take() {
            Some(error) if self.table.queue_missing() => Err(Error::QueueMissing(error)),
            Some(_) | None => Ok(summary),
        };
        (ended, self.table.into_memory())
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

async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        time::sleep_until(at).await;
    }
}
