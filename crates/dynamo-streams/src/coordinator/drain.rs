//! The drain: stop every reader, remove the heartbeat, end in time whatever is still unanswered.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Command, Coordinator};
use crate::error::Error;
use crate::settings::LAST_WRITES;

/// A drain and its deadline.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Drain {
    end_at: Instant,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Leases are still held, or writes are in flight.
    Releasing,
    /// The heartbeat is being removed; none follows.
    Leaving,
    /// The heartbeat is removed, or its removal failed.
    Left,
    Ended,
}

impl Drain {
    pub(super) fn wake_at(&self, heartbeat: Option<Instant>) -> Instant {
        match self.stage {
            Stage::Releasing => heartbeat.map_or(self.end_at, |at| at.min(self.end_at)),
            Stage::Leaving | Stage::Left | Stage::Ended => self.end_at,
        }
    }
}

impl Coordinator {
    pub(super) fn begin_drain(&mut self, now: Instant) {
        if self.drain.is_some() {
            return;
        }
        let idle = self.held.is_empty() && self.taking.is_empty();
        let handlers = if idle {
            Duration::ZERO
        } else {
            self.settings.shutdown_timeout
        };
        self.drain = Some(Drain {
            end_at: now + handlers + LAST_WRITES,
            stage: Stage::Releasing,
        });
        self.planned.clear();
        self.stop_all();
    }

    /// Drains since the start failed.
    pub(super) fn fail(&mut self, error: Error, now: Instant) {
        if self.drain.is_none() {
            self.commands.push(Command::Fail(Arc::new(error)));
            self.begin_drain(now);
        }
    }

    pub(super) fn stop_all(&mut self) {
        for (shard, held) in &mut self.held {
            if !held.stopping {
                held.stopping = true;
                self.commands.push(Command::Stop {
                    shard: shard.clone(),
                    handover_to: None,
                });
            }
        }
    }

    /// Whether no heartbeat may be written any more.
    pub(super) fn has_left(&self) -> bool {
        self.drain
            .as_ref()
            .is_some_and(|drain| drain.stage != Stage::Releasing)
    }

    pub(super) fn left(&mut self) {
        if let Some(drain) = &mut self.drain {
            drain.stage = Stage::Left;
        }
    }

    pub(super) fn advance_drain(&mut self, now: Instant) {
        let Some(drain) = &mut self.drain else {
            return;
        };
        // A heartbeat in flight would arrive after the removal.
        let idle = self.held.is_empty() && self.taking.is_empty() && !self.heartbeats.in_flight();
        match drain.stage {
            Stage::Ended => {}
            Stage::Releasing | Stage::Leaving if drain.end_at <= now => self.end(),
            Stage::Releasing if idle => {
                drain.stage = Stage::Leaving;
                self.commands.push(Command::Leave);
            }
            Stage::Releasing | Stage::Leaving => {}
            Stage::Left => self.end(),
        }
    }

    fn end(&mut self) {
        if let Some(drain) = &mut self.drain {
            drain.stage = Stage::Ended;
        }
        self.commands.push(Command::End);
    }
}
