//! What becomes of messages whose handler has ended.

use std::time::{Duration, Instant};

use super::held::State;
use super::{Command, Ended, Key, Table};
use crate::handler::Disposition;
use crate::settings::LONGEST_VISIBILITY;

impl Table {
    pub(super) fn handled(&mut self, key: Key, ended: Ended, now: Instant) {
        let Some(held) = self.held.get(&key) else {
            return;
        };
        let State::Running { cancelled } = held.state else {
            return;
        };
        self.running -= 1;
        match ended {
            Ended::Returned(Disposition::Done) => {
                self.stats.done += 1;
                self.finish(key, now);
            }
            Ended::Returned(Disposition::Retry { after, reason }) => {
                self.failed(key, cancelled, after, reason, now)
            }
            Ended::Returned(Disposition::Defer { after, .. }) => {
                self.defer(key, cancelled, after, now)
            }
            Ended::Returned(Disposition::DeadLetter { reason, detail }) => {
                self.bury(key, reason, detail, now)
            }
            Ended::Panicked(what) => {
                self.stats.panicked += 1;
                self.failed(key, cancelled, None, format!("panicked: {what}"), now);
            }
            Ended::Dropped => {
                self.stats.released += 1;
                self.postpone(key, Duration::ZERO, now);
            }
        }
    }

    /// A failed attempt. One that was cut short by a cancellation is not the message's fault and is not counted.
    fn failed(
        &mut self,
        key: Key,
        cancelled: bool,
        after: Option<Duration>,
        reason: String,
        now: Instant,
    ) {
        if cancelled {
            return self.defer(key, cancelled, after, now);
        }
        let Some(held) = self.held.get(&key) else {
            return;
        };
        let attempt = self.attempts.next(held.message.message_id());
        self.attempts.count(held.message.message_id());
        if attempt >= self.settings.retry.attempts_at_most {
            return self.bury(key, "attempts_exhausted".to_owned(), reason, now);
        }
        self.stats.retried += 1;
        let delay = after.unwrap_or_else(|| self.settings.retry.delay(attempt, &mut self.rng));
        self.postpone(key, delay, now);
    }

    fn defer(&mut self, key: Key, cancelled: bool, after: Option<Duration>, now: Instant) {
        let Some(held) = self.held.get(&key) else {
            return;
        };
        self.stats.deferred += 1;
        let delay = match after {
            Some(delay) => delay,
            None if cancelled => Duration::ZERO,
            // By receives, since no attempts are counted: a delay that did not grow would use them up in minutes.
            None => self
                .settings
                .retry
                .delay(held.message.receive_count(), &mut self.rng),
        };
        self.postpone(key, delay, now);
    }

    /// Sends the message to the dead-letter queue. Until that is done its group waits: nothing may overtake a message that
    /// may yet come back. Without a dead-letter queue it is put back for as long as possible, for the queue's own redrive.
    pub(super) fn bury(&mut self, key: Key, reason: String, detail: String, now: Instant) {
        if !self.buries {
            self.stats.retried += 1;
            return self.postpone(key, self.settings.retry.longest, now);
        }
        let Some(held) = self.held.get_mut(&key) else {
            return;
        };
        held.state = State::Copying;
        let message = held.message.clone();
        let attempt = self
            .attempts
            .next(message.message_id())
            .min(self.settings.retry.attempts_at_most);
        self.commands.push(Command::Copy {
            key,
            message,
            attempt,
            reason,
            detail,
        });
    }

    pub(super) fn copied(&mut self, key: Key, accepted: bool, now: Instant) {
        let Some(held) = self.held.get(&key) else {
            return;
        };
        if held.state != State::Copying {
            return;
        }
        if accepted {
            self.stats.dead_lettered += 1;
            return self.finish(key, now);
        }
        self.stats.deferred += 1;
        let delay = self.settings.retry.longest;
        self.postpone(key, delay, now);
    }

    /// Nothing is left to do but to delete it.
    fn finish(&mut self, key: Key, now: Instant) {
        let Some(held) = self.held.get_mut(&key) else {
            return;
        };
        held.state = State::Deleting { asked: false };
        let message = held.message.clone();
        self.attempts.forget(message.message_id());
        self.finished.remember(message.message_id());
        self.deletes
            .push(key, now, now + self.settings.settle_linger);
        self.leave_group(message.group_id());
    }

    /// Puts the message back, visible after `delay`. In a FIFO queue its group stops: what is held of it goes back too.
    fn postpone(&mut self, key: Key, delay: Duration, now: Instant) {
        let Some(held) = self.held.get(&key) else {
            return;
        };
        let message = held.message.clone();
        let cap = held.lease.received_at + LONGEST_VISIBILITY;
        let visible_at = (now + delay.min(LONGEST_VISIBILITY)).min(cap);
        self.give_back(key, visible_at, now);
        self.stop_group(message.group_id(), now);
        self.leave_group(message.group_id());
    }

    /// Gives back all that waits in this group of a FIFO queue, so that nothing overtakes the message before it.
    pub(super) fn stop_group(&mut self, group: Option<&str>, now: Instant) {
        if self.fifo {
            for key in self.groups.stop(group) {
                self.release(key, now);
            }
        }
    }

    pub(super) fn leave_group(&mut self, group: Option<&str>) {
        if let Some(next) = self.groups.leave(group) {
            self.ready.push_back(next);
        }
    }

    /// Gives a message back that was not started.
    pub(super) fn release(&mut self, key: Key, now: Instant) {
        self.stats.released += 1;
        self.give_back(key, now, now);
    }

    fn give_back(&mut self, key: Key, visible_at: Instant, now: Instant) {
        let Some(held) = self.held.get_mut(&key) else {
            return;
        };
        if held.lease.lost {
            return self.remove(key); // it is visible already
        }
        held.state = State::Returning { visible_at };
        // A heartbeat under way could arrive later and undo this; its answer starts it then.
        if !held.lease.extending {
            self.changes
                .push(key, now, now + self.settings.settle_linger);
        }
    }
}
