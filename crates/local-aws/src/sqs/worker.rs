//! The thread that owns the queues. It takes requests one after another, commits many of them in one transaction, and then
//! answers them. Receives that wait for messages wait here, without a thread or a timer each.

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
use super::store::{SqsOpenError, Store, StoreError};
use waiting::{WaitingReceive, WaitingReceives};

/// The maximum of requests in one transaction, so that a request does not wait long for the others.
const MAX_GROUP: usize = 256;

pub(crate) type Answer = Result<Reply, Fault>;

/// A job for the thread.
pub(crate) enum Job {
    Call {
        request: Box<Request>,
        answer: oneshot::Sender<Answer>,
    },
    Close {
        done: oneshot::Sender<()>,
    },
}

/// Opens the store and starts its thread, which ends on [`Job::Close`] or when all senders are dropped.
pub(crate) fn start(
    data_dir: &std::path::Path,
    seed: Option<u64>,
) -> Result<Sender<Job>, SqsOpenError> {
    let store = Store::open(data_dir)?;
    let unreadable = |source: StoreError| SqsOpenError::Unreadable {
        path: store.path(),
        source: source.into(),
    };
    let mut clock = Clock::starting_after(store.latest().map_err(unreadable)?);
    let engine = store.load(clock.now(), seed).map_err(unreadable)?;
    let (sender, jobs) = channel();
    let worker = Worker {
        store,
        engine,
        clock,
        seed,
        waiting: WaitingReceives::default(),
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
    seed: Option<u64>,
    waiting: WaitingReceives,
    /// The answers to send once the transaction is committed.
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
                    Job::Call { request, answer } => self.call(*request, answer, now, &mut effects),
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

    /// Waits for requests, or for the time when something is due.
    fn next(&mut self, jobs: &Receiver<Job>) -> Next {
        let due = self
            .waiting
            .next_due(&self.engine)
            .into_iter()
            .fold(self.engine.next_tick(), Moment::min);
        // At least a millisecond, because instants are rounded down.
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
            // Earlier receives are served first.
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
                self.waiting.push(
                    queue,
                    WaitingReceive {
                        receive,
                        answer,
                        until,
                    },
                );
            }
            outcome => self.answers.push((answer, outcome)),
        }
    }

    /// Serves waiting receives with messages that have become receivable. Serving a queue may wake its dead-letter queue.
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
        while let Some(waiter) = self.waiting.pop(queue) {
            if waiter.answer.is_closed() {
                continue;
            }
            let request = Request::Receive(waiter.receive.clone());
            match self.engine.execute(request, now, effects) {
                Ok(Reply::Received(received)) if received.messages.is_empty() => {
                    return self.waiting.put_back(queue, waiter);
                }
                outcome => self.answers.push((waiter.answer, outcome)),
            }
        }
    }

    /// Commits, then answers. If the commit fails, the engine is restored from the store. Returns false if that fails too.
    fn commit(&mut self, effects: &Effects, now: Moment) -> bool {
        let Err(error) = self.store.commit(&effects.writes) else {
            for (sender, answer) in self.answers.drain(..) {
                // A caller may be gone; a message delivered to it returns when its visibility timeout ends.
                let _ = sender.send(answer);
            }
            return true;
        };
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the queues were not written"
        );
        let fault = Fault::new(Code::InternalFailure, error.told());
        for (sender, _) in self.answers.drain(..) {
            let _ = sender.send(Err(fault.clone()));
        }
        self.reload(now)
    }

    fn reload(&mut self, now: Moment) -> bool {
        match self.store.load(now, self.seed) {
            Ok(engine) => {
                self.engine = engine;
                true
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the queues were not restored"
                );
                false
            }
        }
    }

    fn close(self, done: oneshot::Sender<()>) {
        if let Err(error) = self.store.close() {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the queues were not closed cleanly"
            );
        }
        let _ = done.send(());
    }
}
