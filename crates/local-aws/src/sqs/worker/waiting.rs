use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::sync::oneshot;

use super::Answer;
use crate::sqs::engine::Engine;
use crate::sqs::message::QueueId;
use crate::sqs::moment::Moment;
use crate::sqs::request::{Receive, Received, Reply};

/// A receive that has found no message so far.
pub(super) struct WaitingReceive {
    pub(super) receive: Receive,
    pub(super) answer: oneshot::Sender<Answer>,
    pub(super) until: Moment,
}

/// The waiting receives by queue, the earliest first. A queue without one has no entry.
#[derive(Default)]
pub(super) struct WaitingReceives {
    queues: BTreeMap<QueueId, VecDeque<WaitingReceive>>,
}

impl WaitingReceives {
    pub(super) fn push(&mut self, queue: QueueId, waiter: WaitingReceive) {
        self.queues.entry(queue).or_default().push_back(waiter);
    }

    /// Removes the earliest receive of a queue.
    pub(super) fn pop(&mut self, queue: QueueId) -> Option<WaitingReceive> {
        let waiters = self.queues.get_mut(&queue)?;
        let first = waiters.pop_front();
        if waiters.is_empty() {
            self.queues.remove(&queue);
        }
        first
    }

    /// Puts back the earliest receive of a queue.
    pub(super) fn put_back(&mut self, queue: QueueId, waiter: WaitingReceive) {
        self.queues.entry(queue).or_default().push_front(waiter);
    }

    /// Returns those of the queues that have a waiting receive.
    pub(super) fn among(&self, queues: &BTreeSet<QueueId>) -> Vec<QueueId> {
        let waited_for = |queue: &&QueueId| self.queues.contains_key(queue);
        queues.iter().filter(waited_for).copied().collect()
    }

    /// Returns the queues with a waiting receive in which a hidden message becomes visible by now.
    pub(super) fn due(&self, engine: &Engine, now: Moment) -> Vec<QueueId> {
        let due = |queue: &QueueId| engine.next_visible(*queue).is_some_and(|due| due <= now);
        self.queues.keys().copied().filter(due).collect()
    }

    /// Returns when the next receive's wait time ends, or a message becomes visible for a waiting receive.
    pub(super) fn next_due(&self, engine: &Engine) -> Option<Moment> {
        let visible = self
            .queues
            .keys()
            .filter_map(|queue| engine.next_visible(*queue));
        let patience = self.queues.values().flatten().map(|waiter| waiter.until);
        visible.chain(patience).min()
    }

    /// Answers receives whose wait time has ended, without messages.
    pub(super) fn expire(&mut self, now: Moment) -> Vec<(oneshot::Sender<Answer>, Answer)> {
        let mut expired = Vec::new();
        self.queues.retain(|queue, waiters| {
            for waiter in std::mem::take(waiters) {
                if waiter.until <= now {
                    expired.push((waiter.answer, nothing(*queue)));
                } else if !waiter.answer.is_closed() {
                    waiters.push_back(waiter);
                }
            }
            !waiters.is_empty()
        });
        expired
    }

    /// Answers all receives, without messages.
    pub(super) fn dismiss(&mut self) -> Vec<(oneshot::Sender<Answer>, Answer)> {
        let queues = std::mem::take(&mut self.queues);
        let all = queues.into_iter().flat_map(|(queue, waiters)| {
            waiters
                .into_iter()
                .map(move |waiter| (waiter.answer, nothing(queue)))
        });
        all.collect()
    }
}

fn nothing(queue: QueueId) -> Answer {
    Ok(Reply::Received(Received {
        queue,
        messages: Vec::new(),
        wait_seconds: 0,
    }))
}
