//! One held shard: what to read, run, park and save next, decided without any IO.

mod event;
mod reader;
pub(crate) mod runner;
pub(crate) mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub(crate) use event::{Command, Event, Exit};
use reader::Reader;

use crate::error::Error;
use crate::figures::Gauge;
use crate::handler::Disposition;
use crate::lanes::Lanes;
use crate::lease::Lease;
use crate::quarantine::{Quarantine, Verdict};
use crate::record::{LaneId, Record};
use crate::settings::Settings;
use crate::store::ParkOutcome;
use crate::watermark::Watermark;

/// Why a record is parked whose item is in quarantine.
pub(crate) const BEHIND: &str = "behind a parked record of its item";

/// The wait before a write to the lease table that failed is tried again.
const WRITE_RETRY: Duration = Duration::from_secs(1);

/// The state of one held shard. Feed it events; carry out what `poll` returns.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Shard {
    settings: Settings,
    reader: Reader,
    lanes: Lanes,
    watermark: Watermark,
    quarantine: Quarantine,
    /// Records that are to be parked instead of tried again.
    condemned: BTreeMap<u64, String>,
    writing: Option<Write>,
    write_due: Instant,
    stop: Option<Stop>,
    bytes_since_save: u64,
    saved_at: Instant,
    exit: Option<Exit>,
}

/// A write to the lease table that is under way, with the checkpoint it carries.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Write(Option<String>);

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Stop {
    since: Instant,
    handover_to: Option<String>,
}

impl Shard {
    /// Begins with a shard that was last read, or found, `unread` ago.
    pub(crate) fn new(
        settings: Settings,
        lease: &Lease,
        parked: BTreeSet<LaneId>,
        unread: Duration,
        now: Instant,
    ) -> Self {
        Self {
            reader: Reader::new(&settings, lease, unread, now),
            lanes: Lanes::default(),
            watermark: Watermark::default(),
            quarantine: Quarantine::new(settings.retry, parked),
            condemned: BTreeMap::new(),
            writing: None,
            write_due: now,
            stop: None,
            bytes_since_save: 0,
            saved_at: now,
            exit: None,
            settings,
        }
    }

    /// Says what to start now.
    pub(crate) fn poll(&mut self, now: Instant) -> Vec<Command> {
        let mut commands = Vec::new();
        if self.exit.is_some() {
            return commands;
        }
        if self.stop.is_none() {
            let room = self.has_room();
            if !room {
                self.condemn_head(now);
            }
            commands.extend(self.reader.poll(room, now));
            while self.lanes.running() < self.settings.lanes_per_shard {
                let Some((lane, ordinal)) = self.lanes.start(now) else {
                    break;
                };
                commands.extend(self.job(lane, ordinal));
            }
        }
        commands.extend(self.write(now));
        commands
    }

    /// When `poll` may have something to say although nothing happened.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let idle = self.writing.is_none();
        let write_due = self.write_due.max(self.next_save());
        let save = (idle && self.watermark.has_moved()).then_some(write_due);
        let may_end = self.is_drained() || (self.stop.is_some() && self.is_still());
        let end = (idle && may_end).then_some(self.write_due);
        let (read, retry) = if self.stop.is_some() {
            (None, None)
        } else {
            let free = self.lanes.running() < self.settings.lanes_per_shard;
            let retry = self.lanes.next_retry().filter(|_| free);
            (self.reader.due(self.has_room()), retry)
        };
        [save, end, read, retry].into_iter().flatten().min()
    }

    pub(crate) fn handle(&mut self, event: Event, now: Instant) {
        match event {
            Event::Opened(result) => self.reader.opened(result, now),
            Event::Read { asked, result } => {
                // A page that arrives during a drain is left for the next holder.
                if self.stop.is_none() {
                    for record in self.reader.read(asked, result, now) {
                        self.accept(record);
                    }
                }
            }
            Event::GapNoted(result) => {
                self.lose_if_fenced(result.as_ref().err());
                self.reader.gap_noted(result, now);
            }
            Event::GapClosed(result) => self.reader.gap_closed(result),
            Event::Handled {
                lane,
                ordinal,
                disposition,
            } => {
                self.handled(lane, ordinal, disposition, now);
            }
            Event::Parked {
                lane,
                ordinal,
                result,
            } => self.parked(lane, ordinal, result, now),
            Event::Saved(result) => self.saved(result, now),
            Event::Ended { exit, result } => match result {
                Ok(()) => self.exit = Some(exit),
                Err(error) => self.write_failed(&error, now),
            },
        }
    }

    /// Stops reading and starting; what runs may end.
    pub(crate) fn stop(&mut self, handover_to: Option<String>, now: Instant) {
        let since = self.stop.as_ref().map_or(now, |stop| stop.since);
        self.stop = Some(Stop { since, handover_to });
    }

    /// Gives up what still runs, at the end of the grace: its records stay unfinished.
    pub(crate) fn abandon(&mut self) {
        self.lanes = Lanes::default();
        self.reader.abandon();
        if let Some(Write(Some(reached))) = self.writing.take() {
            self.watermark.put_back(reached);
        }
    }

    /// When the stop began.
    pub(crate) fn stopping_since(&self) -> Option<Instant> {
        self.stop.as_ref().map(|stop| stop.since)
    }

    pub(crate) fn exit(&self) -> Option<Exit> {
        self.exit
    }

    pub(crate) fn gauge(&self) -> Gauge {
        Gauge {
            oldest: self.watermark.oldest(),
            unfinished: self.watermark.unfinished(),
            read_at: self.reader.idle_since(),
        }
    }

    fn has_room(&self) -> bool {
        self.watermark.len() < self.settings.unfinished_records_per_shard
            && self.watermark.unfinished_bytes() < self.settings.unfinished_bytes_per_shard
    }

    /// Whether nothing runs that a release would have to wait for.
    fn is_still(&self) -> bool {
        self.lanes.running() == 0 && !self.reader.is_noting()
    }

    fn is_drained(&self) -> bool {
        self.reader.has_ended() && self.watermark.len() == 0
    }

    fn accept(&mut self, record: Record) {
        self.bytes_since_save += record.size_bytes;
        let lane = record.lane();
        let ordinal = self.watermark.push(Arc::new(record));
        self.lanes.push(lane, ordinal);
    }

    /// When the window is full, a failing record at its front is parked early, so that it blocks no other.
    fn condemn_head(&mut self, now: Instant) {
        let Some((ordinal, record)) = self.watermark.head() else {
            return;
        };
        let failing =
            self.watermark.attempts(ordinal) > 0 && !self.condemned.contains_key(&ordinal);
        if failing && self.lanes.hurry(record.lane(), now) {
            let reason = "failing while the window of unfinished records is full";
            self.condemned.insert(ordinal, reason.to_owned());
        }
    }

    fn job(&mut self, lane: LaneId, ordinal: u64) -> Option<Command> {
        let record = Arc::clone(self.watermark.record(ordinal)?);
        let attempts = self.watermark.attempts(ordinal);
        if let Some(reason) = self.condemned.get(&ordinal).cloned() {
            return Some(Command::Park {
                lane,
                ordinal,
                record,
                reason,
                attempts,
                behind: false,
            });
        }
        if self.quarantine.holds(lane) {
            let reason = BEHIND.to_owned();
            return Some(Command::Park {
                lane,
                ordinal,
                record,
                reason,
                attempts: 0,
                behind: true,
            });
        }
        let attempt = self.watermark.count_attempt(ordinal);
        Some(Command::Deliver {
            lane,
            ordinal,
            record,
            attempt,
        })
    }

    fn handled(
        &mut self,
        lane: LaneId,
        ordinal: u64,
        disposition: Option<Disposition>,
        now: Instant,
    ) {
        let reason = match disposition {
            Some(Disposition::Done) => {
                self.watermark.finish(ordinal);
                self.lanes.finish(lane);
                return;
            }
            Some(Disposition::Retry { reason }) => {
                let attempts = self.watermark.attempts(ordinal);
                match self.quarantine.judge(attempts, fastrand::f64()) {
                    Verdict::RetryAfter(wait) => {
                        self.lanes.retry(lane, now + wait);
                        return;
                    }
                    Verdict::Park => reason,
                }
            }
            Some(Disposition::Quarantine { reason }) => reason,
            None => {
                self.lanes.retry(lane, now);
                return;
            }
        };
        self.condemned.insert(ordinal, reason);
        self.lanes.retry(lane, now);
    }

    fn parked(
        &mut self,
        lane: LaneId,
        ordinal: u64,
        result: Result<ParkOutcome, Error>,
        now: Instant,
    ) {
        match result {
            Ok(ParkOutcome::Parked) => {
                self.quarantine.park(lane);
                self.condemned.remove(&ordinal);
                self.watermark.finish(ordinal);
                self.lanes.finish(lane);
            }
            Ok(ParkOutcome::LaneOpen) => {
                self.quarantine.release(lane);
                self.lanes.retry(lane, now);
            }
            Err(error) => {
                self.lose_if_fenced(Some(&error));
                self.lanes
                    .retry(lane, now + self.quarantine.wait(4, fastrand::f64()));
            }
        }
    }

    /// When the next checkpoint may be written: batched by time.
    fn next_save(&self) -> Instant {
        self.saved_at + self.settings.checkpoint_interval
    }

    fn write(&mut self, now: Instant) -> Option<Command> {
        if self.writing.is_some() || now < self.write_due {
            return None;
        }
        let command = if self.is_drained() {
            let reached = self.watermark.take_reached();
            self.writing = Some(Write(reached.clone()));
            Command::Finish { reached }
        } else if let Some(stop) = self.stop.as_ref().filter(|_| self.is_still()) {
            let reached = self.watermark.take_reached();
            self.writing = Some(Write(reached.clone()));
            Command::Release {
                reached,
                handover_to: stop.handover_to.clone(),
                read_at: self.reader.read_at(),
            }
        } else if now >= self.next_save() {
            let reached = self.watermark.take_reached()?;
            self.writing = Some(Write(Some(reached.clone())));
            let seconds = now.duration_since(self.saved_at).as_secs().max(1);
            Command::Save {
                reached,
                load: self.bytes_since_save / seconds,
            }
        } else {
            return None;
        };
        Some(command)
    }

    fn saved(&mut self, result: Result<(), Error>, now: Instant) {
        match result {
            Ok(()) => {
                self.writing = None;
                self.saved_at = now;
                self.bytes_since_save = 0;
            }
            Err(error) => self.write_failed(&error, now),
        }
    }

    fn write_failed(&mut self, error: &Error, now: Instant) {
        self.lose_if_fenced(Some(error));
        if let Some(Write(Some(reached))) = self.writing.take() {
            self.watermark.put_back(reached);
        }
        self.write_due = now + WRITE_RETRY;
    }

    fn lose_if_fenced(&mut self, error: Option<&Error>) {
        if error.is_some_and(Error::is_fenced) {
            self.exit = Some(Exit::Lost);
        }
    }
}

#[cfg(test)]
impl Shard {
    /// Tells states apart for the model: everything that decides what comes next, but for the settings and the load.
    pub(crate) fn digest(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let Self {
            settings: _,
            reader,
            lanes,
            watermark,
            quarantine,
            condemned,
            writing,
            write_due,
            stop,
            bytes_since_save: _,
            saved_at,
            exit,
        } = self;
        let mut hasher = DefaultHasher::new();
        lanes.hash(&mut hasher);
        let work = (reader, watermark, quarantine, condemned);
        let ending = (writing, write_due, stop, saved_at, exit);
        format!("{work:?}{ending:?}").hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests;
