//! Messages whose handler has ended.

use std::time::{Duration, Instant};

use super::Table;
use super::event::{Command, Ended, Key};
use super::held::State;
use crate::handler::Disposition;
use crate::queue::MAX_VISIBILITY_TIMEOUT;

impl Table {
    pub(super) fn handled(&mut self, key: Key, ended: Ended, now: Instant) {
        let Some(held) = self.held.get(&key) else {
            return;
        };
        let State::Running { cancelled } = held.state else {
            return;
        };
        self.running -= 1;
        self.deadlines.remove(&(held.deadline, key));
        match ended {
            Ended::Returned(Disposition::Done) => {
                self.counters.done += 1;
                self.finish(key, now);
            }
            Ended::Returned(Disposition::Retry { after, reason }) => {
                self.failed(key, cancelled, after, reason, now)
            }
            Ended::Returned(Disposition::Defer { after, .. }) => {
                self.defer(key, cancelled, after, now)
            }
            Ended::Returned(Disposition::DeadLetter { reason, detail }) => {
                self.dead_letter(key, reason, detail, now)
            }
            Ended::Panicked(what) => {
                self.counters.panicked += 1;
                self.failed(key, cancelled, None, format!("panicked: {what}"), now);
            }
            Ended::TimedOut => {
                self.counters.timed_out += 1;
                self.failed(key, false, None, "timed out".to_owned(), now);
            }
            // Outside a drain a handler is dropped only when its lease is lost.
            Ended::Dropped if self.drain.is_none() => self.defer(key, cancelled, None, now),
            Ended::Dropped => {
                self.counters.released += 1;
                self.release_after(key, Duration::ZERO, now);
            }
        }
    }

    /// Handles a failed attempt. One that was cancelled is not counted.
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
        if attempt >= self.settings.retry.max_attempts {
            return self.dead_letter(key, "attempts_exhausted".to_owned(), reason, now);
        }
        self.counters.retried += 1;
        let delay = after.unwrap_or_else(|| self.settings.retry.delay(attempt, &mut self.rng));
        self.release_after(key, delay, now);
    }

    fn defer(&mut self, key: Key, cancelled: bool, after: Option<Duration>, now: Instant) {
        let Some(held) = self.held.get(&key) else {
            return;
        };
        self.counters.deferred += 1;
        let delay = match after {
            Some(delay) => delay,
            None if cancelled => Duration::ZERO,
            // Grows with the receive count, since no attempts are counted.
            None => self
                .settings
                .retry
                .delay(held.message.receive_count(), &mut self.rng),
        };
        self.release_after(key, delay, now);
    }

    /// Dead-letters a message. Its group waits meanwhile, since a message that may still be released must not be overtaken. Without a
    /// dead-letter queue the message is released after the longest delay, for the redrive policy of the queue itself.
    pub(super) fn dead_letter(&mut self, key: Key, reason: String, detail: String, now: Instant) {
        if !self.has_dead_letter_queue {
            self.counters.retried += 1;
            return self.release_after(key, self.settings.retry.max_delay, now);
        }
        let Some(held) = self.held.get_mut(&key) else {
            return;
        };
        held.state = State::DeadLettering;
        let message = held.message.clone();
        let attempt = self
            .attempts
            .next(message.message_id())
            .min(self.settings.retry.max_attempts);
        self.commands.push(Command::DeadLetter {
            key,
            message,
            attempt,
            reason,
            detail,
        });
    }

    pub(super) fn dead_lettered(&mut self, key: Key, accepted: bool, now: Instant) {
        let Some(held) = self.held.get(&key) else {
            return;
        };
        if held.state != State::DeadLettering {
            return;
        }
        if accepted {
            self.counters.dead_lettered += 1;
            return self.finish(key, now);
        }
        self.counters.deferred += 1;
        let delay = self.settings.retry.max_delay;
        self.release_after(key, delay, now);
    }

    /// Deletes a message that is done or dead-lettered.
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

    /// Releases a message, visible after `delay`. In a FIFO queue its group stops and the messages behind it are released too.
    fn release_after(&mut self, key: Key, delay: Duration, now: Instant) {
        let Some(held) = self.held.get(&key) else {
            return;
        };
        let message = held.message.clone();
        let cap = held.lease.received_at + MAX_VISIBILITY_TIMEOUT;
        let visible_at = (now + delay.min(MAX_VISIBILITY_TIMEOUT)).min(cap);
        self.release_at(key, visible_at, now);
        self.stop_group(message.group_id(), now);
        self.leave_group(message.group_id());
    }

    /// Releases all waiting messages of this group of a FIFO queue, so that none overtakes the message before it.
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

    /// Releases a message that was not started.
    pub(super) fn release(&mut self, key: Key, now: Instant) {
        self.counters.released += 1;
        self.release_at(key, now, now);
    }

    /// Releases a message whose group has enough messages waiting, visible after the delay of a deferral.
    pub(super) fn put_back(&mut self, key: Key, now: Instant) {
        let Some(held) = self.held.get(&key) else {
            return;
        };
        let receives = held.message.receive_count();
        let delay = self.settings.retry.delay(receives, &mut self.rng);
        self.counters.released += 1;
        self.release_at(key, now + delay, now);
    }

    fn release_at(&mut self, key: Key, visible_at: Instant, now: Instant) {
        let Some(held) = self.held.get_mut(&key) else {
            return;
        };
        let message = &held.message;
        if held.waited {
            let receives = message.receive_count();
            self.attempts.explain_up_to(message.message_id(), receives);
        } else {
            self.attempts.explain(message.message_id());
        }
        if held.lease.lost {
            return self.remove(key); // it is visible already
        }
        held.state = State::Releasing { visible_at };
        // A heartbeat in flight could arrive later and undo the release. The release is sent after its response.
        if !held.lease.renewing {
            self.releases
                .push(key, now, now + self.settings.settle_linger);
        }
    }
}
