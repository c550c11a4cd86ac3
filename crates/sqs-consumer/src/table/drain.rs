//! The stages of a drain.

use std::time::{Duration, Instant};

/// A drain and its deadlines.
#[derive(Debug)]
pub(super) struct Drain {
    stage: Stage,
    cancel_at: Instant,
    abort_at: Instant,
    end_at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Handlers run on.
    Finishing,
    /// Handlers are cancelled.
    Cancelled,
    /// Handlers are dropped; requests are in flight.
    Aborted,
    /// Over.
    Ended,
}

impl Drain {
    pub(super) fn new(now: Instant, timeout: Duration, cancellation_notice: Duration) -> Self {
        let end_at = now + timeout;
        Self {
            stage: Stage::Finishing,
            cancel_at: end_at - cancellation_notice,
            abort_at: end_at - cancellation_notice / 2,
            end_at,
        }
    }

    /// Returns when the next stage begins.
    pub(super) fn next_change(&self) -> Option<Instant> {
        match self.stage {
            Stage::Finishing => Some(self.cancel_at),
            Stage::Cancelled => Some(self.abort_at),
            Stage::Aborted => Some(self.end_at),
            Stage::Ended => None,
        }
    }

    /// Enters the next stage if its time has come, and returns it.
    pub(super) fn advance(&mut self, now: Instant) -> Option<Stage> {
        self.stage = match self.stage {
            Stage::Finishing if self.cancel_at <= now => Stage::Cancelled,
            Stage::Cancelled if self.abort_at <= now => Stage::Aborted,
            Stage::Finishing | Stage::Cancelled | Stage::Aborted | Stage::Ended => return None,
        };
        Some(self.stage)
    }

    /// Ends the drain if everything is settled or its time is over; returns whether it ends now.
    pub(super) fn end(&mut self, settled: bool, now: Instant) -> bool {
        let ends = self.stage != Stage::Ended && (settled || self.end_at <= now);
        if ends {
            self.stage = Stage::Ended;
        }
        ends
    }
}
