//! What was sent and what was heard of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::listener::Heard;
use super::script::{Expectation, Post};

/// Keeps the account of the demonstration.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Outcomes still to come, by command: a command that is sent twice has two.
    open: BTreeMap<String, usize>,
    expected: BTreeMap<String, Option<&'static str>>,
    outcomes: BTreeMap<String, BTreeSet<(String, Option<String>)>>,
    open_dead_letters: Vec<&'static str>,
    settled: usize,
    notifications: BTreeMap<String, String>,
    problems: Vec<String>,
    leaks: Vec<String>,
}

impl Ledger {
    pub(super) fn expect(&mut self, post: &Post) {
        match &post.expected {
            Expectation::Outcome { command_id, code } => {
                *self.open.entry(command_id.clone()).or_default() += 1;
                self.expected.insert(command_id.clone(), *code);
            }
            Expectation::DeadLetter { reason } => self.open_dead_letters.push(reason),
        }
    }

    pub(super) fn note(&mut self, heard: Heard) {
        match heard {
            Heard::Outcome {
                event_id,
                command_id,
                code,
                ..
            } => self.note_outcome(event_id, command_id, code),
            Heard::Notification { event_id, name, .. } => {
                self.notifications.insert(event_id, name);
            }
            Heard::DeadLetter { reason, detail } => {
                self.settled += 1;
                match self
                    .open_dead_letters
                    .iter()
                    .position(|open| *open == reason)
                {
                    Some(at) => drop(self.open_dead_letters.swap_remove(at)),
                    None => self
                        .problems
                        .push(format!("an unexpected dead letter: {reason} {detail}")),
                }
            }
            Heard::Leak { queue } => self
                .leaks
                .push(format!("a contact detail on the {queue} queue")),
        }
    }

    fn note_outcome(&mut self, event_id: String, command_id: String, code: Option<String>) {
        self.settled += 1;
        if let Some(open) = self.open.get_mut(&command_id) {
            *open -= 1;
            if *open == 0 {
                self.open.remove(&command_id);
            }
        }
        let expected = self.expected.get(&command_id).copied().flatten();
        if expected != code.as_deref() {
            self.problems.push(format!(
                "{command_id}: expected {expected:?}, heard {code:?}"
            ));
        }
        self.outcomes
            .entry(command_id)
            .or_default()
            .insert((event_id, code));
    }

    pub(super) fn is_settled(&self) -> bool {
        self.open.is_empty() && self.open_dead_letters.is_empty()
    }

    /// How many outcomes and dead letters were heard.
    pub(super) fn settled(&self) -> usize {
        self.settled
    }

    /// The distinct notifications that were heard, by id.
    pub(super) fn notifications(&self) -> &BTreeMap<String, String> {
        &self.notifications
    }

    /// Where contact details stood.
    pub(super) fn leaks(&self) -> &[String] {
        &self.leaks
    }

    /// Commands with more than one outcome, with none, or with another than the expected one, and dead letters that were not expected.
    pub(super) fn wrong_outcomes(&self) -> Vec<String> {
        let count = |id: &String| self.outcomes.get(id).map_or(0, BTreeSet::len);
        let wrong = self.expected.keys().filter(|id| count(id) != 1);
        let wrong = wrong.map(|id| format!("{id} has {} outcomes", count(id)));
        wrong.chain(self.problems.iter().cloned()).collect()
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.open.keys().next().map_or("none", String::as_str);
        write!(
            f,
            "{} commands (the first {first}), {} dead letters",
            self.open.len(),
            self.open_dead_letters.len()
        )
    }
}
