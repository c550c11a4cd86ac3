use std::sync::Arc;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{MoveRecord, MoveState};
use crate::sqs::engine::{Effects, Engine, Write};
use crate::sqs::fault::Fault;
use crate::sqs::message::{Content, Delivery, Message};
use crate::sqs::moment::Moment;

/// The maximum of messages that a task without a rate moves in one step, so that other requests are served in between.
const MESSAGES_PER_STEP: usize = 100;
const STEP_MILLIS: u64 = 10;

impl Engine {
    /// When the next step of a running task is due.
    pub(in crate::sqs::engine) fn next_move(&self) -> Option<Moment> {
        let running = self
            .moves
            .values()
            .filter(|task| task.state == MoveState::Running);
        running.map(|task| task.next_step).min()
    }

    pub(in crate::sqs::engine) fn advance_moves(&mut self, now: Moment, effects: &mut Effects) {
        let due: Vec<MoveRecord> = self
            .moves
            .values()
            .filter(|task| task.state == MoveState::Running && task.next_step <= now)
            .cloned()
            .collect();
        for mut task in due {
            self.step(&mut task, now, effects);
            self.save_move(task, effects);
        }
    }

    /// Moves the messages of one step: one message with a rate, many without.
    fn step(&mut self, task: &mut MoveRecord, now: Moment, effects: &mut Effects) {
        let (limit, pause) = match task.per_second {
            Some(rate) => (1, 1_000 / u64::from(rate.max(1))),
            None => (MESSAGES_PER_STEP, STEP_MILLIS),
        };
        task.next_step = now.plus_millis(pause);
        for _ in 0..limit {
            if task.moved >= task.to_move {
                task.state = MoveState::Completed;
                return;
            }
            match self.move_one(task, now, effects) {
                Ok(true) => task.moved += 1,
                Ok(false) => {
                    task.state = MoveState::Completed;
                    return;
                }
                Err(reason) => {
                    task.state = MoveState::Failed(reason);
                    return;
                }
            }
        }
        if task.moved >= task.to_move {
            task.state = MoveState::Completed;
        }
    }

    /// Moves the next message of a task. Returns false if there is none, or why it can't be moved.
    fn move_one(
        &mut self,
        task: &MoveRecord,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<bool, String> {
        let gone = |fault: Fault| fault.code.query().to_owned();
        let source = self.queue_mut(&task.source).map_err(gone)?;
        source.advance(now, effects);
        let Some(seq) = source.front(1, 0).first().copied() else {
            return Ok(false);
        };
        let origin = source
            .get(seq)
            .and_then(|(_, message)| message.dead_letter_source.clone());
        let destination = task
            .destination
            .clone()
            .or(origin)
            .ok_or_else(|| "CouldNotDetermineMessageSource".to_owned())?;
        self.queue(&destination).map_err(gone)?;
        let source = self.queue_mut(&task.source).map_err(gone)?;
        let Some(message) = source.remove(seq) else {
            return Ok(false);
        };
        effects.write(Write::Remove(seq));
        let seq = self.next_seq();
        let destination = self.queue_mut(&destination).map_err(gone)?;
        let id = new_id(&message.content, seq.0);
        let moved = Message {
            content: Arc::new(Content {
                id,
                ..Content::clone(&message.content)
            }),
            sent: now,
            enqueued: now,
            dead_letter_source: None,
            delivery: Delivery {
                visible_at: now,
                ..Delivery::default()
            },
        };
        effects.write(Write::Insert(destination.id, seq, Box::new(moved.clone())));
        destination.insert(seq, moved, now);
        effects.wake(destination.id);
        Ok(true)
    }
}

/// The service treats a moved message as a new one. Its id is derived from the old id and its new number.
fn new_id(content: &Content, seq: u64) -> Uuid {
    let digest = Sha256::new()
        .chain_update(content.id)
        .chain_update(seq.to_be_bytes())
        .finalize();
    uuid::Builder::from_random_bytes(std::array::from_fn(|index| digest[index])).into_uuid()
}
