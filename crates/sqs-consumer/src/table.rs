//! The heart: a pure table of the messages in flight. It takes an event and the time and says what to do next; it reads no
//! clock, sends nothing and waits for nothing. The only randomness is a generator that it is given.

mod arrival;
mod buffer;
mod drain;
mod groups;
mod held;
mod leases;
mod outcome;
mod polls;
mod settling;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use crate::context::CancelReason;
use crate::handler::Disposition;
use crate::ledger::{Attempts, Finished, Memory};
use crate::message::Message;
use crate::queue::{EntryError, ErrorKind, Receipt, Receive, Received};
use crate::retry::jittered;
use crate::settings::Settings;
use crate::stats::Stats;
use buffer::Buffer;
use drain::Drain;
use groups::Groups;
use held::{Held, State};
use polls::Polls;

/// Names a held message within one table; never used twice.
pub(crate) type Key = u64;

/// The first and the longest pause after a request that failed.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(20));

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// Nothing but the passing of time.
    Tick,
    /// A receive that had reserved permits has ended.
    Received {
        reserved: usize,
        result: Result<Vec<Received>, ErrorKind>,
    },
    /// A handler has ended.
    Handled { key: Key, ended: Ended },
    /// The copy for the dead-letter queue was accepted, or has failed for good.
    Copied { key: Key, accepted: bool },
    /// A delete was answered.
    Deleted(Answer),
    /// A visibility change that puts messages back was answered.
    Changed(Answer),
    /// A heartbeat was answered.
    Extended(Answer),
    /// The consumer is to stop.
    Drain,
}

/// How a handler ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Returned(Disposition),
    Panicked(String),
    Dropped,
}

/// What was asked for in a batch and what came of it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) entries: Vec<Entry>,
    pub(crate) result: Result<Vec<Result<(), EntryError>>, ErrorKind>,
}

/// One entry of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) receipt: Receipt,
    /// For visibility changes: hidden for this long, counted from `asked_at`.
    pub(crate) visibility: Duration,
    pub(crate) asked_at: Instant,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Receive(Receive),
    Start {
        key: Key,
        message: Message,
        attempt: u32,
    },
    Cancel {
        key: Key,
        reason: CancelReason,
    },
    /// Drop the handler's future; `Handled` follows once that is done.
    Abort {
        key: Key,
    },
    Copy {
        key: Key,
        message: Message,
        attempt: u32,
        reason: String,
        detail: String,
    },
    Delete(Vec<Entry>),
    Change(Vec<Entry>),
    Extend(Vec<Entry>),
    /// The drain is over: nothing follows.
    Stop,
}

#[derive(Debug)]
pub(crate) struct Table {
    settings: Settings,
    fifo: bool,
    buries: bool,
    rng: fastrand::Rng,
    held: BTreeMap<Key, Held>,
    next_key: Key,
    by_id: HashMap<String, Key>,
    ages: BTreeSet<(SystemTime, Key)>,
    timers: BTreeSet<(Instant, Key)>,
    groups: Groups,
    ready: VecDeque<Key>,
    running: usize,
    polls: Polls,
    deletes: Buffer,
    changes: Buffer,
    attempts: Attempts,
    finished: Finished,
    drain: Option<Drain>,
    queue_missing: bool,
    stats: Stats,
    commands: Vec<Command>,
}

impl Table {
    /// Makes an empty table. `buries` says whether there is a dead-letter queue.
    pub(crate) fn new(
        settings: Settings,
        fifo: bool,
        buries: bool,
        rng: fastrand::Rng,
        memory: Memory,
    ) -> Self {
        Self {
            groups: Groups::new(if fifo { Some(1) } else { settings.per_group }),
            settings,
            fifo,
            buries,
            rng,
            held: BTreeMap::new(),
            next_key: 0,
            by_id: HashMap::new(),
            ages: BTreeSet::new(),
            timers: BTreeSet::new(),
            ready: VecDeque::new(),
            running: 0,
            polls: Polls::default(),
            deletes: Buffer::default(),
            changes: Buffer::default(),
            attempts: memory.attempts,
            finished: memory.finished,
            drain: None,
            queue_missing: false,
            stats: Stats::default(),
            commands: Vec::new(),
        }
    }

    /// Takes in what happened and returns what to do now, in this order.
    pub(crate) fn step(&mut self, event: Event, now: Instant) -> Vec<Command> {
        match event {
            Event::Tick => {}
            Event::Received { reserved, result } => self.received(reserved, result, now),
            Event::Handled { key, ended } => self.handled(key, ended, now),
            Event::Copied { key, accepted } => self.copied(key, accepted, now),
            Event::Deleted(answer) => self.deleted(answer, now),
            Event::Changed(answer) => self.changed(answer, now),
            Event::Extended(answer) => self.extended(answer, now),
            Event::Drain => self.begin_drain(now),
        }
        self.advance_drain(now);
        self.mind_leases(now);
        self.start_ready(now);
        self.flush(now);
        self.poll(now);
        self.stop_if_drained(now);
        std::mem::take(&mut self.commands)
    }

    /// Returns when the table wants to be asked again if nothing happens before.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let lease = self.timers.first().map(|(at, _)| *at);
        let drain = self.drain.as_ref().and_then(Drain::next_change);
        let poll = self.polls.wake_at().filter(|_| self.drain.is_none());
        [
            lease,
            drain,
            poll,
            self.deletes.wake_at(),
            self.changes.wake_at(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Returns the counts and what is held now.
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            running: self.running,
            in_flight: self.held.len(),
            oldest_sent_at: self.ages.first().map(|(sent_at, _)| *sent_at),
            ..self.stats
        }
    }

    /// Returns whether the run ends because the queue does not exist.
    pub(crate) fn queue_missing(&self) -> bool {
        self.queue_missing
    }

    /// Gives back what is to be remembered after the end.
    pub(crate) fn into_memory(self) -> Memory {
        Memory {
            attempts: self.attempts,
            finished: self.finished,
        }
    }

    fn start_ready(&mut self, now: Instant) {
        while self.running < self.settings.concurrency
            && let Some(key) = self.ready.pop_front()
        {
            let Some(held) = self.held.get_mut(&key) else {
                continue;
            };
            let message = held.message.clone();
            if self.buries && message.receive_count() > self.settings.retry.receives_at_most {
                self.bury(key, "receives_exhausted".to_owned(), String::new(), now);
                continue;
            }
            held.state = State::Running { cancelled: false };
            self.running += 1;
            self.stats.started += 1;
            let attempt = self.attempts.next(message.message_id());
            self.commands.push(Command::Start {
                key,
                message,
                attempt,
            });
        }
    }

    fn poll(&mut self, now: Instant) {
        if self.drain.is_some() {
            return;
        }
        loop {
            let busy = self.running + self.ready.len() + self.polls.reserved();
            let free = self.settings.concurrency.saturating_sub(busy);
            let held = self.held.len() + self.polls.reserved();
            let room = self.settings.held_messages.saturating_sub(held);
            let Some(at_most) = self.polls.next(&self.settings, free.min(room), now) else {
                return;
            };
            self.stats.requests.receive += 1;
            let Settings {
                wait, visibility, ..
            } = self.settings;
            self.commands.push(Command::Receive(Receive {
                at_most,
                wait,
                visibility,
            }));
        }
    }

    /// Lets go of a message and of everything known of this delivery.
    fn remove(&mut self, key: Key) {
        let Some(held) = self.held.remove(&key) else {
            return;
        };
        self.timers.remove(&(held.lease.timer, key));
        self.ages.remove(&(held.message.sent_at(), key));
        if self.by_id.get(held.message.message_id()) == Some(&key) {
            self.by_id.remove(held.message.message_id());
        }
    }

    fn backoff(&mut self, failures: u32) -> Duration {
        jittered(BACKOFF.0, BACKOFF.1, failures, &mut self.rng)
    }
}
