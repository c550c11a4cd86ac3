use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::sqs::digest::Checksum;
use crate::sqs::fault::Code;
use crate::sqs::message::{Content, Delivered, GroupId};
use crate::sqs::receipt::Receipt;
use crate::sqs::request::{Outgoing, Receive, Sent, VisibilityChange};

mod dead_letters;
mod fifo;
mod moves;
mod orders;
mod queues;
mod standard;

/// An engine and a clock that is set by hand.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) effects: Effects,
    now: Moment,
    sent: u128,
}

/// What a test looks at of a received message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Got {
    pub(crate) body: String,
    pub(crate) handle: String,
    pub(crate) delivered: Delivered,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let now = Moment::from_millis(1_000_000);
        Self {
            engine: Engine::default(),
            effects: Effects::default(),
            now,
            sent: 0,
        }
    }

    /// A bench with one queue, named `q` or, if it is to be FIFO, `q.fifo`.
    fn with(name: &str, attributes: Value) -> Self {
        let mut bench = Self::new();
        bench.create(name, attributes);
        bench
    }

    pub(crate) fn now(&self) -> Moment {
        self.now
    }

    pub(crate) fn wait(&mut self, seconds: u32) -> &mut Self {
        self.wait_millis(u64::from(seconds) * 1_000)
    }

    pub(crate) fn wait_millis(&mut self, millis: u64) -> &mut Self {
        self.now = self.now.plus_millis(millis);
        self.engine.tick(self.now, &mut self.effects);
        self
    }

    /// Gives the ids of further messages from this number on.
    pub(crate) fn number_from(&mut self, number: u128) {
        self.sent = number;
    }

    pub(crate) fn run(&mut self, request: Request) -> Result<Reply, Fault> {
        self.engine.execute(request, self.now, &mut self.effects)
    }

    fn try_create(&mut self, queue: &str, attributes: Value) -> Result<Reply, Fault> {
        let attributes = attributes
            .as_object()
            .expect("attributes are an object")
            .iter();
        let attributes = attributes.map(|(key, value)| {
            (
                key.clone(),
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            )
        });
        let attributes = attributes.collect();
        self.run(Request::CreateQueue {
            name: name(queue),
            attributes,
            tags: BTreeMap::new(),
        })
    }

    pub(crate) fn create(&mut self, queue: &str, attributes: Value) {
        let mut attributes = attributes;
        if queue.ends_with(".fifo") {
            attributes["FifoQueue"] = json!("true");
        }
        self.try_create(queue, attributes)
            .expect("the queue can be created");
    }

    fn set(&mut self, queue: &str, attribute: &str, value: &str) -> Result<Reply, Fault> {
        let attributes = BTreeMap::from([(attribute.to_owned(), value.to_owned())]);
        self.run(Request::SetAttributes {
            queue: name(queue),
            attributes,
        })
    }

    pub(crate) fn outgoing(&mut self, body: &str) -> Outgoing {
        self.sent += 1;
        let content = Content {
            id: Uuid::from_u128(self.sent),
            body: body.to_owned(),
            body_md5: Checksum::of_body(body),
            attributes: BTreeMap::new(),
            attributes_md5: None,
            trace_header: None,
            group: None,
            deduplication: None,
        };
        Outgoing {
            content,
            delay_seconds: None,
            trace_header: None,
        }
    }

    pub(crate) fn send(&mut self, queue: &str, body: &str) -> Sent {
        let outgoing = self.outgoing(body);
        self.send_as(queue, outgoing)
            .expect("the message can be sent")
    }

    /// Sends to a FIFO queue, with the body as the deduplication id.
    pub(crate) fn send_in(&mut self, queue: &str, group: &str, body: &str) -> Sent {
        let mut outgoing = self.outgoing(body);
        outgoing.content.group = Some(GroupId::from(group.to_owned()));
        outgoing.content.deduplication = Some(body.to_owned());
        self.send_as(queue, outgoing)
            .expect("the message can be sent")
    }

    pub(crate) fn send_as(&mut self, queue: &str, outgoing: Outgoing) -> Result<Sent, Fault> {
        let reply = self.run(Request::Send {
            queue: name(queue),
            outgoing,
        })?;
        let Reply::Sent(sent) = reply else {
            panic!("a send was answered with {reply:?}")
        };
        Ok(sent)
    }

    pub(crate) fn try_receive(&mut self, receive: Receive) -> Result<Vec<Got>, Fault> {
        let reply = self.run(Request::Receive(receive))?;
        let Reply::Received(received) = reply else {
            panic!("a receive was answered with {reply:?}")
        };
        Ok(received.messages.into_iter().map(got).collect())
    }

    pub(crate) fn receive(&mut self, queue: &str, limit: usize) -> Vec<Got> {
        self.try_receive(call(queue, limit))
            .expect("messages can be received")
    }

    fn receive_bodies(&mut self, queue: &str, limit: usize) -> Vec<String> {
        self.receive(queue, limit)
            .into_iter()
            .map(|got| got.body)
            .collect()
    }

    pub(crate) fn delete(&mut self, queue: &str, got: &Got) -> Result<(), Fault> {
        let handle = got.handle.clone();
        self.run(Request::Delete {
            queue: name(queue),
            handle,
        })
        .map(|_| ())
    }

    pub(crate) fn hide(&mut self, queue: &str, got: &Got, seconds: u32) -> Result<(), Fault> {
        let change = VisibilityChange {
            handle: got.handle.clone(),
            seconds,
        };
        self.run(Request::ChangeVisibility {
            queue: name(queue),
            change,
        })
        .map(|_| ())
    }

    /// Messages of a queue: visible, in flight, delayed.
    fn counts(&mut self, queue: &str) -> (usize, usize, usize) {
        let (now, effects) = (self.now, &mut self.effects);
        let queue = self
            .engine
            .queue_mut(&name(queue))
            .expect("the queue is there");
        queue.advance(now, effects);
        let counts = queue.counts();
        (counts.visible, counts.in_flight, counts.delayed)
    }

    /// Whether those who wait at a queue were woken since the last time this was asked.
    fn was_woken(&mut self, queue: &str) -> bool {
        let id = self
            .engine
            .queue(&name(queue))
            .expect("the queue is there")
            .id;
        std::mem::take(&mut self.effects.woken).contains(&id)
    }
}

pub(crate) fn name(text: &str) -> QueueName {
    QueueName::parse(text).expect("a good name")
}

pub(crate) fn call(queue: &str, limit: usize) -> Receive {
    Receive {
        queue: name(queue),
        limit,
        visibility_seconds: None,
        wait_seconds: None,
        attempt_id: None,
    }
}

fn got(delivered: Delivered) -> Got {
    let number = delivered.message.delivery.receipt;
    let receipt = Receipt {
        queue: delivered.queue,
        seq: delivered.seq,
        number,
    };
    Got {
        body: delivered.message.content.body.clone(),
        handle: receipt.to_handle(),
        delivered,
    }
}

fn redrive(target: &str, max_receive_count: u32) -> Value {
    let policy =
        json!({ "deadLetterTargetArn": name(target).arn(), "maxReceiveCount": max_receive_count });
    json!({ "RedrivePolicy": policy.to_string(), "VisibilityTimeout": "10" })
}

fn code<T>(result: Result<T, Fault>) -> Option<Code> {
    result.err().map(|fault| fault.code)
}
