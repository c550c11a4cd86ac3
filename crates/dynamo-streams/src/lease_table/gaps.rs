//! Gaps in the lease table.

use super::LeaseTable;
use super::encoding::{Attributes, keyed, s, time, wrong_family};
use super::key::{Key, PARTITION_KEY};
use super::requests::ignore_refusal;
use crate::arn;
use crate::error::Error;
use crate::item::Item;
use crate::observer::{GapCause, GapRecord};
use crate::sdk_error::classify;

impl LeaseTable {
    pub(super) async fn write_gap(&self, gap: &GapRecord) -> Result<(), Error> {
        self.put(encode(&self.application, gap)).await
    }

    pub(super) async fn write_end(&self, gap: &GapRecord) -> Result<(), Error> {
        let Some(to) = &gap.to else {
            return Ok(());
        };
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&key(&self.application, gap))))
            .update_expression("SET #to = :to")
            .condition_expression("attribute_exists(#pk)")
            .expression_attribute_names("#to", "to")
            .expression_attribute_names("#pk", PARTITION_KEY)
            .expression_attribute_values(":to", s(to));
        let answer = request.send().await;
        ignore_refusal(answer.map_err(|error| classify("UpdateItem", error)))
    }

    pub(super) async fn read_gaps(&self) -> Result<Vec<GapRecord>, Error> {
        let items = self.query(format!("GAP#{}", self.application)).await?;
        items.iter().map(decode).collect()
    }

    /// Removes a gap, unless it was found anew since it was read.
    pub(super) async fn delete_gap(&self, gap: &GapRecord) -> Result<(), Error> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&key(&self.application, gap))))
            .condition_expression("attribute_not_exists(#pk) OR detected_at = :detected_at")
            .expression_attribute_names("#pk", PARTITION_KEY)
            .expression_attribute_values(":detected_at", time(gap.detected_at));
        let answer = request.send().await;
        ignore_refusal(answer.map_err(|error| classify("DeleteItem", error)))
    }
}

fn key(application: &str, gap: &GapRecord) -> Key {
    Key::Gap {
        application: application.to_owned(),
        stream_arn: gap.stream_arn.clone(),
        shard_id: gap.shard_id.clone(),
        from: gap.from.clone(),
    }
}

fn encode(application: &str, gap: &GapRecord) -> Item {
    let mut item = keyed(&key(application, gap));
    let cause = match gap.cause {
        GapCause::Trimmed => "TRIMMED",
        GapCause::ShardMissing => "SHARD_MISSING",
        GapCause::ParentUnseen => "PARENT_UNSEEN",
    };
    item.insert("cause".to_owned(), s(cause));
    item.insert("detected_at".to_owned(), time(gap.detected_at));
    item.extend(gap.since.map(|since| ("since".to_owned(), time(since))));
    item.extend(gap.to.as_ref().map(|to| ("to".to_owned(), s(to))));
    item
}

fn decode(item: &Item) -> Result<GapRecord, Error> {
    let attributes = Attributes(item);
    let (stream_arn, shard_id, from) = match attributes.key()? {
        Key::Gap {
            stream_arn,
            shard_id,
            from,
            ..
        } => (stream_arn, shard_id, from),
        other @ (Key::Lease { .. }
        | Key::Worker { .. }
        | Key::Stream { .. }
        | Key::ParkedItem { .. }
        | Key::ParkedRecord { .. }
        | Key::SkippedRecord { .. }) => return Err(wrong_family(&other)),
    };
    Ok(GapRecord {
        table_name: arn::table_name(&stream_arn).to_owned(),
        stream_arn,
        shard_id,
        from,
        to: attributes.maybe_text("to").map(str::to_owned),
        cause: match attributes.text("cause")? {
            "TRIMMED" => GapCause::Trimmed,
            "SHARD_MISSING" => GapCause::ShardMissing,
            "PARENT_UNSEEN" => GapCause::ParentUnseen,
            other => return Err(Error::Corrupt(format!("{other} is no cause of a gap"))),
        },
        since: attributes.maybe_time("since")?.map(Into::into),
        detected_at: attributes.time("detected_at")?.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::samples::{epoch_time, gap};

    #[test]
    fn a_gap_survives_its_item() {
        for cause in [
            GapCause::Trimmed,
            GapCause::ShardMissing,
            GapCause::ParentUnseen,
        ] {
            for (from, to) in [(None, None), (Some("7"), None), (Some("7"), Some("9"))] {
                let gap = GapRecord {
                    cause,
                    from: from.map(str::to_owned),
                    to: to.map(str::to_owned),
                    since: to.map(|_| epoch_time(3).into()),
                    ..gap("s-1")
                };
                assert_eq!(decode(&encode("app", &gap)).unwrap(), gap);
            }
        }
    }
}
