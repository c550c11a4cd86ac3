//! One held shard: decides what to read, handle, park and checkpoint next, without any IO.

#[cfg(test)]
#[path = "../tests/internal/digest/shard.rs"]
mod digest;
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
use crate::handler::Disposition;
use crate::item::ItemId;
use crate::item_queues::ItemQueues;
use crate::lease::{Checkpoint, Lease};
use crate::monitor::ShardFigures;
use crate::parking::{AfterFailure, Parking};
use crate::record::Record;
use crate::settings::Settings;
use crate::store::ParkOutcome;
use crate::watermark::Watermark;

/// Why a record is parked behind a parked record.
pub(crate) const BEHIND: &str = "behind a parked record of its item";

/// How long no record may come before the load that was written last is written again, as nothing.
const LOAD_FADES: Duration = Duration::from_secs(60);

/// The delay before a failed write to the lease table is retried.
const WRITE_RETRY: Duration = Duration::from_secs(1);

/// The state of one held shard. Feed it events; carry out what `poll` returns.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Shard {
    settings: Settings,
    reader: Reader,
    queues: ItemQueues,
    watermark: Watermark,
    parking: Parking,
    /// Records that are parked instead of tried again, with the reason.
    to_park: BTreeMap<u64, String>,
    writing: Option<Write>,
    write_due: Instant,
    stop: Option<Stop>,
    bytes_since_checkpoint: u64,
    checkpointed_at: Instant,
    /// The checkpoint that was written last, and the load with it.
    written: Option<(String, u64)>,
    exit: Option<Exit>,
}

/// A write to the lease table in flight, with its checkpoint.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Write(Option<String>);

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Stop {
    since: Instant,
    handover_to: Option<String>,
}

/// Why a record with a defect is parked.
pub(crate) fn unreadable(defect: &str) -> String {
    format!("the record cannot be read: {defect}")
}

impl Shard {
    /// Makes the state of a shard that was last read, or found, `unread` ago.
    pub(crate) fn new(
        settings: Settings,
        lease: &Lease,
        parked: BTreeSet<ItemId>,
        unread: Duration,
        now: Instant,
    ) -> Self {
        Self {
            reader: Reader::new(&settings, lease, unread, now),
            queues: ItemQueues::default(),
            watermark: Watermark::default(),
            parking: Parking::new(settings.retry, parked),
            to_park: BTreeMap::new(),
            writing: None,
            write_due: now,
            stop: None,
            bytes_since_checkpoint: 0,
            checkpointed_at: now,
            written: match &lease.checkpoint {
                Checkpoint::After(number) => Some((number.clone(), lease.load)),
                Checkpoint::TrimHorizon | Checkpoint::Since(_) => None,
            },
            exit: None,
            settings,
        }
    }

    /// Returns the commands to carry out now.
    pub(crate) fn poll(&mut self, now: Instant) -> Vec<Command> {
        let mut commands = Vec::new();
        if self.exit.is_some() {
            return commands;
        }
        if self.stop.is_none() {
            let room = self.has_room();
            if !room {
                self.park_head_early(now);
            }
            commands.extend(self.reader.poll(room, now));
            while self.queues.running() < self.settings.concurrency_per_shard {
                let Some((item_id, ordinal)) = self.queues.start(now) else {
                    break;
                };
                commands.extend(self.command_for(item_id, ordinal));
            }
        }
        commands.extend(self.write(now));
        commands
    }

    /// When the next `poll` is due without an event.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let idle = self.writing.is_none();
        let write_due = self.write_due.max(self.next_checkpoint());
        let checkpoint = (idle && self.watermark.has_moved()).then_some(write_due);
        let may_end = self.is_drained() || (self.stop.is_some() && self.is_still());
        let end = (idle && may_end).then_some(self.write_due);
        let (read, retry) = if self.stop.is_some() {
            (None, None)
        } else {
            let free = self.queues.running() < self.settings.concurrency_per_shard;
            let retry = self.queues.next_retry().filter(|_| free);
            (self.reader.due(self.has_room()), retry)
        };
        let fade = (idle && self.faded().is_some()).then_some(write_due.max(self.fades_at()));
        [checkpoint, end, read, retry, fade]
            .into_iter()
            .flatten()
            .min()
    }

    pub(crate) fn handle(&mut self, event: Event, now: Instant) {
        match event {
            Event::Opened(result) => self.reader.opened(result, now),
            Event::Read {
                requested_at,
                result,
                is_old,
            } => {
                // A page that arrives during a drain is left for the next holder.
                if self.stop.is_none() {
                    for record in self.reader.read(requested_at, result, is_old, now) {
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
                item_id,
                ordinal,
                disposition,
            } => {
                self.handled(item_id, ordinal, disposition, now);
            }
            Event::Parked {
                item_id,
                ordinal,
                result,
            } => self.parked(item_id, ordinal, result, now),
            Event::Checkpointed(result) => self.checkpointed(result, now),
            Event::Ended { exit, result } => match result {
                Ok(()) => self.exit = Some(exit),
                Err(error) => self.write_failed(&error, now),
            },
        }
    }

    /// Stops reading and starting handlers; running handlers may end.
    pub(crate) fn stop(&mut self, handover_to: Option<String>, now: Instant) {
        let since = self.stop.as_ref().map_or(now, |stop| stop.since);
        self.stop = Some(Stop { since, handover_to });
    }

    /// Abandons the running handlers at the end of the shutdown timeout: their records stay unfinished.
    pub(crate) fn abandon(&mut self) {
        self.queues = ItemQueues::default();
        self.reader.abandon();
        if let Some(Write(Some(checkpoint))) = self.writing.take() {
            self.watermark.put_back(checkpoint);
        }
    }

    /// When the stop began.
    pub(crate) fn stopping_since(&self) -> Option<Instant> {
        self.stop.as_ref().map(|stop| stop.since)
    }

    pub(crate) fn exit(&self) -> Option<Exit> {
        self.exit
    }

    pub(crate) fn figures(&self) -> ShardFigures {
        ShardFigures {
            oldest: self.watermark.oldest(),
            in_flight: self.watermark.unfinished(),
            read_at: self.reader.idle_since(),
        }
    }

    fn has_room(&self) -> bool {
        self.watermark.len() < self.settings.max_in_flight_records_per_shard
            && self.watermark.unfinished_bytes() < self.settings.max_in_flight_bytes_per_shard
    }

    /// Whether no handler runs and no gap is being recorded, which a release waits for.
    fn is_still(&self) -> bool {
        self.queues.running() == 0 && !self.reader.is_noting()
    }

    fn is_drained(&self) -> bool {
        self.reader.has_ended() && self.watermark.len() == 0
    }

    fn accept(&mut self, record: Record) {
        self.bytes_since_checkpoint += record.size_bytes;
        let (item_id, defect) = (record.item_id(), record.defect.clone());
        let ordinal = self.watermark.push(Arc::new(record));
        if let Some(defect) = defect {
            self.to_park.insert(ordinal, unreadable(&defect));
        }
        self.queues.push(item_id, ordinal);
    }

    /// Parks a failing record early if it is the first unfinished record while there is no room for further ones.
    fn park_head_early(&mut self, now: Instant) {
        let Some((ordinal, record)) = self.watermark.head() else {
            return;
        };
        let failing = self.watermark.attempts(ordinal) > 0 && !self.to_park.contains_key(&ordinal);
        if failing && self.queues.retry_now(record.item_id(), now) {
            let reason = "failing while the window of unfinished records is full";
            self.to_park.insert(ordinal, reason.to_owned());
        }
    }

    fn command_for(&mut self, item_id: ItemId, ordinal: u64) -> Option<Command> {
        let record = Arc::clone(self.watermark.record(ordinal)?);
        let parked = match self.to_park.get(&ordinal) {
            Some(reason) => Some((reason.clone(), self.watermark.attempts(ordinal))),
            None if self.parking.is_parked(item_id) => Some((BEHIND.to_owned(), 0)),
            None => None,
        };
        if let Some((reason, attempts)) = parked {
            return Some(Command::Park {
                item_id,
                ordinal,
                record,
                reason,
                attempts,
                behind: !self.to_park.contains_key(&ordinal),
            });
        }
        let attempt = self.watermark.count_attempt(ordinal);
        Some(Command::Deliver {
            item_id,
            ordinal,
            record,
            attempt,
        })
    }

    fn handled(
        &mut self,
        item_id: ItemId,
        ordinal: u64,
        disposition: Option<Disposition>,
        now: Instant,
    ) {
        let reason = match disposition {
            Some(Disposition::Done) => {
                self.watermark.finish(ordinal);
                self.queues.finish(item_id);
                return;
            }
            Some(Disposition::Retry { reason }) => {
                let attempts = self.watermark.attempts(ordinal);
                match self.parking.after_failure(attempts, fastrand::f64()) {
                    AfterFailure::RetryAfter(delay) => {
                        self.queues.retry(item_id, now + delay);
                        return;
                    }
                    AfterFailure::Park => reason,
                }
            }
            Some(Disposition::Park { reason }) => reason,
            None => {
                self.queues.retry(item_id, now);
                return;
            }
        };
        self.to_park.insert(ordinal, reason);
        self.queues.retry(item_id, now);
    }

    fn parked(
        &mut self,
        item_id: ItemId,
        ordinal: u64,
        result: Result<ParkOutcome, Error>,
        now: Instant,
    ) {
        match result {
            Ok(ParkOutcome::Parked) => {
                self.parking.park(item_id);
                self.to_park.remove(&ordinal);
                self.watermark.finish(ordinal);
                self.queues.finish(item_id);
            }
            Ok(ParkOutcome::ItemNotParked) => {
                self.parking.reopen(item_id);
                self.queues.retry(item_id, now);
            }
            Err(error) => {
                self.lose_if_fenced(Some(&error));
                self.queues
                    .retry(item_id, now + self.parking.delay(4, fastrand::f64()));
            }
        }
    }

    /// When the next checkpoint may be written.
    fn next_checkpoint(&self) -> Instant {
        self.checkpointed_at + self.settings.checkpoint_interval
    }

    fn write(&mut self, now: Instant) -> Option<Command> {
        if self.writing.is_some() || now < self.write_due {
            return None;
        }
        let command = if self.is_drained() {
            let checkpoint = self.watermark.take_checkpoint();
            self.writing = Some(Write(checkpoint.clone()));
            Command::Finish { checkpoint }
        } else if let Some(stop) = self.stop.as_ref().filter(|_| self.is_still()) {
            let checkpoint = self.watermark.take_checkpoint();
            self.writing = Some(Write(checkpoint.clone()));
            Command::Release {
                checkpoint,
                handover_to: stop.handover_to.clone(),
                read_at: self.reader.read_at(),
            }
        } else if now >= self.next_checkpoint() {
            let checkpoint = match self.watermark.take_checkpoint() {
                Some(checkpoint) => checkpoint,
                None => self.faded().filter(|_| self.fades_at() <= now)?,
            };
            self.writing = Some(Write(Some(checkpoint.clone())));
            let seconds = now.duration_since(self.checkpointed_at).as_secs().max(1);
            let load = self.bytes_since_checkpoint / seconds;
            self.written = Some((checkpoint.clone(), load));
            Command::Checkpoint { checkpoint, load }
        } else {
            return None;
        };
        Some(command)
    }

    /// The last checkpoint, if it was written with a load and no record has come since.
    fn faded(&self) -> Option<String> {
        let (checkpoint, _) = self.written.as_ref().filter(|(_, load)| *load > 0)?;
        let read = self.reader.read_at()? > self.checkpointed_at;
        (read && self.watermark.len() == 0).then(|| checkpoint.clone())
    }

    fn fades_at(&self) -> Instant {
        self.checkpointed_at + LOAD_FADES
    }

    fn checkpointed(&mut self, result: Result<(), Error>, now: Instant) {
        match result {
            Ok(()) => {
                self.writing = None;
                self.checkpointed_at = now;
                self.bytes_since_checkpoint = 0;
            }
            Err(error) => self.write_failed(&error, now),
        }
    }

    fn write_failed(&mut self, error: &Error, now: Instant) {
        self.lose_if_fenced(Some(error));
        if let Some(Write(Some(checkpoint))) = self.writing.take() {
            self.watermark.put_back(checkpoint);
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
mod tests;
