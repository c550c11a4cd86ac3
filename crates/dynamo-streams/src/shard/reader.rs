//! The reading end of a shard: iterators, pages, gaps, the shard's end.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::Command;
use crate::arn;
use crate::error::{Error, ReadFailure};
use crate::figures::RETENTION;
use crate::lease::{Checkpoint, Lease};
use crate::observer::{GapCause, GapRecord};
use crate::pacing::Pace;
use crate::record::Record;
use crate::settings::Settings;
use crate::source::{RecordsPage, ShardKey};

/// For how long a shard surely keeps all that was in it: half of what the service promises. The clocks that this is judged by may
/// differ, and a shard that is found when its parent ends may have been filled for as long as the parent's reader was behind.
const KEPT: Duration = Duration::from_secs(RETENTION.as_secs() / 2);

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Reader {
    shard: ShardKey,
    state: State,
    /// The end of what was *read*, finished or not: where an expired iterator is opened again.
    position: Checkpoint,
    /// Records older than this were passed over at the first ever start.
    since: Option<DateTime<Utc>>,
    /// Before this nothing can be lost.
    kept_since: DateTime<Utc>,
    /// From then on the oldest record may be gone. Who knows a number learns of it; who begins with the oldest record does not.
    kept_until: Instant,
    /// A noted gap whose end is not known yet.
    open_gap: Option<GapRecord>,
    /// The same with its end, to be written; tried again after a later page if that fails.
    closed_gap: Option<GapRecord>,
    closing: bool,
    pace: Pace,
    began: Instant,
    /// When the last page was asked for that was answered.
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
    /// A gap must be durable before anything behind it is read.
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
    /// Begins to read a shard that was last read, or found, `unread` ago.
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
                settings.page_records,
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

    /// When there is something to do without an event.
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

    /// Takes in a page and returns the records to deliver. Only a missing next iterator ends the shard.
    pub(crate) fn read(
        &mut self,
        asked: Instant,
        result: Result<RecordsPage, Error>,
        now: Instant,
    ) -> Vec<Record> {
        let page = match result {
            Ok(page) => page,
            Err(error) => {
                self.failed(&error, now);
                return Vec::new();
            }
        };
        self.read_at = Some(asked);
        self.kept_until = asked + KEPT;
        let bytes = page.records.iter().map(|record| record.size_bytes).sum();
        let due = self.pace.after_page(page.records.len(), bytes, asked, now);
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
        let wanted = |record: &Record| since.is_none_or(|since| record.created_at >= since);
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

    /// Forgets the call that is under way; the shard is not read any further.
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

    /// When the last successful read was asked for; none, if there was none yet.
    pub(crate) fn read_at(&self) -> Option<Instant> {
        self.read_at
    }

    /// Since when nothing was read: since the last successful read, or the beginning.
    pub(crate) fn idle_since(&self) -> Instant {
        self.read_at.unwrap_or(self.began)
    }

    /// Whether records may be gone of which the service would not say so.
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
            // The horizon moved on before the first record behind a gap: still the same loss, unless that was too long ago.
            ReadFailure::Trimmed if self.open_gap.is_some() => State::Open { due: now },
            ReadFailure::Trimmed => State::Note {
                gap: self.gap(GapCause::Trimmed),
                due: now,
            },
            ReadFailure::Missing => State::Note {
                gap: self.gap(GapCause::ShardMissing),
                due: now,
            },
            // Opening again costs one request and is right whatever happened to the iterator.
            ReadFailure::Later => State::Open {
                due: self.pace.after_failure(fastrand::f64(), now),
            },
        };
    }

    /// The gap that is open, to be noted anew since its repair may be over by now, or a new one.
    fn perhaps_trimmed(&self) -> GapRecord {
        let open = self.open_gap.clone();
        open.unwrap_or_else(|| self.gap(GapCause::Trimmed))
    }

    fn gap(&self, cause: GapCause) -> GapRecord {
        let from = match &self.position {
            Checkpoint::After(number) => Some(number.clone()),
            Checkpoint::TrimHorizon | Checkpoint::Since(_) => None,
        };
        GapRecord {
            stream_arn: self.shard.stream_arn.clone(),
            table_name: arn::table_name(&self.shard.stream_arn).to_owned(),
            shard_id: self.shard.shard_id.clone(),
            from,
            to: None,
            cause,
            since: Some(self.kept_since),
            // Stamped when it is noted: this state has no wall clock.
            detected_at: DateTime::UNIX_EPOCH,
        }
    }
}
