//! Conditional updates of a lease.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use chrono::{DateTime, Utc};

use super::LeaseTable;
use super::encoding::{decode_lease, encode_checkpoint, keyed, lease_key, n, s, time};
use crate::error::Error;
use crate::item::Item;
use crate::lease::{Checkpoint, Guard, Seen};
use crate::sdk_error::classify;
use crate::sequence::padded;
use crate::source::ShardKey;

pub(super) const HELD: &str = "#owner = :owner AND #epoch = :epoch";
/// A checkpoint must not go back: a request on an abandoned connection may arrive after a later request of the same holder.
pub(super) const NOT_LATER: &str = "(attribute_not_exists(#reached) OR #reached <= :reached)";
/// Sets the checkpoint, and the attribute `reached`, in which checkpoints can be compared as text.
pub(super) const SET_CHECKPOINT: &str =
    "checkpoint_kind = :kind, #checkpoint = :checkpoint, #reached = :reached";

impl LeaseTable {
    /// An update of a lease that is still as it was seen.
    pub(super) fn update_seen(
        &self,
        seen: Seen<'_>,
        update: &str,
        more: &str,
    ) -> UpdateItemFluentBuilder {
        let owner = match seen.owner {
            Some(_) => "#owner = :owner",
            None => "attribute_not_exists(#owner)",
        };
        let values = HashMap::from([(":epoch".to_owned(), n(seen.epoch))]);
        let values = values
            .into_iter()
            .chain(seen.owner.map(|owner| (":owner".to_owned(), s(owner))))
            .collect();
        let condition =
            format!("{owner} AND #epoch = :epoch AND attribute_not_exists(finished_at){more}");
        self.update(seen.shard, update)
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values))
    }

    /// An update of a lease that its guard still holds.
    pub(super) fn update_held(&self, guard: &Guard, update: &str) -> UpdateItemFluentBuilder {
        self.update(&guard.shard, update)
            .condition_expression(HELD)
            .expression_attribute_values(":owner", s(&guard.owner))
            .expression_attribute_values(":epoch", n(guard.epoch))
    }

    pub(super) fn update(&self, shard: &ShardKey, update: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&lease_key(&self.application, shard))))
            .update_expression(update)
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#epoch", "epoch")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// An update that ends the hold of a lease, with its last checkpoint.
    pub(super) fn end(
        &self,
        guard: &Guard,
        checkpoint: Option<&str>,
        (set, remove): (&str, &str),
        read_at: Option<DateTime<Utc>>,
    ) -> UpdateItemFluentBuilder {
        let set = match read_at {
            Some(_) => format!("checkpointed_at = :read_at, {set}"),
            None => set.to_owned(),
        };
        let request = match checkpoint {
            Some(checkpoint) => {
                let update = format!("SET {SET_CHECKPOINT}, {set} REMOVE {remove}");
                self.update_checkpoint(guard, &update, checkpoint)
            }
            None => self.update_held(guard, &format!("SET {set} REMOVE {remove}")),
        };
        match read_at {
            Some(at) => request.expression_attribute_values(":read_at", time(at)),
            None => request,
        }
    }

    /// An update of a lease that its guard still holds, with [`SET_CHECKPOINT`].
    pub(super) fn update_checkpoint(
        &self,
        guard: &Guard,
        update: &str,
        checkpoint: &str,
    ) -> UpdateItemFluentBuilder {
        let (kind, value) = encode_checkpoint(&Checkpoint::After(checkpoint.to_owned()));
        self.update_held(guard, update)
            .expression_attribute_names("#checkpoint", "checkpoint")
            .expression_attribute_names("#reached", "reached")
            .expression_attribute_values(":kind", kind)
            .expression_attribute_values(":checkpoint", value)
            .expression_attribute_values(":reached", s(padded(checkpoint)))
    }

    /// Sends an update that ends a hold. If it is refused because the lease has its next owner under the next epoch, an earlier attempt of the
    /// same request has succeeded and its response was lost.
    pub(super) async fn send_end(
        &self,
        guard: &Guard,
        next_owner: Option<&str>,
        request: UpdateItemFluentBuilder,
    ) -> Result<(), Error> {
        let Err(error) = request.send().await else {
            return Ok(());
        };
        let ended = refused(&error)
            .map(decode_lease)
            .and_then(Result::ok)
            .is_some_and(|now| now.owner.as_deref() == next_owner && now.epoch == guard.epoch + 1);
        if ended {
            Ok(())
        } else {
            Err(classify("UpdateItem", error))
        }
    }
}

/// The item that made the service refuse an update.
pub(super) fn refused(error: &SdkError<UpdateItemError>) -> Option<&Item> {
    let UpdateItemError::ConditionalCheckFailedException(refusal) = error.as_service_error()?
    else {
        return None;
    };
    refusal.item()
}
