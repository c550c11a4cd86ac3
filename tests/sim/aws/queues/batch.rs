use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Queues;
use crate::aws::ApiReply;
use crate::aws::adversity::{Adversary, Behaviour};

/// What becomes of an entry of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    CarriedOut,
    /// Nothing is done.
    Failed,
    /// It is carried out, and said to have failed.
    FailedUntruly,
    /// A delete: it is said to be done, and the message comes back.
    Forgotten,
}

impl Queues {
    pub(super) fn batch(
        &mut self,
        operation: &str,
        mut request: Value,
        adversary: &mut Adversary,
        now: u64,
    ) -> ApiReply {
        let fates = self.fates(operation, &request, adversary, now);
        if fates.values().all(|fate| *fate == Fate::CarriedOut) {
            return self.pass_json(operation, &request, now);
        }
        if let Some(entries) = request["Entries"].as_array_mut() {
            entries.retain(|entry| {
                matches!(
                    fates.get(id(entry)),
                    Some(Fate::CarriedOut | Fate::FailedUntruly)
                )
            });
        }
        let reply = if request["Entries"].as_array().is_some_and(Vec::is_empty) {
            ApiReply::ok(&json!({}))
        } else {
            self.pass_json(operation, &request, now)
        };
        if reply.status == 200 {
            ApiReply::ok(&doctored(&reply.json(), &fates, adversary))
        } else {
            reply
        }
    }

    fn fates(
        &mut self,
        operation: &str,
        request: &Value,
        adversary: &mut Adversary,
        now: u64,
    ) -> BTreeMap<String, Fate> {
        let mut fates = BTreeMap::new();
        for entry in request["Entries"].as_array().into_iter().flatten() {
            let handle = entry["ReceiptHandle"].as_str().unwrap_or_default();
            let fate = if adversary.strikes(Behaviour::EntryFailed) {
                Fate::Failed
            } else if adversary.strikes(Behaviour::EntryFailureUntrue) {
                Fate::FailedUntruly
            } else if operation == "DeleteMessageBatch" && self.forgets(request, handle, adversary)
            {
                self.hide_for_a_while(request, handle, adversary, now);
                Fate::Forgotten
            } else {
                Fate::CarriedOut
            };
            fates.insert(id(entry).to_owned(), fate);
        }
        fates
    }
}

fn id(entry: &Value) -> &str {
    entry["Id"].as_str().unwrap_or_default()
}

/// The reply to those entries that reached the engine, with what is told of the others.
fn doctored(reply: &Value, fates: &BTreeMap<String, Fate>, adversary: &mut Adversary) -> Value {
    let entries = |member: &str| reply[member].as_array().cloned().unwrap_or_default();
    let mut successful = entries("Successful");
    successful.retain(|entry| fates.get(id(entry)) != Some(&Fate::FailedUntruly));
    let mut failed = entries("Failed");
    failed.retain(|entry| fates.get(id(entry)) != Some(&Fate::FailedUntruly));
    for (id, fate) in fates {
        match fate {
            Fate::CarriedOut => {}
            Fate::Forgotten => successful.push(json!({ "Id": id })),
            Fate::Failed | Fate::FailedUntruly => {
                let code = if adversary.coin() {
                    "InternalError"
                } else {
                    "ServiceUnavailable"
                };
                failed.push(json!({
                    "Id": id,
                    "SenderFault": false,
                    "Code": code,
                    "Message": "We encountered an internal error. Please try again.",
                }));
            }
        }
    }
    json!({ "Successful": successful, "Failed": failed })
}
