//! What becomes of messages that come in.

use std::time::Instant;

use super::held::{Held, Lease, State};
use super::{Key, Table};
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
            self.stats.empty_receives += 1;
        }
        for received in batch {
            self.arrive(received, now);
        }
    }

    fn receive_failed(&mut self, reserved: usize, kind: ErrorKind, now: Instant) {
        self.stats.failed_requests += 1;
        let failures = self.polls.failed(reserved);
        let pause = self.backoff(failures);
        self.polls.pause_until(now + pause);
        if kind == ErrorKind::QueueMissing {
            self.queue_missing = true;
            self.begin_drain(now);
        }
    }

    fn arrive(&mut self, received: Received, now: Instant) {
        self.stats.received += 1;
        let Some(received) = self.recognise(received, now) else {
            return;
        };
        let key = self.hold(received, now);
        let Some(held) = self.held.get_mut(&key) else {
            return;
        };
        if self.finished.contains(held.message.message_id()) {
            self.stats.duplicates += 1;
            held.state = State::Deleting { asked: false };
            self.deletes
                .push(key, now, now + self.settings.settle_linger);
        } else if self.drain.is_some() {
            self.release(key, now);
        } else if self.groups.enter(held.message.group_id(), key) {
            self.ready.push_back(key);
        }
    }

    /// Joins a delivery with the message if that is held; returns it if it is not, or not any more.
    fn recognise(&mut self, received: Received, now: Instant) -> Option<Received> {
        let Some(&key) = self.by_id.get(received.message.message_id()) else {
            return Some(received);
        };
        let ended = self
            .held
            .get(&key)
            .is_some_and(|held| held.lease.until <= now && !held.lease.lost);
        if ended {
            self.lease_ended(key, now); // and that brought it here: what held it must hear of that first
        }
        match self.held.get(&key).map(|held| held.state) {
            Some(
                State::Waiting | State::Running { .. } | State::Copying | State::Deleting { .. },
            ) => {
                self.stats.duplicates += 1;
                self.adopt(key, received, now);
                None
            }
            // It was being given back, and here it is again: the old delivery is over, whether or not we heard so.
            Some(State::Returning { .. }) => {
                self.remove(key);
                Some(received)
            }
            None => Some(received),
        }
    }

    fn hold(&mut self, received: Received, now: Instant) -> Key {
        let key = self.next_key;
        self.next_key += 1;
        let Received { message, receipt } = received;
        let lease = Lease::new(now, self.settings.visibility);
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
                failures: 0,
            },
        );
        key
    }

    /// Takes over the receipt of a further delivery of a message that is held: only the latest receipt is sure to work.
    fn adopt(&mut self, key: Key, received: Received, now: Instant) {
        let Some(held) = self.held.get_mut(&key) else {
            return;
        };
        held.receipt = received.receipt;
        self.timers.remove(&(held.lease.timer, key));
        let mut lease = Lease::new(now, self.settings.visibility);
        if !held.lease.lost {
            lease.received_at = held.lease.received_at; // the longest hold goes on counting
        }
        self.timers.insert((lease.timer, key));
        held.lease = lease;
    }
}
