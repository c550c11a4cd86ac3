//! Deletes and releases: sent in batches, results read entry by entry, failures retried.

use std::time::{Duration, Instant};

use super::Table;
use super::event::{Answer, Command, Entry, Key};
use super::held::State;
use crate::queue::EntryError;

impl Table {
    /// Sends the batches that are full or due; while draining or idle, all of them. Idle is also who has only settled messages: nothing else can
    /// share the request, and a group of a FIFO queue goes on once its messages are deleted.
    pub(super) fn flush(&mut self, now: Instant) {
        let idle = self.running == 0 && self.ready.is_empty();
        let urgent = idle || self.drain.is_some();
        while let Some(keys) = self.deletes.take(now, urgent) {
            let entries: Vec<_> = keys
                .into_iter()
                .filter_map(|key| self.delete_entry(key, now))
                .collect();
            if !entries.is_empty() {
                self.counters.delete_requests += 1;
                self.commands.push(Command::Delete(entries));
            }
        }
        while let Some(keys) = self.releases.take(now, urgent) {
            let entries: Vec<_> = keys
                .into_iter()
                .filter_map(|key| self.release_entry(key, now))
                .collect();
            if !entries.is_empty() {
                self.counters.release_requests += 1;
                self.commands.push(Command::Release(entries));
            }
        }
    }

    fn delete_entry(&mut self, key: Key, now: Instant) -> Option<Entry> {
        let held = self.held.get_mut(&key)?;
        if held.state != (State::Deleting { asked: false }) {
            return None;
        }
        held.state = State::Deleting { asked: true };
        Some(Entry {
            key,
            receipt: held.receipt.clone(),
            visibility_timeout: Duration::ZERO,
            asked_at: now,
        })
    }

    fn release_entry(&mut self, key: Key, now: Instant) -> Option<Entry> {
        let held = self.held.get(&key)?;
        let State::Releasing { visible_at } = held.state else {
            return None;
        };
        let visibility_timeout = whole_seconds_up(visible_at.saturating_duration_since(now));
        Some(Entry {
            key,
            receipt: held.receipt.clone(),
            visibility_timeout,
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
                    self.counters.deleted += 1;
                    self.remove(key);
                }
                Err(error) if !error.transient && !superseded => {
                    // The receipt handle has expired: the visibility timeout ended before the delete arrived.
                    self.counters.lost_leases += u64::from(!held.lease.lost);
                    self.remove(key);
                }
                Ok(()) => self.delete_again(key, now),
                Err(_) => {
                    let delay = self.next_delay(key);
                    self.delete_again(key, now + delay);
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

    pub(super) fn released(&mut self, answer: Answer, now: Instant) {
        for (entry, result) in self.results(answer) {
            let key = entry.key;
            match result {
                Err(error) if error.transient => {
                    let at = now + self.next_delay(key);
                    self.releases.push(key, at, at);
                }
                // Released, or the lease is lost already.
                Ok(()) | Err(_) => self.remove(key),
            }
        }
    }

    /// Pairs entries with their results; if the request failed as a whole, each entry may be retried.
    pub(super) fn results(&mut self, answer: Answer) -> Vec<(Entry, Result<(), EntryError>)> {
        let Answer { entries, result } = answer;
        match result {
            Ok(results) => entries.into_iter().zip(results).collect(),
            Err(kind) => {
                self.counters.failed_requests += 1;
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

    fn next_delay(&mut self, key: Key) -> Duration {
        let failures = self.held.get_mut(&key).map_or(1, |held| {
            held.failures = held.failures.saturating_add(1);
            held.failures
        });
        self.backoff(failures)
    }
}

/// Rounds up to the whole seconds of SQS, so that a message is not visible too early.
fn whole_seconds_up(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0))
}
