//! Reads a shard: iterators, pages, gaps, the end of the shard.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::event::Command;
use crate::error::{Error, ReadFailure};
use crate::lease::{Checkpoint, Lease};
use crate::monitor::RETENTION;
use crate::observer::{GapCause, GapRecord};
use crate::pacing::{Pace, PageSize};
use crate::record::Record;
use crate::settings::Settings;
use crate::source::{RecordsPage, ShardKey};

/// How long a shard is sure to keep all of its records: half of the retention of the service. The clocks involved may differ, and a shard
/// that is found at the end of its parent may have been written to for as long as the parent's reader was behind.
const KEPT: Duration = Duration::from_secs(RETENTION.as_secs() / 2);

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Reader {
    shard: ShardKey,
    state: State,
    /// The position after the last record that was *read*, finished or not. An expired iterator is opened again there.
    position: Checkpoint,
    /// Records older than this are skipped, by the choice of the first ever start.
    since: Option<DateTime<Utc>>,
    /// Records that were written before this cannot be lost.
    kept_since: DateTime<Utc>,
    /// From then on the oldest records may be trimmed. The service reports that for a position after a sequence number, but not at the
    /// trim horizon.
    kept_until: Instant,
    /// A recorded gap whose end is unknown.
    open_gap: Option<GapRecord>,
    /// The same gap with its end, to be written; retried after a later page if the write fails.
    closed_gap: Option<GapRecord>,
    closing: bool,
    pace: Pace,
    began: Instant,
    /// When the last successful read was sent.
    read_at: Option<Instant>,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
enum State {
    Open {
        due: Instant,
    },
    Opening,
    Read {
        iterator: String,
        due: Instant,
    },
    Reading,
    /// A gap must be durable before a record behind it is read.
    Note {
        gap: GapRecord,
        due: Instant,
    },
    Noting {
        gap: GapRecord,
    },
    Ended,
}

impl Reader {
    /// Makes the reader of a shard that was last read, or found, `unread` ago.
    pub(crate) fn new(settings: &Settings, lease: &Lease, unread: Duration, now: Instant) -> Self {
        let since = match &lease.checkpoint {
            Checkpoint::Since(at) => Some(*at),
            Checkpoint::TrimHorizon | Checkpoint::After(_) => None,
        };
        Self {
            shard: lease.shard.clone(),
            state: State::Open { due: now },
            position: lease.checkpoint.clone(),
            since,
            kept_since: lease.checkpointed_at - RETENTION,
            kept_until: now + KEPT.saturating_sub(unread),
            open_gap: None,
            closed_gap: None,
            closing: false,
            pace: Pace::new(
                settings.poll_interval,
                settings.idle_poll_interval,
                settings.max_records_per_read,
            ),
            began: now,
            read_at: None,
        }
    }

    pub(crate) fn poll(&mut self, room: bool, now: Instant) -> Vec<Command> {
        let mut commands = Vec::new();
        if let Some(gap) = self.closed_gap.clone().filter(|_| self.closing) {
            self.closing = false;
            commands.push(Command::CloseGap { gap });
        }
        let (state, command) = match std::mem::replace(&mut self.state, State::Ended) {
            State::Open { due } if due <= now && self.is_trimmed_unseen(now) => {
                let gap = self.perhaps_trimmed();
                (
                    State::Noting { gap: gap.clone() },
                    Some(Command::NoteGap { gap }),
                )
            }
            State::Open { due } if due <= now => {
                let at = self.position.clone();
                (State::Opening, Some(Command::Open { at }))
            }
            State::Read { iterator, due } if due <= now && room => {
                (State::Reading, Some(Command::Read { iterator }))
            }
            State::Note { gap, due } if due <= now => (
                State::Noting { gap: gap.clone() },
                Some(Command::NoteGap { gap }),
            ),
            state @ (State::Open { .. }
            | State::Opening
            | State::Read { .. }
            | State::Reading
            | State::Note { .. }
            | State::Noting { .. }
            | State::Ended) => (state, None),
        };
        self.state = state;
        commands.extend(command);
        commands
    }

    /// When the next `poll` is due without an event.
    pub(crate) fn due(&self, room: bool) -> Option<Instant> {
        match &self.state {
            State::Open { due } | State::Note { due, .. } => Some(*due),
            State::Read { due, .. } => room.then_some(*due),
            State::Opening | State::Reading | State::Noting { .. } | State::Ended => None,
        }
    }

    pub(crate) fn opened(&mut self, result: Result<String, Error>, now: Instant) {
        match result {
            Ok(iterator) => self.state = State::Read { iterator, due: now },
            Err(error) => self.failed(&error, now),
        }
    }

    /// Handles a page and returns the records to deliver. Only a missing next iterator ends the shard.
    pub(crate) fn read(
        &mut self,
        requested_at: Instant,
        result: Result<RecordsPage, Error>,
        is_old: bool,
        now: Instant,
    ) -> Vec<Record> {
        let page = match result {
            Ok(page) => page,
            Err(error) => {
                self.failed(&error, now);
                return Vec::new();
            }
        };
        self.read_at = Some(requested_at);
        self.kept_until = requested_at + KEPT;
        let size = PageSize {
            records: page.records.len(),
            bytes: page.records.iter().map(|record| record.size_bytes).sum(),
        };
        let due = self.pace.after_page(size, is_old, requested_at, now);
        self.state = match page.next {
            Some(iterator) => State::Read { iterator, due },
            None => State::Ended,
        };
        if let Some(first) = page.records.first()
            && let Some(mut gap) = self.open_gap.take()
        {
            gap.to = Some(first.sequence_number.clone());
            self.closed_gap = Some(gap);
        }
        self.closing = self.closed_gap.is_some();
        if let Some(last) = page.records.last() {
            self.position = Checkpoint::After(last.sequence_number.clone());
        }
        let since = self.since;
        let wanted = |record: &Record| {
            since.is_none_or(|since| record.created_at >= SystemTime::from(since))
        };
        page.records.into_iter().filter(wanted).collect()
    }

    pub(crate) fn gap_noted(&mut self, result: Result<GapRecord, Error>, now: Instant) {
        let State::Noting { gap } = std::mem::replace(&mut self.state, State::Ended) else {
            return;
        };
        let cause = gap.cause;
        self.state = match (result, cause) {
            (Err(_), _) => {
                let due = self.pace.after_failure(fastrand::f64(), now);
                State::Note { gap, due }
            }
            (Ok(gap), GapCause::Trimmed) => {
                self.position = Checkpoint::TrimHorizon;
                self.kept_until = now + KEPT;
                self.open_gap = Some(gap);
                State::Open { due: now }
            }
            (Ok(_), GapCause::ShardMissing | GapCause::ParentUnseen) => State::Ended,
        };
    }

    pub(crate) fn gap_closed(&mut self, result: Result<(), Error>) {
        if result.is_ok() {
            self.closed_gap = None;
        }
    }

    /// Forgets the request in flight; the shard is not read any further.
    pub(crate) fn abandon(&mut self) {
        if !self.has_ended() {
            self.state = State::Opening;
        }
    }

    /// Whether a gap is being made durable.
    pub(crate) fn is_noting(&self) -> bool {
        matches!(self.state, State::Noting { .. })
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// When the last successful read was sent; none before the first.
    pub(crate) fn read_at(&self) -> Option<Instant> {
        self.read_at
    }

    /// When the last successful read was sent, or the reader was made.
    pub(crate) fn idle_since(&self) -> Instant {
        self.read_at.unwrap_or(self.began)
    }

    /// Whether records may have been trimmed that the service would not report as trimmed.
    fn is_trimmed_unseen(&self, now: Instant) -> bool {
        let from_the_oldest = match self.position {
            Checkpoint::TrimHorizon | Checkpoint::Since(_) => true,
            Checkpoint::After(_) => false,
        };
        from_the_oldest && self.kept_until <= now
    }

    fn failed(&mut self, error: &Error, now: Instant) {
        self.state = match error.read_failure() {
            ReadFailure::Expired => State::Open { due: now },
            // Trimmed again before the first record behind a gap was read: it is the same gap, unless that was too long ago.
            ReadFailure::Trimmed if self.open_gap.is_some() => State::Open { due: now },
            ReadFailure::Trimmed => State::Note {
                gap: self.gap(GapCause::Trimmed),
                due: now,
            },
            ReadFailure::Missing => State::Note {
                gap: self.gap(GapCause::ShardMissing),
                due: now,
            },
            // Opening again costs one request and is right in every case.
            ReadFailure::Later => State::Open {
                due: self.pace.after_failure(fastrand::f64(), now),
            },
        };
    }

    /// The open gap, recorded again since its repair may be over, or a new gap.
    fn perhaps_trimmed(&self) -> GapRecord {
        let open = self.open_gap.clone();
        open.unwrap_or_else(|| self.gap(GapCause::Trimmed))
    }

    fn gap(&self, cause: GapCause) -> GapRecord {
        let ShardKey {
            stream_arn,
            shard_id,
        } = self.shard.clone();
        // Its time is set when the gap is recorded: this state has no wall clock.
        let mut gap = GapRecord::new(stream_arn, shard_id, cause, SystemTime::UNIX_EPOCH);
        gap.since = Some(self.kept_since.into());
        gap.from = match &self.position {
            Checkpoint::After(number) => Some(number.clone()),
            Checkpoint::TrimHorizon | Checkpoint::Since(_) => None,
        };
        gap
    }
}

#[cfg(test)]
impl Reader {
    /// What it does and where, for the model, in which nothing is trimmed.
    pub(crate) fn outline(&self) -> impl std::hash::Hash {
        let state = std::mem::discriminant(&self.state);
        (state, format!("{:?}", self.position))
    }
}
