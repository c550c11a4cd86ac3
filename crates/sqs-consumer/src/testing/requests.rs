//! The requests to the fake queue: their faults and their counts.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::queue::ErrorKind;

/// A kind of request to a [`FakeQueue`](super::FakeQueue).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// `ReceiveMessage`.
    Receive,
    /// `DeleteMessageBatch`.
    Delete,
    /// `ChangeMessageVisibilityBatch`.
    ChangeVisibility,
    /// `SendMessageBatch`.
    Send,
}

impl Operation {
    /// Returns the operation's name in the AWS API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receive => "ReceiveMessage",
            Self::Delete => "DeleteMessageBatch",
            Self::ChangeVisibility => "ChangeMessageVisibilityBatch",
            Self::Send => "SendMessageBatch",
        }
    }
}

/// What goes wrong with one request to a [`FakeQueue`](super::FakeQueue).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The request is refused and has no effect.
    Refused(ErrorKind),
    /// The request takes effect and its answer is lost.
    AnswerLost,
    /// The entry at this position of a batch fails, with a failure that may pass.
    Entry(usize),
    /// The request takes this much longer than usual before it takes effect.
    Slow(Duration),
}

#[derive(Debug, Default)]
pub(super) struct Requests {
    pub(super) counts: BTreeMap<Operation, (u64, u64)>,
    pub(super) deletions: BTreeMap<String, u32>,
}

impl Requests {
    /// Counts a request and returns its number among those of its operation, from 0.
    pub(super) fn count(&mut self, operation: Operation, entries: usize) -> u64 {
        let (requests, total) = self.counts.entry(operation).or_default();
        *requests += 1;
        *total += entries as u64;
        *requests - 1
    }

    pub(super) fn delivered(&mut self, messages: usize) {
        self.counts.entry(Operation::Receive).or_default().1 += messages as u64;
    }

    pub(super) fn deleted(&mut self, message_id: String) {
        *self.deletions.entry(message_id).or_default() += 1;
    }
}
