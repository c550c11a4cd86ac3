//! What is remembered of messages that are not in flight: failed attempts, and finished messages.

use std::collections::{HashMap, VecDeque};

/// How many messages of each kind are remembered.
const REMEMBERED: usize = 10_000;

/// The history of a process; a [`BatchConsumer`](crate::BatchConsumer) passes it from one batch to the next.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) attempts: Attempts,
    pub(crate) finished: Finished,
}

impl Default for History {
    fn default() -> Self {
        Self {
            attempts: Attempts::new(REMEMBERED),
            finished: Finished::new(REMEMBERED),
        }
    }
}

/// Values of a bounded number of messages, by message id. If there is no room, the oldest message is forgotten.
#[derive(Debug)]
struct Recent<V> {
    values: HashMap<String, V>,
    order: VecDeque<String>,
    room: usize,
}

impl<V> Recent<V> {
    fn new(room: usize) -> Self {
        Self {
            values: HashMap::new(),
            order: VecDeque::new(),
            room,
        }
    }

    fn insert(&mut self, message_id: &str, value: V) {
        if self.values.insert(message_id.to_owned(), value).is_some() {
            return;
        }
        self.order.push_back(message_id.to_owned());
        while self.order.len() > self.room {
            if let Some(oldest) = self.order.pop_front() {
                self.values.remove(&oldest);
            }
        }
    }
}

/// The failed attempts of a bounded number of messages.
#[derive(Debug)]
pub(crate) struct Attempts(Recent<u32>);

impl Attempts {
    fn new(room: usize) -> Self {
        Self(Recent::new(room))
    }

    /// Returns the number of the next attempt, from 1.
    pub(crate) fn next(&self, message_id: &str) -> u32 {
        self.0.values.get(message_id).copied().unwrap_or(0) + 1
    }

    /// Counts a failed attempt.
    pub(crate) fn count(&mut self, message_id: &str) {
        self.0.insert(message_id, self.next(message_id));
    }

    /// Forgets a finished message.
    pub(crate) fn forget(&mut self, message_id: &str) {
        if self.0.values.remove(message_id).is_some() {
            self.0.order.retain(|known| known != message_id);
        }
    }
}

/// The ids of a bounded number of finished messages.
#[derive(Debug)]
pub(crate) struct Finished(Recent<()>);

impl Finished {
    fn new(room: usize) -> Self {
        Self(Recent::new(room))
    }

    pub(crate) fn contains(&self, message_id: &str) -> bool {
        self.0.values.contains_key(message_id)
    }

    pub(crate) fn remember(&mut self, message_id: &str) {
        self.0.insert(message_id, ());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_count_failures_only_and_forget_the_oldest_when_full() {
        let mut attempts = Attempts::new(2);
        assert_eq!(attempts.next("a"), 1);
        attempts.count("a");
        attempts.count("a");
        attempts.count("b");
        assert_eq!((attempts.next("a"), attempts.next("b")), (3, 2));
        attempts.count("c");
        assert_eq!(
            (attempts.next("a"), attempts.next("b"), attempts.next("c")),
            (1, 2, 2)
        );
        attempts.forget("b");
        attempts.count("d");
        assert_eq!(
            (attempts.next("b"), attempts.next("c"), attempts.next("d")),
            (1, 2, 2)
        );
    }

    #[test]
    fn finished_ids_are_remembered_up_to_the_room() {
        let mut finished = Finished::new(2);
        for id in ["a", "b", "b", "c"] {
            finished.remember(id);
        }
        assert!(!finished.contains("a") && finished.contains("b") && finished.contains("c"));
    }
}
