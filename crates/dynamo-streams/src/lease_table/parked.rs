//! Parked records in the lease table.

mod parts;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use parts::{decode_parts, encode_parts};

use super::LeaseTable;
use super::encoding::{Attributes, keyed, lease_key, n, s, time, wrong_family};
use super::key::{Key, PARTITION_KEY, SEPARATOR, SORT_KEY};
use super::requests::{accepted, ignore_refusal, read_all};
use super::updates::{HELD, refused};
use crate::error::Error;
use crate::item::{Item, ItemId, ItemKey};
use crate::lease::Guard;
use crate::observer::{GapRecord, ParkedRecord};
use crate::sdk_error::classify;
use crate::sequence::padded;
use crate::store::{Claim, ClaimOutcome, ParkOutcome, ParkedItem, ParkedStore, SkippedRecord};

impl ParkedStore for LeaseTable {
    async fn park(
        &self,
        guard: Option<&Guard>,
        parked: &ParkedRecord,
    ) -> Result<ParkOutcome, Error> {
        let mut writes = Vec::new();
        if let Some(guard) = guard {
            let check = TransactWriteItem::builder().condition_check(self.still_held(guard)?);
            writes.push(check.build());
        }
        let mark = TransactWriteItem::builder().update(self.mark_item(parked)?);
        let mark_at = writes.len();
        writes.push(mark.build());
        for item in encode_parts(&self.application, parked)? {
            let put = Put::builder().table_name(&self.table).set_item(Some(item));
            writes.push(
                TransactWriteItem::builder()
                    .put(built(put.build())?)
                    .build(),
            );
        }
        let request = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes));
        let Err(error) = request.send().await else {
            return Ok(ParkOutcome::Parked);
        };
        match refused_at(&error) {
            Some(at) if at == mark_at => Ok(ParkOutcome::ItemNotParked),
            Some(0) => Err(Error::Fenced),
            Some(_) | None => Err(transaction_error(error)),
        }
    }

    async fn parked_items(&self, table: Option<&str>) -> Result<Vec<ParkedItem>, Error> {
        let items = self.query(format!("LANE#{}", self.application)).await?;
        let items: Vec<ParkedItem> = items.iter().map(decode_item).collect::<Result<_, _>>()?;
        let wanted = |item: &ParkedItem| table.is_none_or(|table| table == item.table_name);
        Ok(items.into_iter().filter(wanted).collect())
    }

    async fn parked_records(
        &self,
        item_id: ItemId,
        limit: usize,
    ) -> Result<Vec<ParkedRecord>, Error> {
        let mut parts = self.parts(item_id).into_paginator().items().send();
        let (mut items, mut begun) = (Vec::new(), 0);
        while let Some(item) = parts
            .try_next()
            .await
            .map_err(|error| classify("Query", error))?
        {
            begun += usize::from(item.contains_key("reason"));
            if begun > limit {
                break;
            }
            items.push(item);
        }
        decode_parts(item_id, &items)
    }

    async fn claim(
        &self,
        item: &ParkedItem,
        redrive: &str,
        seen: Option<&Claim>,
    ) -> Result<ClaimOutcome, Error> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&self.item_key(item))))
            .update_expression("SET claimed_by = :redrive ADD claim_beat :one")
            .expression_attribute_names("#pk", PARTITION_KEY)
            .expression_attribute_values(":redrive", s(redrive))
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mine = "attribute_not_exists(claimed_by) OR claimed_by = :redrive";
        let free = |more: &str| format!("attribute_exists(#pk) AND ({mine}{more})");
        let request = match seen {
            Some(Claim { redrive, beat: 0 }) => request
                .condition_expression(free(
                    " OR (claimed_by = :seen AND attribute_not_exists(claim_beat))",
                ))
                .expression_attribute_values(":seen", s(redrive)),
            Some(Claim { redrive, beat }) => request
                .condition_expression(free(" OR (claimed_by = :seen AND claim_beat = :beat)"))
                .expression_attribute_values(":seen", s(redrive))
                .expression_attribute_values(":beat", n(beat)),
            None => request.condition_expression(free("")),
        };
        let error = match request.send().await {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                let version = Attributes(&item).number("version")?;
                return Ok(ClaimOutcome::Claimed { version });
            }
            Err(error) => error,
        };
        let other = refused(&error).map(|item| {
            let attributes = Attributes(item);
            Ok(ClaimOutcome::Others(Claim {
                redrive: attributes.text("claimed_by")?.to_owned(),
                // An older release wrote none.
                beat: attributes.maybe_number("claim_beat").unwrap_or(0),
            }))
        });
        match classify("UpdateItem", error) {
            error if error.is_fenced() => other.unwrap_or(Ok(ClaimOutcome::NotParked)),
            error => Err(error),
        }
    }

    async fn remove(
        &self,
        item: &ParkedItem,
        redrive: &str,
        sequence_number: &str,
        skipped: Option<&SkippedRecord>,
    ) -> Result<(), Error> {
        let parts = self.parts_of(item.item_id, sequence_number).await?;
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(keyed(&self.item_key(item))))
            .condition_expression("claimed_by = :redrive")
            .expression_attribute_values(":redrive", s(redrive));
        let mut writes = vec![
            TransactWriteItem::builder()
                .condition_check(built(check.build())?)
                .build(),
        ];
        if let Some(skipped) = skipped {
            let item = encode_skipped(&self.application, skipped);
            let put = Put::builder().table_name(&self.table).set_item(Some(item));
            let put = built(put.build())?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        for part in parts {
            let delete = Delete::builder()
                .table_name(&self.table)
                .set_key(Some(part));
            writes.push(
                TransactWriteItem::builder()
                    .delete(built(delete.build())?)
                    .build(),
            );
        }
        let request = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if refused_at(&error) == Some(0) => Err(Error::Fenced),
            Err(error) => Err(transaction_error(error)),
        }
    }

    async fn skipped_records(&self) -> Result<Vec<SkippedRecord>, Error> {
        let items = self.query(format!("SKIPPED#{}", self.application)).await?;
        items.iter().map(decode_skipped).collect()
    }

    async fn reopen(&self, item: &ParkedItem, redrive: &str, version: u64) -> Result<bool, Error> {
        let answer = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&self.item_key(item))))
            .condition_expression("claimed_by = :redrive AND #version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":redrive", s(redrive))
            .expression_attribute_values(":version", n(version))
            .send()
            .await
            .map_err(|error| classify("DeleteItem", error));
        accepted(answer)
    }

    async fn release_claim(&self, item: &ParkedItem, redrive: &str) -> Result<(), Error> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&self.item_key(item))))
            .update_expression("REMOVE claimed_by")
            .condition_expression("claimed_by = :redrive")
            .expression_attribute_values(":redrive", s(redrive))
            .send()
            .await
            .map_err(|error| classify("UpdateItem", error));
        ignore_refusal(answer)
    }

    async fn put_gap(&self, gap: &GapRecord) -> Result<(), Error> {
        self.write_gap(gap).await
    }

    async fn end_gap(&self, gap: &GapRecord) -> Result<(), Error> {
        self.write_end(gap).await
    }

    async fn gaps(&self) -> Result<Vec<GapRecord>, Error> {
        self.read_gaps().await
    }

    async fn acknowledge(&self, gap: &GapRecord) -> Result<(), Error> {
        self.delete_gap(gap).await
    }
}

impl LeaseTable {
    fn item_key(&self, item: &ParkedItem) -> Key {
        Key::ParkedItem {
            application: self.application.clone(),
            table: item.table_name.clone(),
            item_id: item.item_id,
        }
    }

    fn parts(&self, item_id: ItemId) -> QueryFluentBuilder {
        self.partition(format!("PARKED#{}{SEPARATOR}{item_id}", self.application))
    }

    /// Reads the keys of the parts of one record.
    async fn parts_of(&self, item_id: ItemId, sequence_number: &str) -> Result<Vec<Item>, Error> {
        let parts = self
            .parts(item_id)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :number)")
            .expression_attribute_names("#sk", SORT_KEY)
            .expression_attribute_values(":number", s(padded(sequence_number)))
            .projection_expression("#pk, #sk");
        read_all(parts).await
    }

    fn still_held(&self, guard: &Guard) -> Result<ConditionCheck, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(keyed(&lease_key(&self.application, &guard.shard))))
            .condition_expression(HELD)
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#epoch", "epoch")
            .expression_attribute_values(":owner", s(&guard.owner))
            .expression_attribute_values(":epoch", n(guard.epoch));
        built(check.build())
    }

    /// Marks the item as parked, or counts one more record of it.
    fn mark_item(&self, parked: &ParkedRecord) -> Result<Update, Error> {
        let key = Key::ParkedItem {
            application: self.application.clone(),
            table: parked.record.table_name.clone(),
            item_id: parked.item_id,
        };
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(keyed(&key)))
            .update_expression(
                "SET reason = if_not_exists(reason, :reason), parked_at = if_not_exists(parked_at, :now), #keys = if_not_exists(#keys, :keys) ADD #version :one",
            )
            .expression_attribute_names("#keys", "keys")
            .expression_attribute_values(":keys", AttributeValue::M(parked.record.keys.clone()))
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":reason", s(&parked.reason))
            .expression_attribute_values(":now", time(parked.parked_at))
            .expression_attribute_values(":one", n(1));
        let update = if parked.behind {
            update
                .condition_expression("attribute_exists(#pk)")
                .expression_attribute_names("#pk", PARTITION_KEY)
        } else {
            update
        };
        built(update.build())
    }
}

fn built<T>(built: Result<T, aws_sdk_dynamodb::error::BuildError>) -> Result<T, Error> {
    built.map_err(|error| Error::unavailable("TransactWriteItems", error))
}

/// The first write whose condition made the service refuse the transaction.
fn refused_at(error: &SdkError<TransactWriteItemsError>) -> Option<usize> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) =
        error.as_service_error()?
    else {
        return None;
    };
    cancelled
        .cancellation_reasons()
        .iter()
        .position(|reason| reason.code() == Some("ConditionalCheckFailed"))
}

/// A transaction that was cancelled by no condition conflicted with another write: a later attempt may succeed.
fn transaction_error(error: SdkError<TransactWriteItemsError>) -> Error {
    classify("TransactWriteItems", error)
}

fn encode_skipped(application: &str, skipped: &SkippedRecord) -> Item {
    let mut item = keyed(&Key::SkippedRecord {
        application: application.to_owned(),
        table: skipped.table_name.clone(),
        item_id: skipped.item_id,
        sequence_number: skipped.sequence_number.clone(),
    });
    let keys = AttributeValue::M(skipped.key.attributes().clone());
    item.extend([
        ("keys".to_owned(), keys),
        ("parked_reason".to_owned(), s(&skipped.parked_reason)),
        ("reason".to_owned(), s(&skipped.reason)),
        ("skipped_at".to_owned(), time(skipped.skipped_at)),
    ]);
    item
}

fn decode_skipped(item: &Item) -> Result<SkippedRecord, Error> {
    let attributes = Attributes(item);
    let (table_name, item_id, sequence_number) = match attributes.key()? {
        Key::SkippedRecord {
            table,
            item_id,
            sequence_number,
            ..
        } => (table, item_id, sequence_number),
        other @ (Key::Lease { .. }
        | Key::Worker { .. }
        | Key::Stream { .. }
        | Key::ParkedItem { .. }
        | Key::ParkedRecord { .. }
        | Key::Gap { .. }) => return Err(wrong_family(&other)),
    };
    Ok(SkippedRecord {
        table_name,
        item_id,
        key: item_key(item),
        sequence_number,
        parked_reason: attributes.text("parked_reason")?.to_owned(),
        reason: attributes.text("reason")?.to_owned(),
        skipped_at: attributes.time("skipped_at")?.into(),
    })
}

/// The key of the item that was parked; empty if an older release parked it.
fn item_key(item: &Item) -> ItemKey {
    let keys = item.get("keys").and_then(|keys| keys.as_m().ok());
    ItemKey::new(keys.cloned().unwrap_or_default())
}

fn decode_item(item: &Item) -> Result<ParkedItem, Error> {
    let attributes = Attributes(item);
    let (table_name, item_id) = match attributes.key()? {
        Key::ParkedItem { table, item_id, .. } => (table, item_id),
        other @ (Key::Lease { .. }
        | Key::Worker { .. }
        | Key::Stream { .. }
        | Key::ParkedRecord { .. }
        | Key::SkippedRecord { .. }
        | Key::Gap { .. }) => return Err(wrong_family(&other)),
    };
    Ok(ParkedItem {
        table_name,
        item_id,
        key: item_key(item),
        reason: attributes.text("reason")?.to_owned(),
        parked_at: attributes.time("parked_at")?.into(),
        version: attributes.number("version")?,
    })
}
