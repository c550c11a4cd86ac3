//! The bugs that show only where records are lost.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Bug;
use super::wire::{Spoiler, each, hold_always, ok};
use crate::aws::{ApiCall, ApiReply};
use crate::probe::in_hand;

const TRIMMED: &str = "TrimmedDataAccessException";

impl Spoiler {
    /// Spoils a request of who reads streams or repairs; returns an answer if it is not to be carried out at all.
    pub(super) fn request_of_losses(
        &mut self,
        operation: &str,
        request: &mut Value,
    ) -> Option<ApiReply> {
        let (bug, repairs) = (self.bug, in_hand().is_none());
        let gap = request["Item"]["PK"]["S"]
            .as_str()
            .is_some_and(|key| key.starts_with("GAP#"));
        let charge = request["TableName"] == "UsersCourses"
            && request["ExpressionAttributeValues"][":line"].is_object();
        match (operation, bug) {
            ("GetShardIterator", Bug::TrimmedPlaceLeft) => self.leave_place(request),
            ("PutItem", Bug::GapNotWritten) if gap => return Some(ok(&json!({}))),
            ("PutItem", Bug::RepairSkipsSessions)
                if repairs && request["TableName"] == "Sessions" =>
            {
                return Some(ok(&json!({})));
            }
            ("UpdateItem", Bug::RepairSkipsCharges) if repairs && charge => {
                return Some(ok(&json!({})));
            }
            ("UpdateItem", Bug::RepairChargesAgain) if repairs && charge => hold_always(request),
            _ => {}
        }
        None
    }

    /// Spoils an answer to who reads streams.
    pub(super) fn answer_of_losses(
        &mut self,
        call: &ApiCall,
        reply: &mut ApiReply,
        now: DateTime<Utc>,
    ) {
        match (call.operation(), self.bug) {
            ("GetShardIterator" | "GetRecords", Bug::TrimmedPlaceLeft) if reply.status == 400 => {
                let text = String::from_utf8_lossy(&reply.body).into_owned();
                if text.contains(TRIMMED) {
                    let shard = call.json()["ShardId"].as_str().map(str::to_owned);
                    self.trimmed.extend(shard);
                    reply.body = text.replace(TRIMMED, "ExpiredIteratorException").into();
                }
            }
            ("Query", Bug::ShardAgeForgotten) if reply.status == 200 => {
                let mut answer = reply.json();
                let leases = each(&mut answer["Items"]);
                for lease in leases.filter(|it| it["checkpoint_kind"]["S"] == "TRIM_HORIZON") {
                    lease["checkpointed_at"]["S"] = now.to_rfc3339().into();
                }
                reply.body = answer.to_string().into();
            }
            ("UpdateItem", Bug::ShardAgeForgotten) if reply.status == 200 => {
                let mut answer = reply.json();
                let lease = &mut answer["Attributes"];
                if lease["checkpoint_kind"]["S"] == "TRIM_HORIZON" {
                    lease["checkpointed_at"]["S"] = now.to_rfc3339().into();
                    reply.body = answer.to_string().into();
                }
            }
            _ => {}
        }
    }

    fn leave_place(&mut self, request: &mut Value) {
        let shard = request["ShardId"].as_str().unwrap_or_default();
        if self.trimmed.remove(shard) {
            request["ShardIteratorType"] = "TRIM_HORIZON".into();
            request
                .as_object_mut()
                .map(|it| it.remove("SequenceNumber"));
        }
    }
}
