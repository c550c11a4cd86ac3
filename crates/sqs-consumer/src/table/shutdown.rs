//! The drain of the table: receive no more, release what has not started, let handlers finish.

use std::time::Instant;

use super::Table;
use super::drain::{Drain, Stage};
use super::event::Command;
use super::held::State;
use crate::context::CancelReason;
use crate::settings::Settings;

impl Table {
    pub(super) fn begin_drain(&mut self, now: Instant) {
        if self.drain.is_some() {
            return;
        }
        let Settings {
            shutdown_timeout,
            cancellation_notice,
            ..
        } = self.settings;
        self.drain = Some(Drain::new(now, shutdown_timeout, cancellation_notice));
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
        while let Some(stage) = self.drain.as_mut().and_then(|drain| drain.advance(now)) {
            for (&key, held) in &mut self.held {
                let State::Running { cancelled } = &mut held.state else {
                    continue;
                };
                match stage {
                    Stage::Cancelled => {
                        *cancelled = true;
                        let reason = CancelReason::ShuttingDown;
                        self.commands.push(Command::Cancel { key, reason });
                    }
                    Stage::Aborted => self.commands.push(Command::Abort { key }),
                    Stage::Finishing | Stage::Ended => {}
                }
            }
        }
    }

    pub(super) fn stop_if_drained(&mut self, now: Instant) {
        let settled = self.held.is_empty() && self.polls.in_flight() == 0;
        let drain = self.drain.as_mut();
        if drain.is_some_and(|drain| drain.end(settled, now)) {
            self.commands.push(Command::Stop);
        }
    }
}
