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
        if let Some(&key) = self.by_id.get(received.message.message_id()) {
            let returning = self
                .held
                .get(&key)
                .is_some_and(|held| matches!(held.state, State::Returning { .. }));
            if !returning {
                self.stats.duplicates += 1;
                return self.adopt(key, received, now);
            }
            // It was being given back, and here it is again: the old delivery is over, whether or not we heard so.
            self.remove(key);
        }
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
        held.lease = Lease::new(now, self.settings.visibility);
        self.timers.insert((held.lease.timer, key));
    }
}
