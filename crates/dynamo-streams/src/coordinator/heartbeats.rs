//! The heartbeats of the worker, and how long it may act on the last one.

use std::time::Duration;

use tokio::time::Instant;

use super::{Command, Coordinator, Phase};
use crate::error::Error;
use crate::settings::Settings;

/// The delay before a failed heartbeat is written again.
const RETRY: Duration = Duration::from_secs(1);

/// The heartbeats, one at a time. No lease may be held while the last one is too old.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Heartbeats {
    interval: Duration,
    valid_for: Duration,
    beat: u64,
    sent_at: Option<Instant>,
    due: Instant,
    valid_until: Option<Instant>,
    /// Whether the next heartbeat adds the worker. A later one is refused once the worker was removed, so that one that arrives late does not
    /// add it again.
    joins: bool,
}

impl Heartbeats {
    pub(super) fn new(settings: &Settings, now: Instant) -> Self {
        Self {
            interval: settings.heartbeat_interval,
            valid_for: settings.self_fence_after(),
            beat: 0,
            sent_at: None,
            due: now,
            valid_until: None,
            joins: true,
        }
    }

    /// Whether leases may be held.
    pub(super) fn is_valid(&self) -> bool {
        self.valid_until.is_some()
    }

    pub(super) fn in_flight(&self) -> bool {
        self.sent_at.is_some()
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        let due = match self.sent_at {
            None => Some(self.due),
            Some(sent) => Some(sent + self.interval).filter(|_| !self.joins),
        };
        due.into_iter().chain(self.valid_until).min()
    }

    /// Returns whether the last heartbeat has become too old just now.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        self.valid_until.take_if(|until| *until <= now).is_some()
    }

    /// Waits no longer for a heartbeat that was not answered within the interval. One that adds the worker is waited for, since it could add
    /// it after its removal.
    pub(super) fn time_out(&mut self, now: Instant) {
        if self.joins {
            return;
        }
        let sent = self.sent_at.take_if(|sent| *sent + self.interval <= now);
        if sent.is_some() {
            self.due = now;
        }
    }

    fn next(&mut self, now: Instant) -> Option<Command> {
        if self.in_flight() || now < self.due {
            return None;
        }
        self.beat += 1;
        self.sent_at = Some(now);
        let (beat, joins) = (self.beat, self.joins);
        Some(Command::WriteHeartbeat { beat, joins })
    }

    fn written(&mut self, beat: u64, result: &Result<(), Error>, now: Instant) {
        let Some(sent) = self.sent_at.take_if(|_| beat == self.beat) else {
            return;
        };
        match result {
            Ok(()) => {
                // It counts from when it was sent.
                let until = sent + self.valid_for;
                self.valid_until = Some(until).filter(|until| now < *until);
                self.due = sent + self.interval;
                self.joins = false;
            }
            // Others held this worker for dead and removed it.
            Err(error) if error.is_fenced() => {
                self.joins = true;
                self.due = now;
            }
            Err(_) => self.due = now + RETRY,
        }
    }
}

impl Coordinator {
    pub(super) fn beat(&mut self, now: Instant) {
        if !self.has_left() {
            self.commands.extend(self.heartbeats.next(now));
        }
    }

    pub(super) fn heartbeat_written(&mut self, beat: u64, result: Result<(), Error>, now: Instant) {
        self.heartbeats.written(beat, &result, now);
        if self.phase == Phase::Joining {
            match result {
                Ok(()) => self.phase = Phase::Viewing,
                Err(error) => self.fail(error, now),
            }
        }
    }

    /// Gives up every lease: the last heartbeat is too old.
    pub(super) fn give_up_all(&mut self) {
        self.planned.clear();
        for taking in self.taking.values_mut() {
            taking.expired = true;
        }
        for (shard, held) in &mut self.held {
            if !held.lost {
                held.lost = true;
                self.commands.push(Command::GiveUp(shard.clone()));
            }
        }
    }
}
