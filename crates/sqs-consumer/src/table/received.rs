//! Messages that are received.

use std::time::Instant;

use super::Table;
use super::event::Key;
use super::held::{Held, Lease, State};
use crate::queue::{ErrorKind, Received};

impl Table {
    pub(super) fn received(
        &mut self,
        reserved: usize,
        result: Result<Vec<Received>, ErrorKind>,
        now: Instant,
    ) {
        let batch = match result {
            Ok(batch) => batch,
            Err(kind) => return self.receive_failed(reserved, kind, now),
        };
        self.polls.answered(reserved, batch.len());
        if batch.is_empty() {
            self.counters.empty_receives += 1;
        }
        for received in batch {
            self.receive_one(received, now);
        }
    }

    fn receive_failed(&mut self, reserved: usize, kind: ErrorKind, now: Instant) {
        self.counters.failed_requests += 1;
        let failures = self.polls.failed(reserved);
        let delay = self.backoff(failures);
        self.polls.pause_until(now + delay);
        if kind == ErrorKind::QueueNotFound {
            self.queue_not_found = true;
            self.begin_drain(now);
        }
    }

    fn receive_one(&mut self, received: Received, now: Instant) {
        self.counters.received += 1;
        let Some(received) = self.match_redelivery(received, now) else {
            return;
        };
        let key = self.insert(received, now);
        let Some(held) = self.held.get_mut(&key) else {
            return;
        };
        if self.finished.contains(held.message.message_id()) {
            self.counters.duplicates += 1;
            held.state = State::Deleting { asked: false };
            self.deletes
                .push(key, now, now + self.settings.settle_linger);
        } else if self.drain.is_some() {
            self.release(key, now);
        } else if self.groups.is_full(held.message.group_id()) {
            self.put_back(key, now);
        } else if self.groups.enter(held.message.group_id(), key) {
            self.ready.push_back(key);
        } else {
            held.waited = self.fifo;
        }
    }

    /// Matches a delivery with the same message in flight; returns the delivery if there is none.
    fn match_redelivery(&mut self, received: Received, now: Instant) -> Option<Received> {
        let Some(&key) = self.by_id.get(received.message.message_id()) else {
            return Some(received);
        };
        let ended = self
            .held
            .get(&key)
            .is_some_and(|held| held.lease.until <= now && !held.lease.lost);
        if ended {
            self.lose_lease(key, now); // before the new delivery hides the loss
        }
        match self.held.get(&key).map(|held| held.state) {
            Some(
                State::Waiting
                | State::Running { .. }
                | State::DeadLettering
                | State::Deleting { .. },
            ) => {
                self.counters.duplicates += 1;
                self.replace_receipt(key, received, now);
                None
            }
            // It was being released: the new delivery shows that the release took effect.
            Some(State::Releasing { .. }) => {
                self.remove(key);
                Some(received)
            }
            None => Some(received),
        }
    }

    fn insert(&mut self, received: Received, now: Instant) -> Key {
        let key = self.next_key;
        self.next_key += 1;
        let Received { message, receipt } = received;
        let lease = Lease::new(now, self.settings.visibility_timeout);
        self.by_id.insert(message.message_id().to_owned(), key);
        self.ages.insert((message.sent_at(), key));
        self.timers.insert((lease.timer, key));
        self.held.insert(
            key,
            Held {
                message,
                receipt,
                lease,
                state: State::Waiting,
                deadline: now,
                waited: false,
                failures: 0,
            },
        );
        key
    }

    /// Stores the receipt handle of a redelivery of a message in flight: only the latest receipt handle is sure to work.
    fn replace_receipt(&mut self, key: Key, received: Received, now: Instant) {
        let Some(held) = self.held.get_mut(&key) else {
            return;
        };
        held.receipt = received.receipt;
        self.attempts.explain(held.message.message_id());
        self.timers.remove(&(held.lease.timer, key));
        let mut lease = Lease::new(now, self.settings.visibility_timeout);
        if !held.lease.lost {
            lease.received_at = held.lease.received_at; // SQS counts its 12 h from the first receipt
        }
        self.timers.insert((lease.timer, key));
        held.lease = lease;
    }
}
