use std::collections::BTreeSet;

use super::{DeduplicationKey, MoveRecord, QueueRecord, Remembered};
use crate::sqs::message::{Delivery, Message, QueueId, Seq};
use crate::sqs::moment::Moment;

/// What is to be done about changes: kept in the store, and told to those who wait.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) writes: Vec<Write>,
    /// Queues in which something may have become receivable, or that are gone.
    pub(crate) woken: BTreeSet<QueueId>,
}

impl Effects {
    pub(super) fn write(&mut self, write: Write) {
        self.writes.push(write);
    }

    pub(super) fn wake(&mut self, queue: QueueId) {
        self.woken.insert(queue);
    }
}

/// One change to what the store keeps.
#[derive(Debug)]
pub(crate) enum Write {
    SaveQueue(QueueId, Box<QueueRecord>),
    /// With its messages and all that was remembered of it.
    DropQueue(QueueId),
    /// All messages of a queue.
    Purge(QueueId),
    Insert(QueueId, Seq, Box<Message>),
    Deliver(Seq, Delivery),
    Remove(Seq),
    Remember(QueueId, DeduplicationKey, Remembered),
    /// Deduplication ids that had expired by then.
    ForgetExpired(Moment),
    SaveMove(Box<MoveRecord>),
    DropMove(uuid::Uuid),
}
