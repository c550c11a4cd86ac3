use std::collections::BTreeSet;

use super::groups::Groups;
use crate::sqs::message::{GroupId, Message, Seq};
use crate::sqs::moment::Moment;

/// The order in which the visible messages of a queue are received.
#[derive(Debug)]
pub(super) enum Order {
    /// By the time when they became visible.
    Standard(BTreeSet<(Moment, Seq)>),
    Fifo(Groups),
}

impl Order {
    pub(super) fn new(fifo: bool) -> Self {
        if fifo {
            Self::Fifo(Groups::default())
        } else {
            Self::Standard(BTreeSet::new())
        }
    }

    pub(super) fn show(&mut self, seq: Seq, message: &Message) {
        match self {
            Self::Standard(visible) => {
                visible.insert((message.delivery.visible_at, seq));
            }
            Self::Fifo(groups) => groups.set(group(message), seq, true),
        }
    }

    pub(super) fn hide(&mut self, seq: Seq, message: &Message) {
        match self {
            Self::Standard(visible) => {
                visible.remove(&(message.delivery.visible_at, seq));
            }
            Self::Fifo(groups) => groups.set(group(message), seq, false),
        }
    }

    pub(super) fn remove(&mut self, seq: Seq, message: &Message) {
        match self {
            Self::Standard(visible) => {
                visible.remove(&(message.delivery.visible_at, seq));
            }
            Self::Fifo(groups) => groups.remove(group(message), seq),
        }
    }

    /// Returns the next messages to receive; for a FIFO queue, those of one group. Empty only if there is none. The first
    /// `passed_over` messages or groups are skipped and come last instead.
    pub(super) fn front(&self, limit: usize, passed_over: usize) -> Vec<Seq> {
        match self {
            Self::Standard(visible) => {
                let first = passed_over.checked_rem(visible.len()).unwrap_or(0);
                let round = visible.iter().skip(first).chain(visible.iter().take(first));
                round.take(limit).map(|(_, seq)| *seq).collect()
            }
            Self::Fifo(groups) => groups.front(limit, passed_over),
        }
    }
}

fn group(message: &Message) -> &GroupId {
    message
        .content
        .group
        .as_ref()
        .expect("a message can't enter a FIFO queue without its group")
}
