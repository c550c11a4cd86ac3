//! Deletes and visibility changes: batched, their answers read entry by entry, failures tried again.

use std::time::{Duration, Instant};

use super::held::State;
use super::{Answer, Command, Entry, Key, Table};
use crate::queue::EntryError;

impl Table {
    /// Sends the batches that are full or due; in a drain, or when there is nothing else to do, all that there are.
    pub(super) fn flush(&mut self, now: Instant) {
        let idle = self.running == 0 && self.ready.is_empty() && !self.polls.plenty();
        let urgent = idle || self.drain.is_some();
        while let Some(keys) = self.deletes.take(now, urgent) {
            let entries: Vec<_> = keys
                .into_iter()
                .filter_map(|key| self.deletion(key, now))
                .collect();
            if !entries.is_empty() {
                self.stats.requests.delete += 1;
                self.commands.push(Command::Delete(entries));
            }
        }
        while let Some(keys) = self.changes.take(now, urgent) {
            let entries: Vec<_> = keys
                .into_iter()
                .filter_map(|key| self.change(key, now))
                .collect();
            if !entries.is_empty() {
                self.stats.requests.change_visibility += 1;
                self.commands.push(Command::Change(entries));
            }
        }
    }

    fn deletion(&mut self, key: Key, now: Instant) -> Option<Entry> {
        let held = self.held.get_mut(&key)?;
        if held.state != (State::Deleting { asked: false }) {
            return None;
        }
        held.state = State::Deleting { asked: true };
        Some(Entry {
            key,
            receipt: held.receipt.clone(),
            visibility: Duration::ZERO,
            asked_at: now,
        })
    }

    fn change(&mut self, key: Key, now: Instant) -> Option<Entry> {
        let held = self.held.get(&key)?;
        let State::Returning { visible_at } = held.state else {
            return None;
        };
        let visibility = whole_seconds_up(visible_at.saturating_duration_since(now));
        Some(Entry {
            key,
            receipt: held.receipt.clone(),
            visibility,
            asked_at: now,
        })
    }

    pub(super) fn deleted(&mut self, answer: Answer, now: Instant) {
        for (entry, result) in self.results(answer) {
            let key = entry.key;
            let Some(held) = self.held.get_mut(&key) else {
                continue;
            };
            if held.state != (State::Deleting { asked: true }) {
                continue;
            }
            let superseded = held.receipt != entry.receipt;
            match result {
                Ok(()) if !superseded => {
                    self.stats.deleted += 1;
                    self.remove(key);
                }
                Err(error) if !error.transient && !superseded => {
                    // The receipt has expired: the queue has taken the message back before it heard of the deletion.
                    self.stats.lease_losses += u64::from(!held.lease.lost);
                    self.remove(key);
                }
                Ok(()) => self.delete_again(key, now),
                Err(_) => {
                    let pause = self.pause(key);
                    self.delete_again(key, now + pause);
                }
            }
        }
    }

    fn delete_again(&mut self, key: Key, at: Instant) {
        if let Some(held) = self.held.get_mut(&key) {
            held.state = State::Deleting { asked: false };
            self.deletes.push(key, at, at);
        }
    }

    pub(super) fn changed(&mut self, answer: Answer, now: Instant) {
        for (entry, result) in self.results(answer) {
            let key = entry.key;
            match result {
                Err(error) if error.transient => {
                    let at = now + self.pause(key);
                    self.changes.push(key, at, at);
                }
                // Done, or it is no longer ours to give back.
                Ok(()) | Err(_) => self.remove(key),
            }
        }
    }

    /// Pairs entries with their results; if the request failed as a whole, each entry may be tried again.
    pub(super) fn results(&mut self, answer: Answer) -> Vec<(Entry, Result<(), EntryError>)> {
        let Answer { entries, result } = answer;
        match result {
            Ok(results) => entries.into_iter().zip(results).collect(),
            Err(kind) => {
                self.stats.failed_requests += 1;
                let failed = || {
                    Err(EntryError {
                        code: kind.as_str().to_owned(),
                        transient: true,
                    })
                };
                entries.into_iter().map(|entry| (entry, failed())).collect()
            }
        }
    }

    fn pause(&mut self, key: Key) -> Duration {
        let failures = self.held.get_mut(&key).map_or(1, |held| {
            held.failures = held.failures.saturating_add(1);
            held.failures
        });
        self.backoff(failures)
    }
}

/// SQS counts visibility in whole seconds; a message must not come back earlier than was asked.
fn whole_seconds_up(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0))
}
