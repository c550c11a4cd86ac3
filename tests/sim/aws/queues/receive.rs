use serde_json::Value;

use super::{Queues, Receipt, is_fifo};
use crate::aws::ApiReply;
use crate::aws::adversity::{Adversary, Behaviour};

/// How many messages or groups are passed over at most.
const PASSED_OVER: u64 = 12;
/// The body of an answer without messages.
const EMPTY: &str = "{}";
/// When nothing better is known, a message is hidden for this long.
const VISIBILITY_SECONDS: u64 = 30;

impl Queues {
    pub(super) fn receive(
        &mut self,
        mut request: Value,
        adversary: &mut Adversary,
        now: u64,
    ) -> ApiReply {
        // Only a short poll asks some of the service's machines and not all.
        let short_poll = request["WaitTimeSeconds"].as_u64() == Some(0);
        if short_poll && adversary.strikes(Behaviour::EmptyReceive) {
            return ApiReply::ok(&serde_json::json!({}));
        }
        let limit = request["MaxNumberOfMessages"].as_u64().unwrap_or(1);
        let fewer = limit > 1 && adversary.would_strike(Behaviour::FewerReceived);
        if fewer {
            request["MaxNumberOfMessages"] = adversary.between(1, limit - 1).into();
        }
        let out_of_order = adversary.would_strike(Behaviour::OutOfOrder);
        if out_of_order {
            let count = adversary.between(1, PASSED_OVER);
            self.engine.pass_over(usize::try_from(count).unwrap_or(1));
        }
        let reply = self.pass_json("ReceiveMessage", &request, now);
        self.engine.pass_over(0);
        if reply.status == 200 && reply.body.len() > EMPTY.len() {
            let struck = [
                (fewer, Behaviour::FewerReceived),
                (out_of_order, Behaviour::OutOfOrder),
            ];
            for (_, behaviour) in struck.into_iter().filter(|(struck, _)| *struck) {
                adversary.count(behaviour);
            }
            self.watch(&request, &reply, adversary, now);
        }
        reply
    }

    /// Decides what is to go wrong with the messages that were handed out.
    fn watch(&mut self, request: &Value, reply: &ApiReply, adversary: &mut Adversary, now: u64) {
        let watched = [
            Behaviour::DeliveredTwice,
            Behaviour::EarlyVisibility,
            Behaviour::DeleteForgotten,
        ];
        if !watched
            .into_iter()
            .any(|behaviour| adversary.may(behaviour))
        {
            return;
        }
        let reply = reply.json();
        let hidden_for = request["VisibilityTimeout"]
            .as_u64()
            .unwrap_or(VISIBILITY_SECONDS);
        for message in reply["Messages"].as_array().into_iter().flatten() {
            let (Some(handle), Some(id)) = (
                message["ReceiptHandle"].as_str(),
                message["MessageId"].as_str(),
            ) else {
                continue;
            };
            if adversary.may(Behaviour::DeleteForgotten) {
                self.received.insert(handle.to_owned(), id.to_owned());
            }
            if !is_fifo(request) && adversary.strikes(Behaviour::DeliveredTwice) {
                self.schedule(request, handle, now);
            } else if hidden_for > 0 && adversary.strikes(Behaviour::EarlyVisibility) {
                let due = now + adversary.between(1, hidden_for * 1_000);
                self.schedule(request, handle, due);
            }
        }
    }

    fn schedule(&mut self, request: &Value, handle: &str, due: u64) {
        self.scheduled += 1;
        let receipt = Receipt {
            queue_url: request["QueueUrl"].as_str().unwrap_or_default().to_owned(),
            handle: handle.to_owned(),
        };
        self.early.insert((due, self.scheduled), receipt);
    }
}
