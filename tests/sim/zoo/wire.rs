//! The bugs that can be seen on the wire.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::Bug;
use crate::aws::{ApiCall, ApiReply, EPOCH_MILLIS};
use crate::fault::Fault;
use crate::school::CONTACT_MARKS;

/// Holds of every item, and uses every name and value that it did.
const ALWAYS: &str = " OR attribute_exists(PK) OR attribute_not_exists(PK)";

/// What a write under a lease begins its condition with.
const FENCE: &str = "#owner = :owner AND #epoch = :epoch";

/// Spoils requests and answers as a bug would.
#[derive(Debug)]
pub(crate) struct Spoiler {
    pub(super) bug: Bug,
    /// The shards of which a place turned out to be trimmed.
    pub(super) trimmed: BTreeSet<String>,
    /// The commands that turned out to be duplicates.
    duplicates: BTreeSet<String>,
    count: u64,
}

impl Spoiler {
    pub(crate) fn new(bug: Bug) -> Self {
        Self {
            bug,
            trimmed: BTreeSet::new(),
            duplicates: BTreeSet::new(),
            count: 0,
        }
    }

    /// Whether the program takes a call for done that has met this fault.
    pub(crate) fn ignores(&self, fault: Fault, call: &ApiCall) -> Option<ApiReply> {
        let queues = [
            (Bug::OutcomeFailureIgnored, "arthouse-outcomes.fifo"),
            (
                Bug::NotificationFailureIgnored,
                "arthouse-notifications.fifo",
            ),
        ];
        let (_, queue) = queues.into_iter().find(|(bug, _)| *bug == self.bug)?;
        let fails = matches!(fault, Fault::NotSent | Fault::Throttled | Fault::Conflict);
        let request = call.json();
        let ours = request["QueueUrl"].as_str()?.ends_with(queue);
        (call.operation() == "SendMessageBatch" && fails && ours).then(|| all_sent(&request))
    }

    /// Spoils a request; returns an answer if it is not to be carried out at all.
    pub(crate) fn request(&mut self, call: &mut ApiCall) -> Option<ApiReply> {
        let mut request = call.json();
        let answer = match call.operation() {
            "TransactWriteItems" => {
                self.transaction(&mut request);
                None
            }
            "UpdateItem" => {
                self.update(&mut request);
                None
            }
            "PutItem" => self.put(&mut request),
            "SendMessageBatch" => self.send(&mut request),
            "GetShardIterator" => {
                self.open(&mut request);
                None
            }
            _ => None,
        };
        let answer = answer.or_else(|| self.request_of_losses(call.operation(), &mut request));
        call.body = request.to_string().into();
        answer
    }

    /// Spoils an answer; returns the receipts that are to be deleted at once.
    pub(crate) fn answer(
        &mut self,
        call: &ApiCall,
        reply: &mut ApiReply,
        now: Duration,
    ) -> Vec<Value> {
        let now = UNIX_EPOCH + Duration::from_millis(EPOCH_MILLIS) + now;
        self.answer_of_losses(call, reply, now.into());
        let operation = call.operation();
        match (self.bug, operation) {
            (Bug::LastPageDropped, "GetRecords") => {
                let mut answer = reply.json();
                if reply.status == 200 && answer["NextShardIterator"].is_null() {
                    answer["Records"] = json!([]);
                    reply.body = answer.to_string().into();
                }
            }
            (Bug::UndecodableBlocks, "GetRecords") if reply.status == 200 => {
                let paid = |record: &Value| {
                    let sort_key = record["dynamodb"]["Keys"]["SK"]["S"].as_str();
                    sort_key.is_some_and(|key| key.ends_with("#PAID"))
                };
                let answer = reply.json();
                let mut records = answer["Records"].as_array().into_iter().flatten();
                if records.any(paid) {
                    reply.status = 500;
                    reply.body = json!({ "__type": "InternalServerError" })
                        .to_string()
                        .into();
                }
            }
            (Bug::ChildrenBeforeParents, "DescribeStream") if reply.status == 200 => {
                let mut answer = reply.json();
                for shard in each(&mut answer["StreamDescription"]["Shards"]) {
                    shard.as_object_mut().map(|it| it.remove("ParentShardId"));
                }
                reply.body = answer.to_string().into();
            }
            (Bug::DuplicateNotTold, "TransactWriteItems" | "PutItem") if reply.status != 200 => {
                let refused = reply.json();
                let receipt = if operation == "PutItem" {
                    &refused["Item"]
                } else {
                    &refused["CancellationReasons"][0]["Item"]
                };
                let key = receipt["PK"]["S"].as_str().unwrap_or_default();
                if let Some(id) = key.strip_prefix("COMMAND#urn:sim#") {
                    self.duplicates.insert(id.to_owned());
                }
            }
            (Bug::DeletedBeforeCommit, "ReceiveMessage") => {
                let queue = &call.json()["QueueUrl"];
                let mut answer = reply.json();
                return each(&mut answer["Messages"])
                    .map(|it| json!({ "QueueUrl": queue, "ReceiptHandle": it["ReceiptHandle"] }))
                    .collect();
            }
            _ => {}
        }
        Vec::new()
    }

    fn transaction(&self, request: &mut Value) {
        let bug = self.bug;
        for action in each(&mut request["TransactItems"]) {
            let put = &mut action["Put"];
            if bug == Bug::ReceiptUnconditional && put["TableName"] == "Commands" {
                hold_always(put);
            }
            let update = &mut action["Update"];
            if update.is_object() {
                if bug == Bug::VersionUnchecked {
                    hold_always(update);
                }
                if bug == Bug::PaymentStatusForgotten {
                    let values = update["ExpressionAttributeValues"].as_object_mut();
                    for value in values.into_iter().flatten().map(|(_, value)| value) {
                        if value["S"] == "Paid" {
                            value["S"] = "Unpaid".into();
                        }
                    }
                }
            }
        }
        // Looking for an entry has put nulls where there was none.
        let actions = request["TransactItems"].as_array_mut();
        for action in actions.into_iter().flatten() {
            if let Some(action) = action.as_object_mut() {
                action.retain(|_, it| !it.is_null());
            }
        }
        if let Some(actions) = request["TransactItems"].as_array_mut() {
            actions.retain(|action| {
                let kept = bug == Bug::ApplicationKept && action["Delete"].is_object();
                let forgotten =
                    bug == Bug::ReceiptForgotten && action["Put"]["TableName"] == "Commands";
                !kept && !forgotten
            });
        }
    }

    fn update(&self, request: &mut Value) {
        let values = &request["ExpressionAttributeValues"];
        let charge = request["TableName"] == "UsersCourses" && values[":line"].is_object();
        let values = |request: &mut Value, name: &str, number: i64| {
            request["ExpressionAttributeValues"][name]["N"] = number.to_string().into();
        };
        if charge && self.bug == Bug::ChargeUnconditional {
            hold_always(request);
        } else if request["TableName"] == "Leases" {
            self.lease(request);
        } else if charge && self.bug == Bug::ChargeOffByOne {
            let amount = number(&request["ExpressionAttributeValues"][":amount"]);
            values(request, ":amount", amount + 1);
        } else if charge && self.bug == Bug::SkipCountsAsAttended {
            values(request, ":attended", 1);
        }
    }

    /// A write under a lease has the fence as its condition, and that of a checkpoint the order behind it.
    fn lease(&self, request: &mut Value) {
        let condition = request["ConditionExpression"].as_str().unwrap_or_default();
        let Some(order) = condition.strip_prefix(FENCE) else {
            return;
        };
        if self.bug == Bug::CheckpointUnfenced {
            request["ConditionExpression"] = format!("({FENCE}{ALWAYS}){order}").into();
        } else if self.bug == Bug::CheckpointUnordered {
            request["ConditionExpression"] = FENCE.into();
        }
    }

    fn put(&self, request: &mut Value) -> Option<ApiReply> {
        let receipt = request["TableName"] == "Commands";
        if receipt && self.bug == Bug::RejectionNotStored {
            return Some(ok(&json!({})));
        }
        let session = request["TableName"] == "Sessions";
        if session && self.bug == Bug::SessionPutUnconditional
            || receipt && self.bug == Bug::ReceiptUnconditional
        {
            hold_always(request);
        }
        None
    }

    fn send(&mut self, request: &mut Value) -> Option<ApiReply> {
        let queue = request["QueueUrl"].as_str().unwrap_or_default().to_owned();
        let notifications = queue.ends_with("arthouse-notifications.fifo");
        let answer = all_sent(request);
        for entry in each(&mut request["Entries"]) {
            let text = entry["MessageBody"].as_str().unwrap_or_default();
            let mut body: Value = serde_json::from_str(text).unwrap_or_default();
            let command = body["data"]["command_id"].as_str().unwrap_or_default();
            if self.bug == Bug::DuplicateNotTold && self.duplicates.contains(command) {
                return Some(answer);
            }
            if notifications && self.bug == Bug::NotificationIdRandom {
                self.count += 1;
                body["id"] = format!("random-{}", self.count).into();
            } else if notifications && self.bug == Bug::ContactTold {
                body["data"]["email"] = CONTACT_MARKS[1].into();
            } else {
                continue;
            }
            entry["MessageBody"] = body.to_string().into();
        }
        None
    }

    fn open(&self, request: &mut Value) {
        let kinds = [
            (Bug::ChildrenAtLatest, "TRIM_HORIZON"),
            (Bug::ReopenedAtLatest, "AFTER_SEQUENCE_NUMBER"),
        ];
        let Some((_, kind)) = kinds.into_iter().find(|(bug, _)| *bug == self.bug) else {
            return;
        };
        if request["ShardIteratorType"] == kind {
            request["ShardIteratorType"] = "LATEST".into();
            request
                .as_object_mut()
                .map(|it| it.remove("SequenceNumber"));
        }
    }
}

pub(super) fn each(list: &mut Value) -> impl Iterator<Item = &mut Value> {
    list.as_array_mut().into_iter().flatten()
}

pub(super) fn hold_always(write: &mut Value) {
    if let Some(condition) = write["ConditionExpression"].as_str() {
        write["ConditionExpression"] = format!("({condition}){ALWAYS}").into();
    }
}

fn number(attribute: &Value) -> i64 {
    let text = attribute["N"].as_str().unwrap_or_default();
    text.parse().unwrap_or_default()
}

pub(super) fn ok(answer: &Value) -> ApiReply {
    ApiReply {
        status: 200,
        query_error: None,
        body: answer.to_string().into(),
    }
}

/// What SQS answers when it has taken all entries.
fn all_sent(request: &Value) -> ApiReply {
    let entries = request["Entries"].as_array().into_iter().flatten();
    let sent: Vec<_> = entries
        .map(|entry| json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "0" }))
        .collect();
    ok(&json!({ "Successful": sent, "Failed": [] }))
}
