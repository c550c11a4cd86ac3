//! Heartbeats: every held message's visibility is extended before it ends, from the moment of receipt until it is settled.

use std::time::{Duration, Instant};

use super::held::State;
use super::{Answer, Command, Entry, Key, Table};
use crate::context::CancelReason;
use crate::queue::ENTRIES_AT_MOST;
use crate::retry::jittered;

impl Table {
    /// Extends leases that are half over, in tens, and lets go of those that have ended.
    pub(super) fn mind_leases(&mut self, now: Instant) {
        let due: Vec<Key> = self
            .timers
            .range(..=(now, Key::MAX))
            .map(|(_, key)| *key)
            .collect();
        let mut entries: Vec<Entry> = due
            .into_iter()
            .filter_map(|key| self.mind_lease(key, now))
            .collect();
        // A request that is sent anyway takes along leases that are due soon.
        if !entries.is_empty() {
            let soon = (now + self.settings.visibility / 6, Key::MAX);
            let next: Vec<Key> = self
                .timers
                .range((now, Key::MAX)..=soon)
                .map(|(_, key)| *key)
                .collect();
            for key in next {
                if entries.len().is_multiple_of(ENTRIES_AT_MOST) {
                    break;
                }
                entries.extend(self.mind_lease(key, now));
            }
        }
        for batch in entries.chunks(ENTRIES_AT_MOST) {
            self.stats.requests.extend += 1;
            self.commands.push(Command::Extend(batch.to_vec()));
        }
    }

    /// Looks at one lease, moves its timer on, and returns the heartbeat if it is time for one.
    fn mind_lease(&mut self, key: Key, now: Instant) -> Option<Entry> {
        let held = self.held.get_mut(&key)?;
        if held.lease.until <= now {
            self.lease_ended(key, now);
            return None;
        }
        let until = held.lease.until;
        let extension =
            held.lease
                .extension(now, self.settings.visibility, self.settings.longest_hold);
        let wanted = match held.state {
            State::Waiting
            | State::Running { .. }
            | State::Copying
            | State::Deleting { asked: false } => extension,
            // Its request is under way; look again if that takes long.
            State::Deleting { asked: true } => {
                let soon = until.min(now + self.settings.visibility / 8);
                self.set_timer(key, soon);
                return None;
            }
            State::Returning { .. } => None,
        };
        let heartbeat = wanted.filter(|_| !held.lease.extending).map(|visibility| {
            held.lease.extending = true;
            Entry {
                key,
                receipt: held.receipt.clone(),
                visibility,
                asked_at: now,
            }
        });
        self.set_timer(key, until);
        heartbeat
    }

    pub(super) fn extended(&mut self, answer: Answer, now: Instant) {
        for (entry, result) in self.results(answer) {
            let key = entry.key;
            let Some(held) = self.held.get_mut(&key) else {
                continue;
            };
            if held.receipt != entry.receipt {
                continue; // a later delivery has its own lease
            }
            held.lease.extending = false;
            match result {
                Ok(()) => {
                    held.lease.until = entry.asked_at + entry.visibility;
                    held.lease.failures = 0;
                    self.set_timer(key, entry.asked_at + entry.visibility / 2);
                }
                Err(error) if error.transient => {
                    held.lease.failures = held.lease.failures.saturating_add(1);
                    let (until, failures) = (held.lease.until, held.lease.failures);
                    let longest = self.settings.visibility / 8;
                    let pause = jittered(
                        Duration::from_millis(100).min(longest),
                        longest,
                        failures,
                        &mut self.rng,
                    );
                    self.set_timer(key, until.min(now + pause));
                }
                Err(_) => self.lease_ended(key, now),
            }
            self.give_back_after_heartbeat(key, now);
        }
    }

    /// Starts the visibility change that had to wait for the answer of a heartbeat.
    fn give_back_after_heartbeat(&mut self, key: Key, now: Instant) {
        if let Some(held) = self.held.get(&key)
            && let State::Returning { .. } = held.state
        {
            self.changes.push(key, now, now);
        }
    }

    /// The message is not ours any more, as far as we can tell: somebody else may receive it from now on.
    pub(super) fn lease_ended(&mut self, key: Key, now: Instant) {
        let Some(held) = self.held.get_mut(&key) else {
            return;
        };
        let first_time = !std::mem::replace(&mut held.lease.lost, true);
        self.timers.remove(&(held.lease.timer, key));
        let group = held.message.group_id().map(str::to_owned);
        match held.state {
            State::Waiting => {
                self.stats.lease_losses += 1;
                self.lose_waiting(key, group.as_deref(), now);
            }
            State::Running { .. } => {
                held.state = State::Running { cancelled: true };
                self.stats.lease_losses += u64::from(first_time);
                self.commands.push(Command::Cancel {
                    key,
                    reason: CancelReason::LeaseLost,
                });
                self.stop_group(group.as_deref(), now);
            }
            State::Copying => {
                self.stats.lease_losses += u64::from(first_time);
                self.stop_group(group.as_deref(), now);
            }
            // The deletion is tried all the same: until somebody receives the message it may still work.
            State::Deleting { .. } => self.stats.lease_losses += u64::from(first_time),
            // Visible, as was wanted.
            State::Returning { .. } => self.remove(key),
        }
    }

    /// Lets go of a message that was not started. In a FIFO group those behind it go back as well.
    fn lose_waiting(&mut self, key: Key, group: Option<&str>, now: Instant) {
        let was_ready = self.ready.iter().any(|ready| *ready == key);
        if was_ready {
            self.ready.retain(|ready| *ready != key);
            self.stop_group(group, now);
            self.leave_group(group);
        } else if self.fifo {
            for behind in self.groups.cut(group, key).unwrap_or_default() {
                if behind != key {
                    self.release(behind, now);
                }
            }
        } else {
            self.groups.pull(group, key);
        }
        self.remove(key);
    }

    fn set_timer(&mut self, key: Key, at: Instant) {
        if let Some(held) = self.held.get_mut(&key) {
            self.timers.remove(&(held.lease.timer, key));
            held.lease.timer = at;
            self.timers.insert((at, key));
        }
    }
}
