use super::send::WRONG_QUEUE_TYPE;
use super::{Effects, Engine, Queue, Write};
use crate::sqs::fault::{Code, Fault};
use crate::sqs::message::{Delivered, Delivery, Message, QueueId, Seq};
use crate::sqs::moment::Moment;
use crate::sqs::name::QueueName;
use crate::sqs::request::{Presence, Receive, Received};

/// The maximum of messages of one queue in flight.
const MAX_IN_FLIGHT: usize = 120_000;
/// The maximum of messages that are shown without receiving.
const MAX_PEEKED: usize = 1_000;

impl Engine {
    /// Delivers visible messages, and moves those over the maximum receive count to the dead-letter queue instead.
    pub(super) fn receive(
        &mut self,
        receive: &Receive,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Received, Fault> {
        let dead_letters = self.dead_letter_queue(&receive.queue)?;
        let passed_over = self.passed_over;
        let queue = self.queue_mut(&receive.queue)?;
        check_attempt(queue, receive)?;
        queue.advance(now, effects);
        let wait_seconds = receive
            .wait_seconds
            .unwrap_or(queue.settings.receive_wait_seconds);
        let id = queue.id;
        if let Some(messages) = hand_out_again(queue, receive, now, effects) {
            return Ok(Received {
                queue: id,
                messages,
                wait_seconds,
            });
        }
        let (messages, dead) = take(queue, receive, passed_over, dead_letters, now, effects);
        if messages.is_empty() && wait_seconds == 0 && is_over_limit(queue) {
            return Err(Fault::new(
                Code::OverLimit,
                format!("Too many messages in flight: there can be {MAX_IN_FLIGHT} at most."),
            ));
        }
        if let (Some(attempt), false) = (&receive.attempt_id, messages.is_empty()) {
            let handed_out = messages
                .iter()
                .map(|given| (given.seq, given.message.delivery));
            queue.attempts.remember(attempt, handed_out.collect(), now);
        }
        if let Some((_, target)) = dead_letters {
            for message in dead {
                self.dead_letter(message, &receive.queue, target, now, effects);
            }
        }
        Ok(Received {
            queue: id,
            messages,
            wait_seconds,
        })
    }

    /// Shows the first messages of a queue in the order in which they were sent. Nothing is received by it.
    pub(super) fn peek(
        &mut self,
        name: &QueueName,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Vec<(Presence, Delivered)>, Fault> {
        let queue = self.queue_mut(name)?;
        queue.advance(now, effects);
        let (id, fifo) = (queue.id, queue.is_fifo());
        let shown = queue.all().take(MAX_PEEKED).map(|(seq, state, message)| {
            let message = message.clone();
            let shown = Delivered {
                queue: id,
                seq,
                fifo,
                message,
            };
            (state, shown)
        });
        Ok(shown.collect())
    }

    /// Returns the maximum receive count and the dead-letter queue; `None` without a redrive policy with an existing target.
    fn dead_letter_queue(&self, name: &QueueName) -> Result<Option<(u32, QueueId)>, Fault> {
        let redrive = self.queue(name)?.settings.redrive.as_ref();
        Ok(redrive.and_then(|redrive| {
            let target = self.names.get(&redrive.target)?;
            Some((redrive.max_receive_count, *target))
        }))
    }

    /// Moves a message to a dead-letter queue. It keeps its id, its attributes, its sent timestamp and its receive count. Its
    /// retention continues in a standard queue and restarts in a FIFO queue.
    fn dead_letter(
        &mut self,
        message: Message,
        source: &QueueName,
        target: QueueId,
        now: Moment,
        effects: &mut Effects,
    ) {
        let seq = self.next_seq();
        let Some(queue) = self.queues.get_mut(&target) else {
            return;
        };
        let message = Message {
            enqueued: if queue.is_fifo() {
                now
            } else {
                message.enqueued
            },
            dead_letter_source: Some(source.clone()),
            delivery: Delivery {
                received: None,
                receipt: 0,
                visible_at: now,
                ..message.delivery
            },
            ..message
        };
        let moves_on = queue
            .settings
            .redrive
            .as_ref()
            .is_some_and(|redrive| redrive.max_receive_count <= message.delivery.receives);
        effects.write(Write::Insert(queue.id, seq, Box::new(message.clone())));
        queue.insert(seq, message, now);
        // Queues that are dead-letter queues of each other would wake each other's pollers for ever.
        if !moves_on {
            effects.wake(target);
        }
    }
}

/// Takes messages up to the limit: those to deliver, and those for the dead-letter queue.
fn take(
    queue: &mut Queue,
    receive: &Receive,
    passed_over: usize,
    dead_letters: Option<(u32, QueueId)>,
    now: Moment,
    effects: &mut Effects,
) -> (Vec<Delivered>, Vec<Message>) {
    let mut messages = Vec::new();
    let mut dead = Vec::new();
    loop {
        let room = MAX_IN_FLIGHT.saturating_sub(queue.counts().in_flight);
        let front = queue.front(room.min(receive.limit - messages.len()), passed_over);
        if front.is_empty() {
            return (messages, dead);
        }
        for seq in front {
            if is_dead(queue, seq, dead_letters) {
                dead.extend(queue.remove(seq));
                effects.write(Write::Remove(seq));
            } else {
                messages.extend(hand_out(
                    queue,
                    seq,
                    receive.visibility_seconds,
                    now,
                    effects,
                ));
            }
        }
    }
}

fn is_over_limit(queue: &Queue) -> bool {
    let counts = queue.counts();
    counts.in_flight >= MAX_IN_FLIGHT && counts.visible > 0 && !queue.is_fifo()
}

fn check_attempt(queue: &Queue, receive: &Receive) -> Result<(), Fault> {
    match &receive.attempt_id {
        Some(attempt) if !queue.is_fifo() => Err(Fault::invalid_value(
            attempt,
            "ReceiveRequestAttemptId",
            WRONG_QUEUE_TYPE,
        )),
        Some(_) | None => Ok(()),
    }
}

/// Returns the messages and receipt handles of an earlier receive with the same attempt id, if they have not changed since.
/// They are hidden again, and the receive counts once.
fn hand_out_again(
    queue: &mut Queue,
    receive: &Receive,
    now: Moment,
    effects: &mut Effects,
) -> Option<Vec<Delivered>> {
    let earlier = queue
        .attempts
        .find(receive.attempt_id.as_ref()?, now)?
        .to_vec();
    let untouched = earlier.iter().all(|(seq, delivery)| {
        queue.get(*seq).is_some_and(|(state, message)| {
            state == Presence::InFlight && message.delivery == *delivery
        })
    });
    if !untouched {
        return None;
    }
    let hidden_for = receive
        .visibility_seconds
        .unwrap_or(queue.settings.visibility_timeout_seconds);
    let mut messages = Vec::new();
    for (seq, delivery) in earlier {
        let delivery = Delivery {
            received: Some(now),
            visible_at: now.plus_seconds(hidden_for),
            ..delivery
        };
        queue.receive(seq, delivery);
        effects.write(Write::Deliver(seq, delivery));
        let message = queue.get(seq)?.1.clone();
        messages.push(Delivered {
            queue: queue.id,
            seq,
            fifo: true,
            message,
        });
    }
    let handed_out = messages
        .iter()
        .map(|given| (given.seq, given.message.delivery))
        .collect();
    queue
        .attempts
        .remember(receive.attempt_id.as_ref()?, handed_out, now);
    Some(messages)
}

fn is_dead(queue: &Queue, seq: Seq, dead_letters: Option<(u32, QueueId)>) -> bool {
    dead_letters.is_some_and(|(max_receives, _)| {
        queue
            .get(seq)
            .is_some_and(|(_, message)| message.delivery.receives >= max_receives)
    })
}

fn hand_out(
    queue: &mut Queue,
    seq: Seq,
    visibility_seconds: Option<u32>,
    now: Moment,
    effects: &mut Effects,
) -> Option<Delivered> {
    let before = queue.get(seq)?.1.delivery;
    let hidden_for = visibility_seconds.unwrap_or(queue.settings.visibility_timeout_seconds);
    let delivery = Delivery {
        receives: before.receives.saturating_add(1),
        first_received: Some(before.first_received.unwrap_or(now)),
        received: Some(now),
        receipt: before.receipt + 1,
        visible_at: now.plus_seconds(hidden_for),
    };
    queue.receive(seq, delivery);
    effects.write(Write::Deliver(seq, delivery));
    let message = queue.get(seq)?.1.clone();
    Some(Delivered {
        queue: queue.id,
        seq,
        fifo: queue.is_fifo(),
        message,
    })
}
