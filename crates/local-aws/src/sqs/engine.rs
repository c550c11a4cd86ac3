//! The queues as a pure state machine: it takes a request and the time, and returns a reply, the writes, and the queues to wake.

mod administration;
mod attempts;
mod deduplication;
mod effects;
mod groups;
mod listing;
mod moves;
mod order;
mod permissions;
mod queue;
mod receive;
mod send;
mod settle;

use std::collections::BTreeMap;

use super::fault::Fault;
use super::message::{QueueId, Seq};
use super::moment::Moment;
use super::name::QueueName;
use super::request::{Batch, Reply, Request};

pub(crate) use deduplication::{DeduplicationKey, Remembered};
pub(crate) use effects::{Effects, Write};
pub(crate) use moves::MoveRecord;
pub(crate) use queue::{Queue, QueueRecord};

const SWEEP_MILLIS: u64 = 30_000;

/// All queues.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    queues: BTreeMap<QueueId, Queue>,
    names: BTreeMap<QueueName, QueueId>,
    /// The names of queues that were deleted within the last minute, and when. A restart forgets them.
    deleted: BTreeMap<QueueName, Moment>,
    moves: BTreeMap<uuid::Uuid, MoveRecord>,
    last_queue: u64,
    last_seq: u64,
    next_sweep: Moment,
    passed_over: usize,
    /// Orders what standard queues hand out, if there is one.
    seed: Option<u64>,
}

impl Engine {
    /// An engine whose standard queues hand messages out in an order that follows from this seed, and not as they came.
    pub(crate) fn seeded(seed: Option<u64>) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// Carries out one request. A failed request changes nothing.
    pub(crate) fn execute(
        &mut self,
        request: Request,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Reply, Fault> {
        match request {
            Request::CreateQueue {
                name,
                attributes,
                tags,
            } => self.create_queue(name, &attributes, tags, now, effects),
            Request::FindQueue { name } => self
                .queue(&name)
                .map(|queue| Reply::Queue(queue.name.clone())),
            Request::ListQueues { prefix, page } => Ok(self.list_queues(&prefix, &page)),
            Request::ListDeadLetterSources { queue, page } => {
                self.list_dead_letter_sources(&queue, &page)
            }
            Request::DeleteQueue { queue } => self.delete_queue(&queue, now, effects),
            Request::PurgeQueue { queue } => self.purge_queue(&queue, now, effects),
            Request::GetAttributes { queue, names } => {
                self.get_attributes(&queue, &names, now, effects)
            }
            Request::SetAttributes { queue, attributes } => {
                self.set_attributes(&queue, &attributes, now, effects)
            }
            Request::ListTags { queue } => self
                .queue(&queue)
                .map(|queue| Reply::Tags(queue.tags.clone())),
            Request::Tag { queue, tags } => self.tag(&queue, tags, effects),
            Request::Untag { queue, keys } => self.untag(&queue, &keys, effects),
            Request::AddPermission { queue, permission } => {
                self.add_permission(&queue, &permission, now, effects)
            }
            Request::RemovePermission { queue, label } => {
                self.remove_permission(&queue, &label, now, effects)
            }
            Request::Send { queue, outgoing } => {
                self.send(&queue, outgoing, now, effects).map(Reply::Sent)
            }
            Request::SendBatch { queue, entries } => self
                .send_batch(&queue, entries, now, effects)
                .map(Reply::SentBatch),
            Request::Receive(receive) => self.receive(&receive, now, effects).map(Reply::Received),
            Request::Peek { queue } => self.peek(&queue, now, effects).map(Reply::Peeked),
            Request::Delete { queue, handle } => self
                .delete(&queue, &handle, now, effects)
                .map(|()| Reply::Done),
            Request::DeleteBatch { queue, entries } => {
                self.for_each(&queue, entries, |engine, handle| {
                    engine.delete(&queue, &handle, now, effects)
                })
            }
            Request::ChangeVisibility { queue, change } => self
                .change_visibility(&queue, &change, now, effects)
                .map(|()| Reply::Done),
            Request::ChangeVisibilityBatch { queue, entries } => {
                self.for_each(&queue, entries, |engine, change| {
                    engine.change_visibility(&queue, &change, now, effects)
                })
            }
            Request::StartMove {
                id,
                source_arn,
                destination_arn,
                per_second,
            } => self.start_move(id, source_arn, destination_arn, per_second, now, effects),
            Request::ListMoves { source_arn, limit } => self.list_moves(&source_arn, limit),
            Request::CancelMove { id, source_arn } => self.cancel_move(id, &source_arn, effects),
        }
    }

    /// Carries out what is due: moves messages of running move tasks, and from time to time removes what has expired.
    pub(crate) fn tick(&mut self, now: Moment, effects: &mut Effects) {
        self.advance_moves(now, effects);
        if now < self.next_sweep {
            return;
        }
        self.next_sweep = now.plus_millis(SWEEP_MILLIS);
        self.deleted
            .retain(|_, deleted| now < deleted.plus_seconds(administration::DELETED_SECONDS));
        let mut forgot = false;
        for queue in self.queues.values_mut() {
            queue.advance(now, effects);
            forgot |= queue.deduplication.forget_expired(now);
        }
        if forgot {
            effects.write(Write::ForgetExpired(now));
        }
    }

    /// When [`Engine::tick`] is due next.
    pub(crate) fn next_tick(&self) -> Moment {
        self.next_move()
            .map_or(self.next_sweep, |due| due.min(self.next_sweep))
    }

    /// When the next hidden message of a queue becomes visible; `None` if there is no such message or queue.
    pub(crate) fn next_visible(&self, queue: QueueId) -> Option<Moment> {
        self.queues.get(&queue).and_then(Queue::next_visible)
    }

    /// The same, by the name of the queue.
    pub(crate) fn next_visible_in(&self, name: &QueueName) -> Option<Moment> {
        self.queue(name).ok()?.next_visible()
    }

    /// Makes later receives skip the first messages or groups, as the service may.
    pub(crate) fn pass_over(&mut self, count: usize) {
        self.passed_over = count;
    }

    fn queue(&self, name: &QueueName) -> Result<&Queue, Fault> {
        let id = self.names.get(name).ok_or_else(Fault::no_such_queue)?;
        Ok(self.queues.get(id).expect("every name is that of a queue"))
    }

    fn queue_mut(&mut self, name: &QueueName) -> Result<&mut Queue, Fault> {
        let id = self.names.get(name).ok_or_else(Fault::no_such_queue)?;
        Ok(self
            .queues
            .get_mut(id)
            .expect("every name is that of a queue"))
    }

    fn next_seq(&mut self) -> Seq {
        self.last_seq += 1;
        Seq(self.last_seq)
    }

    fn for_each<T>(
        &mut self,
        queue: &QueueName,
        entries: Vec<(String, Result<T, Fault>)>,
        mut act: impl FnMut(&mut Self, T) -> Result<(), Fault>,
    ) -> Result<Reply, Fault> {
        self.queue(queue)?;
        let outcomes = entries.into_iter().map(|(id, entry)| {
            let outcome = entry.and_then(|entry| act(self, entry));
            (id, outcome)
        });
        Ok(Reply::DoneBatch(Batch::from_iter(outcomes)))
    }
}

/// Restoring the engine from the store.
impl Engine {
    pub(crate) fn restore_queue(&mut self, id: QueueId, record: QueueRecord) {
        self.names.insert(record.name.clone(), id);
        self.queues
            .insert(id, Queue::restore(id, record, self.seed));
    }

    /// Restores a message; false if its queue does not exist.
    pub(crate) fn restore_message(
        &mut self,
        queue: QueueId,
        seq: Seq,
        message: super::message::Message,
        now: Moment,
    ) -> bool {
        match self.queues.get_mut(&queue) {
            Some(queue) => {
                queue.insert(seq, message, now);
                true
            }
            None => false,
        }
    }

    pub(crate) fn restore_deduplication(
        &mut self,
        queue: QueueId,
        key: DeduplicationKey,
        remembered: Remembered,
    ) {
        if let Some(queue) = self.queues.get_mut(&queue) {
            queue.deduplication.remember(key, remembered);
        }
    }

    pub(crate) fn restore_move(&mut self, record: MoveRecord) {
        self.moves.insert(record.id, record);
    }

    /// Sets the numbers that were assigned last, so that none is assigned twice.
    pub(crate) fn restore_numbers(&mut self, last_queue: u64, last_seq: u64) {
        self.last_queue = last_queue;
        self.last_seq = last_seq;
    }
}

#[cfg(test)]
pub(crate) mod tests;
