use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::sync::oneshot;

use super::Answer;
use crate::sqs::engine::Engine;
use crate::sqs::message::QueueId;
use crate::sqs::moment::Moment;
use crate::sqs::request::{Receive, Received, Reply};

/// A call for messages that has found none so far.
pub(super) struct Waiter {
    pub(super) receive: Receive,
    pub(super) answer: oneshot::Sender<Answer>,
    pub(super) until: Moment,
}

/// The calls that wait for messages, by queue, those that came first at the front. No queue is there without one.
#[derive(Default)]
pub(super) struct WaitingRoom {
    queues: BTreeMap<QueueId, VecDeque<Waiter>>,
}

impl WaitingRoom {
    pub(super) fn enter(&mut self, queue: QueueId, waiter: Waiter) {
        self.queues.entry(queue).or_default().push_back(waiter);
    }

    /// Takes the first in line.
    pub(super) fn leave(&mut self, queue: QueueId) -> Option<Waiter> {
        let waiters = self.queues.get_mut(&queue)?;
        let first = waiters.pop_front();
        if waiters.is_empty() {
            self.queues.remove(&queue);
        }
        first
    }

    /// Puts back the first in line.
    pub(super) fn stay(&mut self, queue: QueueId, waiter: Waiter) {
        self.queues.entry(queue).or_default().push_front(waiter);
    }

    /// Those of these queues for which someone waits.
    pub(super) fn among(&self, queues: &BTreeSet<QueueId>) -> Vec<QueueId> {
        let waited_for = |queue: &&QueueId| self.queues.contains_key(queue);
        queues.iter().filter(waited_for).copied().collect()
    }

    /// The queues for which someone waits and in which a hidden message is due to be seen.
    pub(super) fn due(&self, engine: &Engine, now: Moment) -> Vec<QueueId> {
        let due = |queue: &QueueId| engine.next_visible(*queue).is_some_and(|due| due <= now);
        self.queues.keys().copied().filter(due).collect()
    }

    /// When someone's time is up, or a message becomes visible for which someone waits.
    pub(super) fn next_due(&self, engine: &Engine) -> Option<Moment> {
        let visible = self
            .queues
            .keys()
            .filter_map(|queue| engine.next_visible(*queue));
        let patience = self.queues.values().flatten().map(|waiter| waiter.until);
        visible.chain(patience).min()
    }

    /// Lets go of those whose time is up, with nothing.
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

    /// Lets go of everyone, with nothing.
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
