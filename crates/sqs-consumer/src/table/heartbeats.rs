//! Heartbeats: the lease of every message in flight is renewed before it ends, from its receipt until it is settled.

use std::time::{Duration, Instant};

use super::Table;
use super::event::{Answer, Command, Entry, Key};
use super::held::State;
use crate::context::CancelReason;
use crate::queue::MAX_BATCH_ENTRIES;
use crate::retry::jittered;

impl Table {
    /// Renews leases that are half over, in batches of ten, and drops those that have ended.
    pub(super) fn renew_leases(&mut self, now: Instant) {
        let due: Vec<Key> = self
            .timers
            .range(..=(now, Key::MAX))
            .map(|(_, key)| *key)
            .collect();
        let mut entries: Vec<Entry> = due
            .into_iter()
            .filter_map(|key| self.renew_lease(key, now))
            .collect();
        // A heartbeat also renews leases that are due soon.
        if !entries.is_empty() {
            let soon = (now + self.settings.visibility_timeout / 6, Key::MAX);
            let next: Vec<Key> = self
                .timers
                .range((now, Key::MAX)..=soon)
                .map(|(_, key)| *key)
                .collect();
            for key in next {
                if entries.len().is_multiple_of(MAX_BATCH_ENTRIES) {
                    break;
                }
                entries.extend(self.renew_lease(key, now));
            }
        }
        for batch in entries.chunks(MAX_BATCH_ENTRIES) {
            self.counters.heartbeat_requests += 1;
            self.commands.push(Command::Renew(batch.to_vec()));
        }
    }

    /// Checks one lease, resets its timer, and returns an entry of a heartbeat if the lease is to be renewed.
    fn renew_lease(&mut self, key: Key, now: Instant) -> Option<Entry> {
        let held = self.held.get_mut(&key)?;
        if held.lease.until <= now {
            self.lose_lease(key, now);
            return None;
        }
        let until = held.lease.until;
        let visibility_timeout = self.settings.visibility_timeout;
        let renewal = held.lease.renewal(now, visibility_timeout);
        let wanted = match held.state {
            State::Waiting
            | State::Running { .. }
            | State::DeadLettering
            | State::Deleting { asked: false } => renewal,
            // Its request is in flight; check again in case the request takes long.
            State::Deleting { asked: true } => {
                let soon = until.min(now + visibility_timeout / 8);
                self.set_timer(key, soon);
                return None;
            }
            State::Releasing { .. } => None,
        };
        let heartbeat = wanted
            .filter(|_| !held.lease.renewing)
            .map(|visibility_timeout| {
                held.lease.renewing = true;
                Entry {
                    key,
                    receipt: held.receipt.clone(),
                    visibility_timeout,
                    asked_at: now,
                }
            });
        self.set_timer(key, until);
        heartbeat
    }

    pub(super) fn renewed(&mut self, answer: Answer, now: Instant) {
        for (entry, result) in self.results(answer) {
            let key = entry.key;
            let Some(held) = self.held.get_mut(&key) else {
                continue;
            };
            if held.receipt != entry.receipt {
                continue; // the message was redelivered and has a new lease
            }
            held.lease.renewing = false;
            match result {
                Ok(()) => {
                    held.lease.until = entry.asked_at + entry.visibility_timeout;
                    held.lease.failures = 0;
                    self.set_timer(key, entry.asked_at + entry.visibility_timeout / 2);
                }
                Err(error) if error.transient => {
                    held.lease.failures = held.lease.failures.saturating_add(1);
                    let (until, failures) = (held.lease.until, held.lease.failures);
                    let max_delay = self.settings.visibility_timeout / 8;
                    let delay = jittered(
                        Duration::from_millis(100).min(max_delay),
                        max_delay,
                        failures,
                        &mut self.rng,
                    );
                    self.set_timer(key, until.min(now + delay));
                }
                Err(_) => self.lose_lease(key, now),
            }
            self.release_after_heartbeat(key, now);
        }
    }

    /// Releases a message whose release waited for the response to its heartbeat.
    fn release_after_heartbeat(&mut self, key: Key, now: Instant) {
        if let Some(held) = self.held.get(&key)
            && let State::Releasing { .. } = held.state
        {
            self.releases.push(key, now, now);
        }
    }

    /// Handles the end of a lease: another consumer may receive the message from now on.
    pub(super) fn lose_lease(&mut self, key: Key, now: Instant) {
        let Some(held) = self.held.get_mut(&key) else {
            return;
        };
        let first_time = !std::mem::replace(&mut held.lease.lost, true);
        self.timers.remove(&(held.lease.timer, key));
        let group = held.message.group_id().map(str::to_owned);
        match held.state {
            State::Waiting => {
                self.counters.lost_leases += 1;
                self.lose_waiting(key, group.as_deref(), now);
            }
            State::Running { .. } => {
                held.state = State::Running { cancelled: true };
                self.counters.lost_leases += u64::from(first_time);
                self.commands.push(Command::Cancel {
                    key,
                    reason: CancelReason::LeaseLost,
                });
                self.commands.push(Command::Abort { key });
                self.stop_group(group.as_deref(), now);
            }
            State::DeadLettering => {
                self.counters.lost_leases += u64::from(first_time);
                self.stop_group(group.as_deref(), now);
            }
            // The delete is still tried: it works until another consumer receives the message.
            State::Deleting { .. } => self.counters.lost_leases += u64::from(first_time),
            // The message is visible, as intended.
            State::Releasing { .. } => self.remove(key),
        }
    }

    /// Drops a message that was not started. In a FIFO group the messages behind it are released.
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
            self.groups.remove(group, key);
        }
        if let Some(held) = self.held.get(&key) {
            self.attempts.explain(held.message.message_id());
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
