//! The pure part of a sender: it collects messages into batches and schedules further attempts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::settings::{SendError, SenderSettings};
use crate::queue::{BatchResult, EntryError, ErrorKind, OutgoingMessage};
use crate::retry::jittered;

/// The longest time beyond the linger for which messages wait for a request in flight: two round trips of a region's service. A request that
/// takes longer delays no others.
const MAX_GATHERING: Duration = Duration::from_millis(50);

/// Numbers messages in the order of their arrival.
pub(super) type Number = u64;

#[derive(Debug)]
pub(super) struct Batcher {
    settings: SenderSettings,
    fifo: bool,
    rng: fastrand::Rng,
    next: Number,
    waiting: BTreeMap<Number, Waiting>,
    waiting_bytes: usize,
    busy_groups: BTreeSet<String>,
    in_flight: usize,
    wake_at: Option<Instant>,
}

#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) message: Arc<OutgoingMessage>,
    bytes: usize,
    attempts: u32,
    /// Not to be sent before.
    from: Instant,
    due: Instant,
    /// Whether to send it by itself, since a batch with it was refused as a whole.
    alone: bool,
}

pub(super) type Batch = Vec<(Number, Waiting)>;

impl Batcher {
    pub(super) fn new(settings: SenderSettings, fifo: bool, rng: fastrand::Rng) -> Self {
        Self {
            settings,
            fifo,
            rng,
            next: 0,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            busy_groups: BTreeSet::new(),
            in_flight: 0,
            wake_at: None,
        }
    }

    /// Returns whether it takes in more messages: while it has not a hundred messages or four full batches for each request that may be in
    /// flight. Of a FIFO queue many may wait for their groups.
    pub(super) fn has_room(&self) -> bool {
        let requests = self.settings.max_concurrent_requests;
        self.waiting.len() < requests * 100
            && self.waiting_bytes < requests * 4 * self.settings.max_batch_bytes
    }

    fn wait(&mut self, number: Number, waiting: Waiting) {
        self.waiting_bytes += waiting.bytes;
        self.waiting.insert(number, waiting);
    }

    /// Adds a message and returns its number.
    pub(super) fn put(
        &mut self,
        message: Arc<OutgoingMessage>,
        now: Instant,
    ) -> Result<Number, SendError> {
        let (bytes, limit) = (message.bytes(), self.settings.max_batch_bytes);
        if bytes > limit {
            return Err(SendError::TooLarge { bytes, limit });
        }
        let number = self.next;
        self.next += 1;
        let due = now + self.settings.linger;
        self.wait(
            number,
            Waiting {
                message,
                bytes,
                attempts: 0,
                from: now,
                due,
                alone: false,
            },
        );
        Ok(number)
    }

    /// Removes the next batch that is full or due, if a request may be sent.
    pub(super) fn take(&mut self, now: Instant) -> Option<Batch> {
        self.wake_at = None;
        if self.in_flight >= self.settings.max_concurrent_requests {
            return None;
        }
        let (numbers, due, full) = self.choose(now);
        // While a request is in flight, those behind it gather: more share a request, and none waits longer than for the answer.
        let due = due.map(|due| {
            if self.in_flight == 0 {
                due
            } else {
                due + MAX_GATHERING
            }
        });
        if numbers.is_empty() || !(full || due.is_some_and(|due| due <= now)) {
            let later = self
                .waiting
                .values()
                .map(|waiting| waiting.from)
                .filter(|from| *from > now)
                .min();
            self.wake_at = [due, later].into_iter().flatten().min();
            return None;
        }
        self.in_flight += 1;
        let batch: Batch = numbers
            .into_iter()
            .filter_map(|number| self.waiting.remove(&number).map(|w| (number, w)))
            .collect();
        self.waiting_bytes -= batch
            .iter()
            .map(|(_, waiting)| waiting.bytes)
            .sum::<usize>();
        if self.fifo {
            self.busy_groups.extend(
                batch
                    .iter()
                    .filter_map(|(_, waiting)| waiting.message.group_id.clone()),
            );
        }
        Some(batch)
    }

    /// Chooses messages that could share a request now. Returns their numbers, when the first is due, and whether no more fits.
    fn choose(&self, now: Instant) -> (Vec<Number>, Option<Instant>, bool) {
        let mut blocked_groups: BTreeSet<&str> = BTreeSet::new();
        let (mut numbers, mut bytes, mut due) = (Vec::new(), 0, None::<Instant>);
        for (&number, waiting) in &self.waiting {
            let group = if self.fifo {
                waiting.message.group_id.as_deref()
            } else {
                None
            };
            let blocked = group.is_some_and(|group| {
                blocked_groups.contains(group) || self.busy_groups.contains(group)
            });
            // Chosen or not, later messages of its group may not share the request.
            blocked_groups.extend(group);
            if blocked || waiting.from > now {
                continue;
            }
            if waiting.alone && !numbers.is_empty() {
                continue;
            }
            if bytes + waiting.bytes > self.settings.max_batch_bytes {
                return (numbers, due, true);
            }
            numbers.push(number);
            bytes += waiting.bytes;
            due = Some(due.map_or(waiting.due, |due| due.min(waiting.due)));
            if waiting.alone || numbers.len() >= self.settings.max_batch_entries {
                return (numbers, due, true);
            }
        }
        (numbers, due, false)
    }

    /// Handles the response to a batch and returns the final results. The other messages wait for another attempt.
    pub(super) fn answered(
        &mut self,
        batch: Batch,
        result: BatchResult,
        now: Instant,
    ) -> Vec<(Number, Result<(), SendError>)> {
        self.in_flight = self.in_flight.saturating_sub(1);
        for (_, waiting) in &batch {
            if let Some(group) = &waiting.message.group_id {
                self.busy_groups.remove(group);
            }
        }
        match result {
            Ok(results) => {
                let entries = batch.into_iter().zip(results);
                entries
                    .filter_map(|(entry, result)| self.entry_answered(entry, result, now))
                    .collect()
            }
            Err(error) => {
                let shared = batch.len() > 1;
                batch
                    .into_iter()
                    .filter_map(|entry| self.request_failed(entry, error.kind, shared, now))
                    .collect()
            }
        }
    }

    fn entry_answered(
        &mut self,
        entry: (Number, Waiting),
        result: Result<(), EntryError>,
        now: Instant,
    ) -> Option<(Number, Result<(), SendError>)> {
        match result {
            Ok(()) => Some((entry.0, Ok(()))),
            Err(error) if error.transient => self.retry(entry, ErrorKind::Unavailable, now),
            Err(error) => Some((entry.0, Err(SendError::Refused { code: error.code }))),
        }
    }

    fn request_failed(
        &mut self,
        (number, mut waiting): (Number, Waiting),
        kind: ErrorKind,
        shared: bool,
        now: Instant,
    ) -> Option<(Number, Result<(), SendError>)> {
        if kind == ErrorKind::Invalid && shared {
            // One invalid message must not fail the others.
            waiting.alone = true;
            self.wait(
                number,
                Waiting {
                    from: now,
                    due: now,
                    ..waiting
                },
            );
            return None;
        }
        if kind.is_transient() {
            return self.retry((number, waiting), kind, now);
        }
        Some((
            number,
            Err(SendError::Failed {
                attempts: waiting.attempts + 1,
                kind,
            }),
        ))
    }

    fn retry(
        &mut self,
        (number, waiting): (Number, Waiting),
        kind: ErrorKind,
        now: Instant,
    ) -> Option<(Number, Result<(), SendError>)> {
        let attempts = waiting.attempts + 1;
        if attempts >= self.settings.max_attempts {
            return Some((number, Err(SendError::Failed { attempts, kind })));
        }
        let delay = self.delay(attempts);
        self.wait(
            number,
            Waiting {
                attempts,
                from: now + delay,
                due: now + delay,
                ..waiting
            },
        );
        None
    }

    fn delay(&mut self, attempts: u32) -> Duration {
        jittered(
            self.settings.first_delay,
            self.settings.max_delay,
            attempts,
            &mut self.rng,
        )
    }

    /// Returns when the next batch is due, as of the last [`take`](Self::take).
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_flight == 0
    }
}

#[cfg(test)]
mod tests;
