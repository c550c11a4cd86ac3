//! The queues without disk, thread and clock.

use uuid::Uuid;

use super::SqsResponse;
use super::engine::{Effects, Engine};
use super::fault::Fault;
use super::moment::Moment;
use super::name::{Address, QueueName};
use super::request::{Outgoing, Request};
use super::wire;
use crate::place::Place;

/// Queues in memory. Each call passes the time, and no random number is drawn. They are for simulations, in which the
/// same calls must get the same answers.
#[derive(Debug)]
pub struct SqsInMemory {
    engine: Engine,
    address: Address,
    seed: u64,
    last_id: u64,
    woke: bool,
}

impl SqsInMemory {
    /// Starts without queues. URLs start with `base_url`; ids of messages are a function of the seed and their number.
    pub fn new(base_url: &str, seed: u64) -> Self {
        Self {
            engine: Engine::default(),
            address: Address::new(base_url, &Place::default()),
            seed,
            last_id: 0,
            woke: false,
        }
    }

    /// Carries out one AWS JSON 1.0 request. The time, in milliseconds since the Unix epoch, must not be before that of the last
    /// call. The operation is the part after `AmazonSQS.` of its target.
    ///
    /// A receive answers at once, whatever its wait time. A caller that waits repeats it at [`Self::next_visible_millis`], or
    /// when [`Self::take_woke`] returns true.
    pub fn call(&mut self, operation: &str, body: &[u8], now_millis: u64) -> SqsResponse {
        SqsResponse::of(self.answer(operation, body, Moment::from_millis(now_millis)))
    }

    /// Returns when the next hidden message of the queue with this URL becomes visible, in milliseconds since the Unix epoch;
    /// `None` if there is no such message or queue.
    pub fn next_visible_millis(&self, queue_url: &str) -> Option<u64> {
        let name = QueueName::from_url(queue_url)?;
        self.engine.next_visible_in(&name).map(Moment::millis)
    }

    /// Returns whether a call since the last check has made a message receivable, or deleted a queue.
    pub fn take_woke(&mut self) -> bool {
        std::mem::take(&mut self.woke)
    }

    /// Makes later receives skip the first messages of a standard queue, or the first groups of a FIFO queue. The service
    /// guarantees no order among them.
    pub fn pass_over(&mut self, count: usize) {
        self.engine.pass_over(count);
    }

    fn answer(&mut self, operation: &str, body: &[u8], now: Moment) -> Result<Vec<u8>, Fault> {
        let (mut request, view) = wire::decode(operation, body)?;
        self.give_ids(&mut request);
        let mut effects = Effects::default();
        if self.engine.next_tick() <= now {
            self.engine.tick(now, &mut effects);
        }
        let reply = self.engine.execute(request, now, &mut effects)?;
        self.woke |= !effects.woken.is_empty();
        Ok(wire::encode(&reply, &view, &self.address))
    }

    /// Replaces the random ids that decoding assigned.
    fn give_ids(&mut self, request: &mut Request) {
        match request {
            Request::Send { outgoing, .. } => outgoing.content.id = self.next_id(),
            Request::SendBatch { entries, .. } => {
                for Outgoing { content, .. } in entries
                    .iter_mut()
                    .filter_map(|(_, entry)| entry.as_mut().ok())
                {
                    content.id = self.next_id();
                }
            }
            Request::StartMove { id, .. } => *id = self.next_id(),
            Request::CreateQueue { .. }
            | Request::FindQueue { .. }
            | Request::ListQueues { .. }
            | Request::ListDeadLetterSources { .. }
            | Request::DeleteQueue { .. }
            | Request::PurgeQueue { .. }
            | Request::GetAttributes { .. }
            | Request::SetAttributes { .. }
            | Request::ListTags { .. }
            | Request::Tag { .. }
            | Request::Untag { .. }
            | Request::AddPermission { .. }
            | Request::RemovePermission { .. }
            | Request::Receive(_)
            | Request::Peek { .. }
            | Request::Delete { .. }
            | Request::DeleteBatch { .. }
            | Request::ChangeVisibility { .. }
            | Request::ChangeVisibilityBatch { .. }
            | Request::ListMoves { .. }
            | Request::CancelMove { .. } => {}
        }
    }

    fn next_id(&mut self) -> Uuid {
        self.last_id += 1;
        Uuid::from_u64_pair(self.seed, self.last_id)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::SqsInMemory;

    const START: u64 = 1_790_000_000_000;

    fn call(queues: &mut SqsInMemory, operation: &str, request: Value, now: u64) -> Value {
        let response = queues.call(operation, request.to_string().as_bytes(), now);
        let body: Value = serde_json::from_slice(&response.body).expect("JSON");
        assert_eq!(response.status, 200, "{body}");
        body
    }

    fn queue(queues: &mut SqsInMemory, name: &str, attributes: Value) -> Value {
        let request = json!({ "QueueName": name, "Attributes": attributes });
        call(queues, "CreateQueue", request, START)["QueueUrl"].take()
    }

    fn bodies(received: &Value) -> Vec<&str> {
        let messages = received["Messages"].as_array().into_iter().flatten();
        messages
            .filter_map(|message| message["Body"].as_str())
            .collect()
    }

    #[test]
    fn the_same_calls_have_the_same_answers() {
        let run = |seed| {
            let mut queues = SqsInMemory::new("http://sqs.test", seed);
            let url = queue(&mut queues, "q", json!({}));
            let entries =
                json!([{ "Id": "a", "MessageBody": "x" }, { "Id": "b", "MessageBody": "y" }]);
            let batch = json!({ "QueueUrl": url, "Entries": entries });
            let sent = call(&mut queues, "SendMessageBatch", batch, START);
            let receive = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 });
            format!(
                "{sent}{}",
                call(&mut queues, "ReceiveMessage", receive, START + 5)
            )
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn sending_wakes_and_finding_nothing_does_not() {
        let mut queues = SqsInMemory::new("http://sqs.test", 0);
        let url = queue(&mut queues, "q", json!({}));
        queues.take_woke();
        call(
            &mut queues,
            "ReceiveMessage",
            json!({ "QueueUrl": url }),
            START,
        );
        assert!(!queues.take_woke());
        call(
            &mut queues,
            "SendMessage",
            json!({ "QueueUrl": url, "MessageBody": "x" }),
            START,
        );
        assert!(queues.take_woke());
        assert!(!queues.take_woke());
    }

    #[test]
    fn a_hidden_message_says_when_it_comes_back() {
        let mut queues = SqsInMemory::new("http://sqs.test", 0);
        let url = queue(&mut queues, "q", json!({ "VisibilityTimeout": "30" }));
        let due = |queues: &SqsInMemory| queues.next_visible_millis(url.as_str().expect("a URL"));
        let receive = json!({ "QueueUrl": url });
        call(
            &mut queues,
            "SendMessage",
            json!({ "QueueUrl": url, "MessageBody": "x" }),
            START,
        );
        assert_eq!(due(&queues), None);
        call(&mut queues, "ReceiveMessage", receive.clone(), START + 1);
        assert_eq!(due(&queues), Some(START + 30_001));
        let early = call(
            &mut queues,
            "ReceiveMessage",
            receive.clone(),
            START + 30_000,
        );
        assert!(bodies(&early).is_empty());
        let back = call(&mut queues, "ReceiveMessage", receive, START + 30_001);
        assert_eq!(bodies(&back), ["x"]);
    }

    #[test]
    fn messages_that_are_passed_over_come_later_and_none_is_lost() {
        let mut queues = SqsInMemory::new("http://sqs.test", 0);
        let url = queue(&mut queues, "q", json!({}));
        for body in ["a", "b", "c"] {
            call(
                &mut queues,
                "SendMessage",
                json!({ "QueueUrl": url, "MessageBody": body }),
                START,
            );
        }
        queues.pass_over(4);
        let receive = json!({ "QueueUrl": url, "MaxNumberOfMessages": 2 });
        let first = call(&mut queues, "ReceiveMessage", receive.clone(), START);
        let second = call(&mut queues, "ReceiveMessage", receive, START);
        assert_eq!(bodies(&first), ["b", "c"]);
        assert_eq!(bodies(&second), ["a"]);
    }
}
