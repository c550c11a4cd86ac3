//! The thread that owns the queues: it takes requests one after another, commits many of them at once, and only then
//! answers them. Whoever waits for messages waits here, without a thread or a timer of its own.

mod waiting;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::engine::{Effects, Engine};
use super::fault::{Code, Fault};
use super::message::QueueId;
use super::moment::{Clock, Moment};
use super::request::{Receive, Received, Reply, Request};
use super::store::{SqsOpenError, Store};
use waiting::{Waiter, WaitingRoom};

/// How many requests share one transaction at most: what one of them waits for the others stays small.
const MAX_GROUP: usize = 256;

pub(crate) type Answer = Result<Reply, Fault>;

/// What the thread is told.
pub(crate) enum Job {
    Call {
        request: Request,
        answer: oneshot::Sender<Answer>,
    },
    Close {
        done: oneshot::Sender<()>,
    },
}

/// Opens the store and starts its thread, which ends on [`Job::Close`] or when all senders are gone.
pub(crate) fn start(data_dir: &std::path::Path) -> Result<Sender<Job>, SqsOpenError> {
    let store = Store::open(data_dir)?;
    let mut clock = Clock::default();
    let engine = store
        .load(clock.now())
        .map_err(|source| SqsOpenError::Unreadable {
            path: store.path(),
            source: source.into(),
        })?;
    let (sender, jobs) = channel();
    let worker = Worker {
        store,
        engine,
        clock,
        waiting: WaitingRoom::default(),
        answers: Vec::new(),
    };
    thread::Builder::new()
        .name("sqs".to_owned())
        .spawn(move || worker.run(&jobs))
        .map_err(SqsOpenError::Thread)?;
    Ok(sender)
}

struct Worker {
    store: Store,
    engine: Engine,
    clock: Clock,
    waiting: WaitingRoom,
    /// What is answered once the transaction is committed.
    answers: Vec<(oneshot::Sender<Answer>, Answer)>,
}

enum Next {
    Jobs(Vec<Job>),
    Ended,
}

impl Worker {
    fn run(mut self, jobs: &Receiver<Job>) {
        while let Next::Jobs(group) = self.next(jobs) {
            let now = self.clock.now();
            let mut effects = Effects::default();
            let mut closing = None;
            for job in group {
                match job {
                    Job::Call { request, answer } => self.call(request, answer, now, &mut effects),
                    Job::Close { done } => closing = Some(done),
                }
            }
            self.engine.tick(now, &mut effects);
            self.serve_waiting(now, &mut effects);
            self.answers.extend(self.waiting.expire(now));
            if closing.is_some() {
                self.answers.extend(self.waiting.dismiss());
            }
            let sound = self.commit(&effects, now);
            if let Some(done) = closing {
                return self.close(done);
            }
            if !sound {
                return;
            }
        }
    }

    /// Waits for requests, or for the time when something is due by itself.
    fn next(&mut self, jobs: &Receiver<Job>) -> Next {
        let due = self
            .waiting
            .next_due(&self.engine)
            .into_iter()
            .fold(self.engine.next_tick(), Moment::min);
        // A millisecond more than nothing: moments are rounded down.
        let timeout = due.since(self.clock.now()).max(Duration::from_millis(1));
        let first = match jobs.recv_timeout(timeout) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => return Next::Jobs(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => return Next::Ended,
        };
        let rest = jobs.try_iter().take(MAX_GROUP - 1);
        Next::Jobs(std::iter::once(first).chain(rest).collect())
    }

    fn call(
        &mut self,
        request: Request,
        answer: oneshot::Sender<Answer>,
        now: Moment,
        effects: &mut Effects,
    ) {
        if let Request::Receive(receive) = request {
            // Who came before is served before.
            self.serve_waiting(now, effects);
            self.receive(receive, answer, now, effects);
        } else {
            let outcome = self.engine.execute(request, now, effects);
            self.answers.push((answer, outcome));
        }
    }

    fn receive(
        &mut self,
        receive: Receive,
        answer: oneshot::Sender<Answer>,
        now: Moment,
        effects: &mut Effects,
    ) {
        if answer.is_closed() {
            return;
        }
        match self
            .engine
            .execute(Request::Receive(receive.clone()), now, effects)
        {
            Ok(Reply::Received(Received {
                queue,
                messages,
                wait_seconds,
            })) if messages.is_empty() && wait_seconds > 0 => {
                let until = now.plus_seconds(wait_seconds);
                self.waiting.enter(
                    queue,
                    Waiter {
                        receive,
                        answer,
                        until,
                    },
                );
            }
            outcome => self.answers.push((answer, outcome)),
        }
    }

    /// Gives those who wait what has become receivable. Serving one queue may wake another: its dead-letter queue.
    fn serve_waiting(&mut self, now: Moment, effects: &mut Effects) {
        effects.woken.extend(self.waiting.due(&self.engine, now));
        while !effects.woken.is_empty() {
            let woken = std::mem::take(&mut effects.woken);
            for queue in self.waiting.among(&woken) {
                self.serve_queue(queue, now, effects);
            }
        }
    }

    fn serve_queue(&mut self, queue: QueueId, now: Moment, effects: &mut Effects) {
        while let Some(waiter) = self.waiting.leave(queue) {
            if waiter.answer.is_closed() {
                continue;
            }
            let request = Request::Receive(waiter.receive.clone());
            match self.engine.execute(request, now, effects) {
                Ok(Reply::Received(received)) if received.messages.is_empty() => {
                    return self.waiting.stay(queue, waiter);
                }
                outcome => self.answers.push((waiter.answer, outcome)),
            }
        }
    }

    /// Commits, and answers. If that fails, nothing of it has happened: the engine is again what the store says. False
    /// if even that can't be had.
    fn commit(&mut self, effects: &Effects, now: Moment) -> bool {
        let Err(error) = self.store.commit(&effects.writes) else {
            for (sender, answer) in self.answers.drain(..) {
                // Who no longer listens has gone; a message handed out to it comes back when its visibility ends.
                let _ = sender.send(answer);
            }
            return true;
        };
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "queues not written"
        );
        let fault = Fault::new(
            Code::InternalFailure,
            "The request could not be written to disk.",
        );
        for (sender, _) in self.answers.drain(..) {
            let _ = sender.send(Err(fault.clone()));
        }
        self.reload(now)
    }

    fn reload(&mut self, now: Moment) -> bool {
        match self.store.load(now) {
            Ok(engine) => {
                self.engine = engine;
                true
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "queues not read back"
                );
                false
            }
        }
    }

    fn close(self, done: oneshot::Sender<()>) {
        if let Err(error) = self.store.close() {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "queues not closed cleanly"
            );
        }
        let _ = done.send(());
    }
}
