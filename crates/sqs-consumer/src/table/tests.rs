//! The table under hand-made time: interleavings that a whole consumer meets once in a million messages.

mod groups;
mod heartbeats;
mod receives;
mod redeliveries;
mod settling;

use std::time::{Duration, Instant};

use super::*;
use crate::context::CancelReason;
use crate::handler::Disposition;
use crate::message::Message;
use crate::queue::{EntryError, ErrorKind, Received};
use crate::retry::RetryPolicy;

/// A table with a clock of its own.
struct Rig {
    table: Table,
    now: Instant,
}

impl Rig {
    fn new(fifo: bool, settings: Settings) -> Self {
        let history = History::new(&settings);
        let mut table = Table::new(settings, fifo, true, fastrand::Rng::with_seed(1), history);
        let now = Instant::now();
        table.step(Event::Tick, now);
        Self { table, now }
    }

    fn step(&mut self, event: Event) -> Vec<Command> {
        let commands = self.table.step(event, self.now);
        assert!(
            self.table.wake_at().is_none_or(|at| at > self.now),
            "the table wants to be woken in the past"
        );
        commands
    }

    /// Lets time pass in the steps that the table asks for.
    fn pass(&mut self, time: Duration) -> Vec<Command> {
        let end = self.now + time;
        let mut commands = Vec::new();
        while let Some(at) = self.table.wake_at().filter(|at| *at <= end) {
            self.now = at;
            commands.extend(self.step(Event::Tick));
        }
        self.now = end;
        commands.extend(self.step(Event::Tick));
        commands
    }

    /// Lets time pass; heartbeats are answered at once.
    fn live(&mut self, time: Duration) -> Vec<Command> {
        let end = self.now + time;
        let mut commands = Vec::new();
        while self.now < end {
            let next = self.table.wake_at().map_or(end, |at| at.min(end));
            let stepped = self.pass(next - self.now);
            for heartbeat in renewals(&stepped) {
                commands.extend(self.step(Event::Renewed(ok(heartbeat))));
            }
            commands.extend(stepped);
        }
        commands
    }

    /// Receives these messages (an id, or `group/id`) as the answer to the receive of ten that is under way.
    fn receive(&mut self, names: &[&str]) -> Vec<Command> {
        let result = Ok(names.iter().map(|name| received(name, "")).collect());
        self.step(Event::Received {
            reserved: 10,
            result,
        })
    }

    fn handled(&mut self, key: Key, disposition: Disposition) -> Vec<Command> {
        self.step(Event::Handled {
            key,
            ended: Ended::Returned(disposition),
        })
    }
}

fn received(name: &str, generation: &str) -> Received {
    let group = name.split_once('/').map(|(group, _)| group.to_owned());
    let receipt = format!("{name}{generation}").into();
    Received {
        message: Message::new(name, "body").with_group_id(group),
        receipt,
    }
}

fn retry() -> Disposition {
    Disposition::Retry {
        after: Some(Duration::from_secs(7)),
        reason: "r".to_owned(),
    }
}

fn ok(entries: Vec<Entry>) -> Answer {
    Answer {
        result: Ok(entries.iter().map(|_| Ok(())).collect()),
        entries,
    }
}

fn failed(entries: Vec<Entry>, transient: bool) -> Answer {
    let error = || {
        Err(EntryError {
            code: "Some".to_owned(),
            transient,
        })
    };
    Answer {
        result: Ok(entries.iter().map(|_| error()).collect()),
        entries,
    }
}

fn starts(commands: &[Command]) -> Vec<Key> {
    let start = |command: &Command| {
        if let Command::Start { key, .. } = command {
            Some(*key)
        } else {
            None
        }
    };
    commands.iter().filter_map(start).collect()
}

fn deletes(commands: &[Command]) -> Vec<Entry> {
    let entries = |command: &Command| {
        if let Command::Delete(entries) = command {
            entries.clone()
        } else {
            vec![]
        }
    };
    commands.iter().flat_map(entries).collect()
}

fn renewals(commands: &[Command]) -> Vec<Vec<Entry>> {
    let entries = |command: &Command| {
        if let Command::Renew(entries) = command {
            Some(entries.clone())
        } else {
            None
        }
    };
    commands.iter().filter_map(entries).collect()
}

/// The visibility changes as (message key, seconds).
fn releases(commands: &[Command]) -> Vec<(Key, u64)> {
    let entries = |command: &Command| {
        if let Command::Release(entries) = command {
            entries.clone()
        } else {
            vec![]
        }
    };
    commands
        .iter()
        .flat_map(entries)
        .map(|entry| (entry.key, entry.visibility_timeout.as_secs()))
        .collect()
}

fn is_cancel(command: &Command) -> bool {
    matches!(
        command,
        Command::Cancel {
            reason: CancelReason::LeaseLost,
            ..
        }
    )
}

const SECOND: Duration = Duration::from_secs(1);
const NONE: [Key; 0] = [];
