//! The core of the consumer: a pure table of the messages in flight. It handles an event at a given time and returns commands. It reads no
//! clock, sends nothing and waits for nothing. Its only randomness is a generator that it is given.

mod buffer;
mod drain;
mod event;
mod groups;
mod handled;
mod heartbeats;
mod held;
mod polls;
mod received;
mod settle;
mod shutdown;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use crate::history::{Attempts, Evidence, Finished, History};
use crate::monitor::{Counters, Snapshot};
use crate::queue::Receive;
use crate::retry::jittered;
use crate::settings::Settings;
use buffer::Buffer;
use drain::Drain;
pub(crate) use event::{Answer, Command, Ended, Entry, Event, Key};
use groups::Groups;
use held::{Held, State};
use polls::Polls;

/// The first and the longest delay after a request that failed.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(20));

/// The messages in flight and everything that decides what happens to them.
#[derive(Debug)]
pub(crate) struct Table {
    settings: Settings,
    fifo: bool,
    has_dead_letter_queue: bool,
    rng: fastrand::Rng,
    held: BTreeMap<Key, Held>,
    next_key: Key,
    by_id: HashMap<String, Key>,
    ages: BTreeSet<(SystemTime, Key)>,
    timers: BTreeSet<(Instant, Key)>,
    /// When the running handlers time out.
    deadlines: BTreeSet<(Instant, Key)>,
    groups: Groups,
    ready: VecDeque<Key>,
    running: usize,
    polls: Polls,
    deletes: Buffer,
    releases: Buffer,
    attempts: Attempts,
    finished: Finished,
    evidence: Evidence,
    drain: Option<Drain>,
    queue_not_found: bool,
    counters: Counters,
    commands: Vec<Command>,
}

impl Table {
    /// Makes an empty table.
    pub(crate) fn new(
        settings: Settings,
        fifo: bool,
        has_dead_letter_queue: bool,
        rng: fastrand::Rng,
        history: History,
    ) -> Self {
        Self {
            groups: if fifo {
                Groups::new(Some(1))
            } else {
                Groups::new(settings.concurrency_per_group).with_room_for_others(&settings)
            },
            settings,
            fifo,
            has_dead_letter_queue,
            rng,
            held: BTreeMap::new(),
            next_key: 0,
            by_id: HashMap::new(),
            ages: BTreeSet::new(),
            timers: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            ready: VecDeque::new(),
            running: 0,
            polls: Polls::default(),
            deletes: Buffer::default(),
            releases: Buffer::default(),
            attempts: history.attempts,
            finished: history.finished,
            evidence: history.evidence,
            drain: None,
            queue_not_found: false,
            counters: Counters::default(),
            commands: Vec::new(),
        }
    }

    /// Handles an event and returns the commands to carry out now, in this order.
    pub(crate) fn step(&mut self, event: Event, now: Instant) -> Vec<Command> {
        match event {
            Event::Tick => {}
            Event::Received { reserved, result } => self.received(reserved, result, now),
            Event::Handled { key, ended } => self.handled(key, ended, now),
            Event::DeadLettered { key, accepted } => self.dead_lettered(key, accepted, now),
            Event::Deleted(answer) => self.deleted(answer, now),
            Event::Released(answer) => self.released(answer, now),
            Event::Renewed(answer) => self.renewed(answer, now),
            Event::Shutdown => self.begin_drain(now),
        }
        self.time_out(now);
        self.advance_drain(now);
        self.renew_leases(now);
        self.start_ready(now);
        self.flush(now);
        self.poll(now);
        self.stop_if_drained(now);
        std::mem::take(&mut self.commands)
    }

    /// Returns when the next [`Event::Tick`] is due if no other event comes before.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let lease = self.timers.first().map(|(at, _)| *at);
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        let drain = self.drain.as_ref().and_then(Drain::next_change);
        let poll = self.polls.wake_at().filter(|_| self.drain.is_none());
        [
            lease,
            deadline,
            drain,
            poll,
            self.deletes.wake_at(),
            self.releases.wake_at(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Returns the figures that the table knows.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            counters: self.counters,
            running: self.running,
            in_flight: self.held.len(),
            oldest_sent_at: self.ages.first().map(|(sent_at, _)| *sent_at),
            ..Snapshot::default()
        }
    }

    /// Returns whether the run ends because the queue does not exist.
    pub(crate) fn queue_not_found(&self) -> bool {
        self.queue_not_found
    }

    /// Returns the history, for the next run.
    pub(crate) fn into_history(self) -> History {
        History {
            attempts: self.attempts,
            finished: self.finished,
            evidence: self.evidence,
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
            if self.has_dead_letter_queue && !held.waited {
                let unexplained = self.attempts.unexplained(&message);
                if self.evidence.condemns(&message, unexplained) {
                    self.dead_letter(key, "receives_exhausted".to_owned(), String::new(), now);
                    continue;
                }
            }
            held.state = State::Running { cancelled: false };
            held.deadline = now + self.settings.handler_timeout;
            self.deadlines.insert((held.deadline, key));
            self.running += 1;
            self.counters.started += 1;
            let attempt = self.attempts.next(message.message_id());
            self.commands.push(Command::Start {
                key,
                message,
                attempt,
            });
        }
    }

    fn time_out(&mut self, now: Instant) {
        while let Some(&(at, key)) = self.deadlines.first()
            && at <= now
        {
            self.deadlines.pop_first();
            self.commands.push(Command::TimeOut { key });
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
            let room = self.settings.max_in_flight_messages.saturating_sub(held);
            let Some(max_messages) = self.polls.next(&self.settings, free.min(room), now) else {
                return;
            };
            self.counters.receive_requests += 1;
            let Settings {
                wait_time,
                visibility_timeout,
                ..
            } = self.settings;
            self.commands.push(Command::Receive(Receive {
                max_messages,
                wait_time,
                visibility_timeout,
            }));
        }
    }

    /// Removes a message from the table.
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
