//! Parked records in the lease table.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};
use chrono::{DateTime, Utc};

use super::LeaseTable;
use super::encoding::{Attributes, keyed, lease_key, n, s, time, wrong_family};
use super::key::{Key, PARTITION_KEY, SEPARATOR, SORT_KEY};
use crate::error::Error;
use crate::lease::Guard;
use crate::observer::{GapRecord, QuarantinedRecord};
use crate::record::{Item, LaneId, Record};
use crate::sdk_error::classify;
use crate::sequence::padded;
use crate::store::{ParkOutcome, ParkedLane, ParkedStore};

/// Bytes of a record in one item: an item may have 400 KB, and a record brings two images of that size.
const PART_BYTES: usize = 300_000;

impl ParkedStore for LeaseTable {
    async fn parked_lanes(&self, table: &str) -> Result<BTreeSet<LaneId>, Error> {
        Ok(self
            .lanes(Some(table))
            .await?
            .into_iter()
            .map(|parked| parked.lane)
            .collect())
    }

    async fn park(&self, guard: &Guard, parked: &QuarantinedRecord) -> Result<ParkOutcome, Error> {
        let mut writes = vec![
            TransactWriteItem::builder()
                .condition_check(self.still_held(guard)?)
                .build(),
            TransactWriteItem::builder()
                .update(self.mark_lane(parked)?)
                .build(),
        ];
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
            Some(0) => Err(Error::Fenced),
            Some(1) => Ok(ParkOutcome::LaneOpen),
            Some(_) | None => Err(transaction_error(error)),
        }
    }

    async fn lanes(&self, table: Option<&str>) -> Result<Vec<ParkedLane>, Error> {
        let items = self.query(format!("LANE#{}", self.application)).await?;
        let lanes: Vec<ParkedLane> = items.iter().map(decode_lane).collect::<Result<_, _>>()?;
        let wanted = |lane: &ParkedLane| table.is_none_or(|table| table == lane.table_name);
        Ok(lanes.into_iter().filter(wanted).collect())
    }

    async fn parked(&self, lane: LaneId, limit: usize) -> Result<Vec<QuarantinedRecord>, Error> {
        let mut parts = self.parts(lane).into_paginator().items().send();
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
        decode_parts(lane, &items)
    }

    async fn claim(
        &self,
        lane: &ParkedLane,
        redrive: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<u64>, Error> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&self.lane_key(lane))))
            .update_expression("SET claimed_by = :redrive, claimed_until = :until")
            .condition_expression(
                "attribute_exists(#pk) AND (attribute_not_exists(claimed_by) OR claimed_by = :redrive OR claimed_until < :now)",
            )
            .expression_attribute_names("#pk", PARTITION_KEY)
            .expression_attribute_values(":redrive", s(redrive))
            .expression_attribute_values(":until", n(until.timestamp_millis()))
            .expression_attribute_values(":now", n(now.timestamp_millis()))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew)
            .send()
            .await
            .map_err(|error| classify("UpdateItem", error));
        match answer {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                Attributes(&item).number("version").map(Some)
            }
            Err(error) if error.is_fenced() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn remove(
        &self,
        lane: &ParkedLane,
        redrive: &str,
        sequence_number: &str,
    ) -> Result<(), Error> {
        let parts = self.parts_of(lane.lane, sequence_number).await?;
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(keyed(&self.lane_key(lane))))
            .condition_expression("claimed_by = :redrive")
            .expression_attribute_values(":redrive", s(redrive));
        let mut writes = vec![
            TransactWriteItem::builder()
                .condition_check(built(check.build())?)
                .build(),
        ];
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

    async fn reopen(&self, lane: &ParkedLane, redrive: &str, version: u64) -> Result<bool, Error> {
        let answer = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&self.lane_key(lane))))
            .condition_expression("claimed_by = :redrive AND #version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":redrive", s(redrive))
            .expression_attribute_values(":version", n(version))
            .send()
            .await
            .map_err(|error| classify("DeleteItem", error));
        match answer {
            Ok(_) => Ok(true),
            Err(error) if error.is_fenced() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn unclaim(&self, lane: &ParkedLane, redrive: &str) -> Result<(), Error> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&self.lane_key(lane))))
            .update_expression("REMOVE claimed_by, claimed_until")
            .condition_expression("claimed_by = :redrive")
            .expression_attribute_values(":redrive", s(redrive))
            .send()
            .await
            .map_err(|error| classify("UpdateItem", error));
        match answer {
            Err(error) if !error.is_fenced() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn put_gap(&self, gap: &GapRecord) -> Result<(), Error> {
        self.write_gap(gap).await
    }

    async fn gaps(&self) -> Result<Vec<GapRecord>, Error> {
        self.read_gaps().await
    }

    async fn acknowledge(&self, gap: &GapRecord) -> Result<(), Error> {
        self.delete_gap(gap).await
    }
}

impl LeaseTable {
    fn lane_key(&self, lane: &ParkedLane) -> Key {
        Key::Lane {
            application: self.application.clone(),
            table: lane.table_name.clone(),
            lane: lane.lane,
        }
    }

    fn parts(&self, lane: LaneId) -> QueryFluentBuilder {
        self.partition(format!("PARKED#{}{SEPARATOR}{lane}", self.application))
    }

    /// Reads the keys of the parts of one record.
    async fn parts_of(&self, lane: LaneId, sequence_number: &str) -> Result<Vec<Item>, Error> {
        self.parts(lane)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :number)")
            .expression_attribute_names("#sk", SORT_KEY)
            .expression_attribute_values(":number", s(padded(sequence_number)))
            .projection_expression("#pk, #sk")
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|error| classify("Query", error))
    }

    fn still_held(&self, guard: &Guard) -> Result<ConditionCheck, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(keyed(&lease_key(&self.application, &guard.shard))))
            .condition_expression("#owner = :owner AND #epoch = :epoch")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#epoch", "epoch")
            .expression_attribute_values(":owner", s(&guard.owner))
            .expression_attribute_values(":epoch", n(guard.epoch));
        built(check.build())
    }

    /// Enters the item into quarantine, or counts one more record of it.
    fn mark_lane(&self, parked: &QuarantinedRecord) -> Result<Update, Error> {
        let key = Key::Lane {
            application: self.application.clone(),
            table: parked.record.table_name.clone(),
            lane: parked.lane,
        };
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(keyed(&key)))
            .update_expression(
                "SET reason = if_not_exists(reason, :reason), parked_at = if_not_exists(parked_at, :now) ADD #version :one",
            )
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

/// A cancelled transaction that no condition refused met another write: a later try may succeed.
fn transaction_error(error: SdkError<TransactWriteItemsError>) -> Error {
    classify("TransactWriteItems", error)
}

fn encode_parts(application: &str, parked: &QuarantinedRecord) -> Result<Vec<Item>, Error> {
    let body = parked.record.to_bytes()?;
    let parts = body.chunks(PART_BYTES).zip(0_u16..).map(|(bytes, part)| {
        let mut item = keyed(&Key::Parked {
            application: application.to_owned(),
            lane: parked.lane,
            sequence_number: parked.record.sequence_number.clone(),
            part,
        });
        item.insert("body".to_owned(), AttributeValue::B(Blob::new(bytes)));
        if part == 0 {
            item.insert("reason".to_owned(), s(&parked.reason));
            item.insert("attempts".to_owned(), n(parked.attempts));
            item.insert("behind".to_owned(), AttributeValue::Bool(parked.behind));
            item.insert("parked_at".to_owned(), time(parked.parked_at));
        }
        item
    });
    Ok(parts.collect())
}

/// Puts the records of a lane together again; items arrive in the order of their keys.
fn decode_parts(lane: LaneId, items: &[Item]) -> Result<Vec<QuarantinedRecord>, Error> {
    let mut records: Vec<(&Item, Vec<u8>)> = Vec::new();
    for item in items {
        let part = match Attributes(item).key()? {
            Key::Parked { part, .. } => part,
            other @ (Key::Lease { .. }
            | Key::Worker { .. }
            | Key::Stream { .. }
            | Key::Lane { .. }
            | Key::Gap { .. }) => return Err(wrong_family(&other)),
        };
        if part == 0 {
            records.push((item, Vec::new()));
        }
        let body = item.get("body").and_then(|value| value.as_b().ok());
        match (records.last_mut(), body) {
            (Some((_, bytes)), Some(body)) => bytes.extend_from_slice(body.as_ref()),
            (_, _) => return Err(Error::Corrupt("a part of a parked record".to_owned())),
        }
    }
    let decoded = records.into_iter().map(|(item, body)| {
        let attributes = Attributes(item);
        Ok(QuarantinedRecord {
            record: Record::from_bytes(&body)?,
            lane,
            reason: attributes.text("reason")?.to_owned(),
            attempts: attributes.number("attempts")?,
            behind: attributes.flag("behind"),
            parked_at: attributes.time("parked_at")?,
        })
    });
    decoded.collect()
}

fn decode_lane(item: &Item) -> Result<ParkedLane, Error> {
    let attributes = Attributes(item);
    let (table_name, lane) = match attributes.key()? {
        Key::Lane { table, lane, .. } => (table, lane),
        other @ (Key::Lease { .. }
        | Key::Worker { .. }
        | Key::Stream { .. }
        | Key::Parked { .. }
        | Key::Gap { .. }) => return Err(wrong_family(&other)),
    };
    Ok(ParkedLane {
        table_name,
        lane,
        reason: attributes.text("reason")?.to_owned(),
        parked_at: attributes.time("parked_at")?,
        version: attributes.number("version")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parked;

    #[test]
    fn a_record_too_large_for_one_item_is_kept_in_parts() {
        let mut large = parked("a", 7, false);
        let image = Item::from([("text".to_owned(), s("x".repeat(390_000)))]);
        large.record.old_image = Some(image.clone());
        large.record.new_image = Some(image);
        let small = parked("a", 8, true);
        let mut items = encode_parts("app", &large).unwrap();
        assert_eq!(items.len(), 3);
        items.extend(encode_parts("app", &small).unwrap());
        assert_eq!(decode_parts(large.lane, &items).unwrap(), [large, small]);
    }

    #[test]
    fn a_lost_first_part_is_noticed() {
        let mut items = encode_parts("app", &parked("a", 7, false)).unwrap();
        items[0].insert("SK".to_owned(), s(format!("{:0>40}#001", 7)));
        assert!(decode_parts(crate::testing::lane("a"), &items).is_err());
    }
}
