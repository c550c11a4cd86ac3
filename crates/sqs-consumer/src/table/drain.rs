//! The drain: stop polling, give back what has not started, finish the rest, within the grace.

use std::time::Instant;

use super::held::State;
use super::{Command, Table};
use crate::context::CancelReason;

#[derive(Debug)]
pub(super) struct Drain {
    stage: Stage,
    notice_at: Instant,
    abort_at: Instant,
    end_at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Handlers run on.
    Finishing,
    /// Handlers have been told to stop.
    Told,
    /// Handlers have been dropped; requests are under way.
    Aborted,
    /// Over.
    Ended,
}

impl Drain {
    /// Returns when the next stage begins.
    pub(super) fn next_change(&self) -> Option<Instant> {
        match self.stage {
            Stage::Finishing => Some(self.notice_at),
            Stage::Told => Some(self.abort_at),
            Stage::Aborted => Some(self.end_at),
            Stage::Ended => None,
        }
    }
}

impl Table {
    pub(super) fn begin_drain(&mut self, now: Instant) {
        if self.drain.is_some() {
            return;
        }
        let end_at = now + self.settings.grace;
        let notice = self.settings.notice;
        self.drain = Some(Drain {
            stage: Stage::Finishing,
            notice_at: end_at - notice,
            abort_at: end_at - notice / 2,
            end_at,
        });
        let mut unstarted = self.groups.stop_all();
        for key in std::mem::take(&mut self.ready) {
            let group = self
                .held
                .get(&key)
                .and_then(|held| held.message.group_id().map(str::to_owned));
            self.leave_group(group.as_deref());
            unstarted.push(key);
        }
        for key in unstarted {
            self.release(key, now);
        }
    }

    pub(super) fn advance_drain(&mut self, now: Instant) {
        let Some(drain) = &mut self.drain else { return };
        if drain.stage == Stage::Finishing && drain.notice_at <= now {
            drain.stage = Stage::Told;
            for (&key, held) in &mut self.held {
                if let State::Running { cancelled } = &mut held.state {
                    *cancelled = true;
                    self.commands.push(Command::Cancel {
                        key,
                        reason: CancelReason::GraceEnding,
                    });
                }
            }
        }
        if drain.stage == Stage::Told && drain.abort_at <= now {
            drain.stage = Stage::Aborted;
            for (&key, held) in &self.held {
                if let State::Running { .. } = held.state {
                    self.commands.push(Command::Abort { key });
                }
            }
        }
    }

    pub(super) fn stop_if_drained(&mut self, now: Instant) {
        let settled = self.held.is_empty() && self.polls.in_flight() == 0;
        if let Some(drain) = &mut self.drain
            && drain.stage != Stage::Ended
            && (settled || drain.end_at <= now)
        {
            drain.stage = Stage::Ended;
            self.commands.push(Command::Stop);
        }
    }
}
