//! What is remembered of messages that are not in flight: failed attempts, and finished messages.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::message::Message;
use crate::settings::Settings;

/// How many messages of each kind are remembered.
const REMEMBERED: usize = 10_000;

/// The history of a process; a [`BatchConsumer`](crate::BatchConsumer) passes it from one batch to the next.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) attempts: Attempts,
    pub(crate) finished: Finished,
    pub(crate) evidence: Evidence,
}

impl History {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self::empty(Evidence::new(settings))
    }

    fn empty(evidence: Evidence) -> Self {
        Self {
            attempts: Attempts::new(REMEMBERED),
            finished: Finished::new(REMEMBERED),
            evidence,
        }
    }

    /// Returns the history and leaves an empty one.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Self::empty(self.evidence);
        std::mem::replace(self, empty)
    }
}

/// Values of a bounded number of messages, by message id. If there is no room, the oldest message is forgotten.
#[derive(Debug)]
struct Recent<V> {
    values: HashMap<String, (u64, V)>,
    /// The ids in the order of their insertion. An id whose number is not that of its value was removed since.
    order: VecDeque<(u64, String)>,
    next: u64,
    room: usize,
}

impl<V: Copy> Recent<V> {
    fn new(room: usize) -> Self {
        Self {
            values: HashMap::new(),
            order: VecDeque::new(),
            next: 0,
            room,
        }
    }

    fn get(&self, message_id: &str) -> Option<V> {
        self.values.get(message_id).map(|(_, value)| *value)
    }

    fn insert(&mut self, message_id: &str, value: V) {
        if let Some((_, old)) = self.values.get_mut(message_id) {
            *old = value;
            return;
        }
        let number = self.next;
        self.next += 1;
        self.values.insert(message_id.to_owned(), (number, value));
        self.order.push_back((number, message_id.to_owned()));
        while self.values.len() > self.room
            && let Some((number, id)) = self.order.pop_front()
        {
            if is_current(&self.values, number, &id) {
                self.values.remove(&id);
            }
        }
        if self.order.len() > 2 * self.room {
            self.order
                .retain(|(number, id)| is_current(&self.values, *number, id));
        }
    }

    fn remove(&mut self, message_id: &str) {
        self.values.remove(message_id);
    }
}

fn is_current<V>(values: &HashMap<String, (u64, V)>, number: u64, id: &str) -> bool {
    values
        .get(id)
        .is_some_and(|(current, _)| *current == number)
}

/// The past deliveries of a bounded number of unfinished messages.
#[derive(Debug)]
pub(crate) struct Attempts(Recent<Past>);

#[derive(Debug, Clone, Copy, Default)]
struct Past {
    /// Failed attempts.
    failed: u32,
    /// Deliveries that no process died of: those that this process released, and those in which no handler began.
    explained: u32,
}

impl Attempts {
    fn new(room: usize) -> Self {
        Self(Recent::new(room))
    }

    fn past(&self, message_id: &str) -> Past {
        self.0.get(message_id).unwrap_or_default()
    }

    /// Returns the number of the next attempt, from 1.
    pub(crate) fn next(&self, message_id: &str) -> u32 {
        self.past(message_id).failed.saturating_add(1)
    }

    /// Counts a failed attempt.
    pub(crate) fn count(&mut self, message_id: &str) {
        let past = self.past(message_id);
        let failed = past.failed.saturating_add(1);
        self.0.insert(message_id, Past { failed, ..past });
    }

    /// Explains one delivery: this process received it and lives.
    pub(crate) fn explain(&mut self, message_id: &str) {
        let past = self.past(message_id);
        let explained = past.explained.saturating_add(1);
        self.0.insert(message_id, Past { explained, ..past });
    }

    /// Explains all deliveries up to this receive count.
    pub(crate) fn explain_up_to(&mut self, message_id: &str, receive_count: u32) {
        let past = self.past(message_id);
        let explained = past.explained.max(receive_count);
        self.0.insert(message_id, Past { explained, ..past });
    }

    /// Returns how many deliveries before this one are not explained.
    pub(crate) fn unexplained(&self, message: &Message) -> u32 {
        let earlier = message.receive_count().saturating_sub(1);
        earlier.saturating_sub(self.past(message.message_id()).explained)
    }

    /// Forgets a finished message.
    pub(crate) fn forget(&mut self, message_id: &str) {
        self.0.remove(message_id);
    }
}

/// Judges how many deliveries of a message may have ended with the death of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence {
    max_unexplained_receives: u32,
    visibility_timeout: Duration,
    /// The mean time between receives from which on a message is taken for one that was deferred.
    deferral_gap: Duration,
}

impl Evidence {
    fn new(settings: &Settings) -> Self {
        let Settings {
            retry,
            visibility_timeout,
            ..
        } = *settings;
        Self {
            max_unexplained_receives: retry.max_unexplained_receives,
            visibility_timeout,
            // A deferral takes at least half of the longest delay in the long run. A process that died is restarted within minutes.
            deferral_gap: (retry.max_delay / 2).max(visibility_timeout * 10),
        }
    }

    /// Returns whether a message must be taken for one that kills the process.
    pub(crate) fn condemns(&self, message: &Message, unexplained: u32) -> bool {
        self.kills(message, unexplained) >= self.max_unexplained_receives
    }

    /// Returns the most kills that these receives can be. Who dies releases nothing: the next receive follows a visibility timeout later.
    fn kills(&self, message: &Message, unexplained: u32) -> u32 {
        let Some(time) = message.time_since_first_receive() else {
            return unexplained;
        };
        let gaps = message.receive_count().saturating_sub(1).max(1);
        if time / gaps >= self.deferral_gap {
            return 0;
        }
        let at_most = time.as_millis() / self.visibility_timeout.as_millis().max(1);
        unexplained.min(u32::try_from(at_most).unwrap_or(u32::MAX))
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
        self.0.get(message_id).is_some()
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
    fn forgetting_does_not_search_and_leaves_no_trace() {
        let mut attempts = Attempts::new(100);
        for n in 0..100_000 {
            let id = n.to_string();
            attempts.count(&id);
            attempts.forget(&id);
        }
        assert!(attempts.0.values.is_empty() && attempts.0.order.len() <= 200);
    }

    #[test]
    fn deliveries_that_this_process_released_or_that_never_began_are_explained() {
        let mut attempts = Attempts::new(2);
        let message = |receives| Message::new("a", "").with_receive_count(receives);
        assert_eq!(attempts.unexplained(&message(1)), 0);
        assert_eq!(attempts.unexplained(&message(8)), 7);
        attempts.explain("a");
        assert_eq!(attempts.unexplained(&message(9)), 7);
        attempts.explain_up_to("a", 9);
        assert_eq!(attempts.unexplained(&message(10)), 0);
        attempts.count("a");
        assert_eq!(
            (attempts.unexplained(&message(12)), attempts.next("a")),
            (2, 2)
        );
    }

    #[test]
    fn receives_are_kills_only_if_a_visibility_timeout_and_not_a_deferral_lies_between_them() {
        let evidence = Evidence::new(&Settings::default());
        let condemned = |receives: u32, seconds_apart: u64| {
            let time = Duration::from_secs(u64::from(receives - 1) * seconds_apart);
            let message = Message::new("a", "")
                .with_receive_count(receives)
                .with_time_since_first_receive(Some(time));
            evidence.condemns(&message, receives - 1)
        };
        assert!(
            condemned(101, 30),
            "each receive ends with a visibility timeout"
        );
        assert!(condemned(101, 330), "restarts are put off for five minutes");
        assert!(!condemned(100, 30));
        assert!(!condemned(500, 5), "released at once, again and again");
        assert!(!condemned(500, 600), "deferred for a day and longer");
        let untimed = Message::new("a", "").with_receive_count(101);
        assert!(evidence.condemns(&untimed, 100) && !evidence.condemns(&untimed, 99));
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
