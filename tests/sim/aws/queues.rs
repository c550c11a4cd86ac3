//! SQS: the engine and the wire of `local-aws`, with adversity laid over them.
//!
//! The engine is pure: requests and the time go in, replies come out. A second model of the queues would be one more
//! thing to be wrong, and a simulation is worth as much as its services are right; the engine is tested by itself and
//! through SDKs. What the service may do beyond it is done here, in the service's own terms: a message is handed out
//! twice by making it visible again at once, a delete is forgotten by hiding the message for a while instead.

mod batch;
mod receive;

use std::collections::{BTreeMap, BTreeSet};

use local_aws::{SqsInMemory, SqsResponse};
use serde_json::{Value, json};

use super::ApiReply;
use super::adversity::{Adversary, Behaviour};

const BASE_URL: &str = "https://sqs.us-east-1.amazonaws.com";
/// How long a forgotten delete stays forgotten, at most.
const RETURN_SECONDS: u64 = 60;

/// All queues.
#[derive(Debug)]
pub(super) struct Queues {
    engine: SqsInMemory,
    /// Receipts whose messages become visible too early, by when.
    early: BTreeMap<(u64, u64), Receipt>,
    scheduled: u64,
    /// The messages that receipts are for, while deletes may be forgotten.
    received: BTreeMap<String, String>,
    /// Messages whose delete was forgotten: once is enough.
    returned: BTreeSet<String>,
}

#[derive(Debug)]
struct Receipt {
    queue_url: String,
    handle: String,
}

impl Queues {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            engine: SqsInMemory::new(BASE_URL, seed),
            early: BTreeMap::new(),
            scheduled: 0,
            received: BTreeMap::new(),
            returned: BTreeSet::new(),
        }
    }

    pub(super) fn call(
        &mut self,
        operation: &str,
        body: &[u8],
        adversary: &mut Adversary,
        now: u64,
    ) -> ApiReply {
        self.show_early(now);
        if adversary.strikes(Behaviour::QueueThrottled) {
            return throttled(adversary);
        }
        let request = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        match operation {
            "ReceiveMessage" => self.receive(request(), adversary, now),
            "DeleteMessage" => {
                let request = request();
                let handle = request["ReceiptHandle"].as_str().unwrap_or_default();
                if self.forgets(&request, handle, adversary) {
                    self.hide_for_a_while(&request, handle, adversary, now);
                    return ApiReply::ok(&json!({}));
                }
                self.pass(operation, body, now)
            }
            "SendMessageBatch" | "DeleteMessageBatch" | "ChangeMessageVisibilityBatch" => {
                self.batch(operation, request(), adversary, now)
            }
            _ => self.pass(operation, body, now),
        }
    }

    /// When something comes up in a queue by itself, in milliseconds since the Unix epoch.
    pub(super) fn next_arrival(&self, queue_url: &str) -> Option<u64> {
        let early = self.early.iter();
        let early = early.filter(|(_, receipt)| receipt.queue_url == queue_url);
        let early = early.map(|((due, _), _)| *due).next();
        let honest = self.engine.next_visible_millis(queue_url);
        early.into_iter().chain(honest).min()
    }

    pub(super) fn take_woke(&mut self) -> bool {
        self.engine.take_woke()
    }

    /// Forgets what was still to go wrong.
    pub(super) fn heal(&mut self) {
        self.early.clear();
        self.received.clear();
    }

    fn pass(&mut self, operation: &str, body: &[u8], now: u64) -> ApiReply {
        self.engine.call(operation, body, now).into()
    }

    fn pass_json(&mut self, operation: &str, request: &Value, now: u64) -> ApiReply {
        self.pass(operation, request.to_string().as_bytes(), now)
    }

    /// Makes messages visible whose too early time has come, unless they are gone or were received anew.
    fn show_early(&mut self, now: u64) {
        while let Some(first) = self.early.first_entry()
            && first.key().0 <= now
        {
            let Receipt { queue_url, handle } = first.remove();
            let change =
                json!({ "QueueUrl": queue_url, "ReceiptHandle": handle, "VisibilityTimeout": 0 });
            self.pass_json("ChangeMessageVisibility", &change, now);
        }
    }

    fn forgets(&mut self, request: &Value, handle: &str, adversary: &mut Adversary) -> bool {
        let Some(message) = self.received.remove(handle) else {
            return false;
        };
        !is_fifo(request)
            && !self.returned.contains(&message)
            && adversary.strikes(Behaviour::DeleteForgotten)
            && self.returned.insert(message)
    }

    fn hide_for_a_while(
        &mut self,
        request: &Value,
        handle: &str,
        adversary: &mut Adversary,
        now: u64,
    ) {
        let change = json!({
            "QueueUrl": request["QueueUrl"],
            "ReceiptHandle": handle,
            "VisibilityTimeout": adversary.between(0, RETURN_SECONDS),
        });
        self.pass_json("ChangeMessageVisibility", &change, now);
    }
}

fn is_fifo(request: &Value) -> bool {
    let url = request["QueueUrl"].as_str();
    url.is_some_and(|url| url.ends_with(".fifo"))
}

fn throttled(adversary: &mut Adversary) -> ApiReply {
    if adversary.coin() {
        ApiReply::queue_fault(
            400,
            "RequestThrottled",
            "The request was denied due to request throttling.",
        )
    } else {
        ApiReply::queue_fault(503, "ServiceUnavailable", "The service is unavailable.")
    }
}

impl From<SqsResponse> for ApiReply {
    fn from(response: SqsResponse) -> Self {
        Self {
            status: response.status,
            query_error: response.query_error,
            body: response.body.into(),
        }
    }
}
