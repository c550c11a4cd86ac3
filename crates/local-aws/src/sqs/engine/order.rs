use std::collections::BTreeSet;

use super::groups::Groups;
use crate::sqs::message::{GroupId, Message, Seq};

/// Messages that became visible in the same interval of this length are received in an order of their own, if the queues have a seed.
const SHUFFLED_MILLIS: u64 = 1_000;

/// The order in which the visible messages of a queue are received.
#[derive(Debug)]
pub(super) enum Order {
    /// By the time when they became visible, or nearly so with a seed, because the service promises no order.
    Standard(Standard),
    Fifo(Groups),
}

#[derive(Debug)]
pub(super) struct Standard {
    visible: BTreeSet<(u64, u64, Seq)>,
    seed: Option<u64>,
}

impl Standard {
    fn place(&self, seq: Seq, message: &Message) -> (u64, u64, Seq) {
        let millis = message.delivery.visible_at.millis();
        match self.seed {
            None => (millis, 0, seq),
            Some(seed) => (millis / SHUFFLED_MILLIS, mixed(seed, seq.0), seq),
        }
    }
}

/// A number that looks random and is the same for the same arguments (the finalizer of SplitMix64).
fn mixed(seed: u64, number: u64) -> u64 {
    let mut z = (seed ^ number).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Order {
    pub(super) fn new(fifo: bool, seed: Option<u64>) -> Self {
        if fifo {
            return Self::Fifo(Groups::default());
        }
        Self::Standard(Standard {
            visible: BTreeSet::new(),
            seed,
        })
    }

    pub(super) fn show(&mut self, seq: Seq, message: &Message) {
        match self {
            Self::Standard(standard) => {
                standard.visible.insert(standard.place(seq, message));
            }
            Self::Fifo(groups) => groups.set(group(message), seq, true),
        }
    }

    pub(super) fn hide(&mut self, seq: Seq, message: &Message) {
        match self {
            Self::Standard(standard) => {
                standard.visible.remove(&standard.place(seq, message));
            }
            Self::Fifo(groups) => groups.set(group(message), seq, false),
        }
    }

    pub(super) fn remove(&mut self, seq: Seq, message: &Message) {
        match self {
            Self::Standard(standard) => {
                standard.visible.remove(&standard.place(seq, message));
            }
            Self::Fifo(groups) => groups.remove(group(message), seq),
        }
    }

    /// Returns the next messages to receive; for a FIFO queue, those of one group. Empty only if there is none. The first
    /// `passed_over` messages or groups are skipped and come last instead.
    pub(super) fn front(&self, limit: usize, passed_over: usize) -> Vec<Seq> {
        match self {
            Self::Standard(Standard { visible, .. }) => {
                let first = passed_over.checked_rem(visible.len()).unwrap_or(0);
                let round = visible.iter().skip(first).chain(visible.iter().take(first));
                round.take(limit).map(|(.., seq)| *seq).collect()
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
