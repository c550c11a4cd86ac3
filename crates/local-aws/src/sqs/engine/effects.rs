use std::collections::BTreeSet;

use super::{DeduplicationKey, MoveRecord, QueueRecord, Remembered};
use crate::sqs::message::{Delivery, Message, QueueId, Seq};
use crate::sqs::moment::Moment;

/// The effects of changes: writes to the store, and queues whose waiting receives are to be served.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) writes: Vec<Write>,
    /// Queues in which a message may have become receivable, or that were deleted.
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

/// One write to the store.
#[derive(Debug)]
pub(crate) enum Write {
    SaveQueue(QueueId, Box<QueueRecord>),
    /// With its messages and deduplication entries.
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
