use std::sync::Arc;

use super::deduplication::{DeduplicationKey, Remembered};
use super::{Effects, Engine, Queue, Write};
use crate::sqs::digest::content_deduplication_id;
use crate::sqs::fault::Fault;
use crate::sqs::message::{Content, Delivery, Message};
use crate::sqs::moment::Moment;
use crate::sqs::name::QueueName;
use crate::sqs::request::{Batch, Outgoing, Sent};
use crate::sqs::settings::DeduplicationScope;

pub(super) const WRONG_QUEUE_TYPE: &str =
    "The request include parameter that is not valid for this queue type.";

impl Engine {
    pub(super) fn send(
        &mut self,
        name: &QueueName,
        outgoing: Outgoing,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Sent, Fault> {
        let queue = self.queue(name)?;
        check_routing(queue, &outgoing)?;
        check_size(
            queue,
            &outgoing.content,
            "One or more parameters are invalid.",
        )?;
        self.enqueue(name, outgoing, now, effects)
    }

    /// A message without its group or deduplication id fails the whole batch; a message that is too large fails alone.
    pub(super) fn send_batch(
        &mut self,
        name: &QueueName,
        entries: Vec<(String, Result<Outgoing, Fault>)>,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Batch<Sent>, Fault> {
        let queue = self.queue(name)?;
        for outgoing in entries.iter().filter_map(|(_, entry)| entry.as_ref().ok()) {
            check_presence(queue, &outgoing.content).map_err(as_of_a_batch)?;
        }
        let outcomes = entries.into_iter().map(|(id, entry)| {
            let outcome = entry.and_then(|outgoing| {
                let queue = self.queue(name)?;
                check_routing(queue, &outgoing)?;
                check_size(
                    queue,
                    &outgoing.content,
                    "One or more parameters cannot be validated.",
                )?;
                self.enqueue(name, outgoing, now, effects)
            });
            (id, outcome)
        });
        Ok(Batch::from_iter(outcomes))
    }

    fn enqueue(
        &mut self,
        name: &QueueName,
        outgoing: Outgoing,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Sent, Fault> {
        let Outgoing {
            mut content,
            delay_seconds,
            trace_header,
        } = outgoing;
        let queue = self.queue(name)?;
        let key = deduplication_key(queue, &content);
        let earlier = key
            .as_ref()
            .and_then(|key| queue.deduplication.find(key, now));
        if let Some(earlier) = earlier {
            return Ok(Sent {
                id: earlier.message,
                sequence_number: Some(earlier.seq.sequence_number()),
                ..sent(&content)
            });
        }
        let seq = self.next_seq();
        let queue = self.queue_mut(name)?;
        let mut answer = sent(&content);
        content.trace_header = content.trace_header.or(trace_header);
        if let Some(key) = key {
            content.deduplication = Some(key.id.clone());
            answer.sequence_number = Some(seq.sequence_number());
            let remembered = Remembered::new(content.id, seq, now);
            queue.deduplication.remember(key.clone(), remembered);
            effects.write(Write::Remember(queue.id, key, remembered));
        }
        let delay = delay_seconds
            .filter(|_| !queue.is_fifo())
            .unwrap_or(queue.settings.delay_seconds);
        let message = Message {
            content: Arc::new(content),
            sent: now,
            enqueued: now,
            dead_letter_source: None,
            delivery: Delivery {
                visible_at: now.plus_seconds(delay),
                ..Delivery::default()
            },
        };
        effects.write(Write::Insert(queue.id, seq, Box::new(message.clone())));
        queue.insert(seq, message, now);
        effects.wake(queue.id);
        Ok(answer)
    }
}

fn sent(content: &Content) -> Sent {
    Sent {
        id: content.id,
        body_md5: content.body_md5,
        attributes_md5: content.attributes_md5,
        trace_header: content.trace_header.clone(),
        sequence_number: None,
    }
}

/// Returns the deduplication key of a message; `None` for a standard queue.
fn deduplication_key(queue: &Queue, content: &Content) -> Option<DeduplicationKey> {
    let fifo = queue.settings.fifo.as_ref()?;
    let id = content
        .deduplication
        .clone()
        .unwrap_or_else(|| content_deduplication_id(&content.body));
    let group = match fifo.deduplication_scope {
        DeduplicationScope::Queue => None,
        DeduplicationScope::MessageGroup => content.group.clone(),
    };
    Some(DeduplicationKey { group, id })
}

fn check_presence(queue: &Queue, content: &Content) -> Result<(), Fault> {
    let Some(fifo) = &queue.settings.fifo else {
        return Ok(());
    };
    if content.group.is_none() {
        return Err(Fault::missing("MessageGroupId"));
    }
    if content.deduplication.is_none() && !fifo.content_based_deduplication {
        return Err(Fault::invalid(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ));
    }
    Ok(())
}

/// A batch without a group is an invalid value, where a single message without one lacks a parameter.
fn as_of_a_batch(fault: Fault) -> Fault {
    Fault::invalid(fault.message)
}

fn check_routing(queue: &Queue, outgoing: &Outgoing) -> Result<(), Fault> {
    check_presence(queue, &outgoing.content)?;
    if queue.is_fifo() {
        match outgoing.delay_seconds {
            Some(0) | None => Ok(()),
            Some(delay) => Err(Fault::invalid_value(
                delay,
                "DelaySeconds",
                WRONG_QUEUE_TYPE,
            )),
        }
    } else {
        match &outgoing.content.deduplication {
            None => Ok(()),
            Some(id) => Err(Fault::invalid_value(
                id,
                "MessageDeduplicationId",
                WRONG_QUEUE_TYPE,
            )),
        }
    }
}

fn check_size(queue: &Queue, content: &Content, complaint: &str) -> Result<(), Fault> {
    let limit = queue.settings.maximum_message_bytes;
    if content.size_bytes() > limit as usize {
        return Err(Fault::invalid(format!(
            "{complaint} Reason: Message must be shorter than {limit} bytes."
        )));
    }
    Ok(())
}
