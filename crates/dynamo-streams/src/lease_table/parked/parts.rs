//! The encoding of a parked record as one or more items, by its size.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::error::Error;
use crate::item::{Item, ItemId};
use crate::lease_table::encoding::{Attributes, keyed, n, s, time, wrong_family};
use crate::lease_table::key::Key;
use crate::observer::ParkedRecord;
use crate::record::Record;

/// Bytes of a record in one item. An item may have 400 KB, and a record can have two images of that size.
const PART_BYTES: usize = 300_000;

pub(super) fn encode_parts(application: &str, parked: &ParkedRecord) -> Result<Vec<Item>, Error> {
    let body = parked.record.to_bytes()?;
    let parts = body.chunks(PART_BYTES).zip(0_u16..).map(|(bytes, part)| {
        let mut item = keyed(&Key::ParkedRecord {
            application: application.to_owned(),
            item_id: parked.item_id,
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

/// Decodes the parked records of an item from their parts, in the order of their keys.
pub(super) fn decode_parts(item_id: ItemId, items: &[Item]) -> Result<Vec<ParkedRecord>, Error> {
    let mut records: Vec<(&Item, String, Vec<u8>)> = Vec::new();
    for item in items {
        let (sequence_number, part) = match Attributes(item).key()? {
            Key::ParkedRecord {
                sequence_number,
                part,
                ..
            } => (sequence_number, part),
            other @ (Key::Lease { .. }
            | Key::Worker { .. }
            | Key::Stream { .. }
            | Key::ParkedItem { .. }
            | Key::SkippedRecord { .. }
            | Key::Gap { .. }) => return Err(wrong_family(&other)),
        };
        if part == 0 {
            records.push((item, sequence_number, Vec::new()));
        }
        let body = item.get("body").and_then(|value| value.as_b().ok());
        match (records.last_mut(), body) {
            (Some((_, _, bytes)), Some(body)) => bytes.extend_from_slice(body.as_ref()),
            (_, _) => return Err(Error::Corrupt("a part of a parked record".to_owned())),
        }
    }
    let decoded = records.into_iter().map(|(item, sequence_number, body)| {
        let attributes = Attributes(item);
        let parked_at = attributes.time("parked_at")?;
        let record = Record::from_bytes(&body).unwrap_or_else(|error| {
            Record::undecodable(sequence_number, parked_at, error.to_string())
        });
        Ok(ParkedRecord {
            record,
            item_id,
            reason: attributes.text("reason")?.to_owned(),
            attempts: attributes.number("attempts")?,
            behind: attributes.flag("behind"),
            parked_at: parked_at.into(),
        })
    });
    decoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::samples::parked;

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
        assert_eq!(decode_parts(large.item_id, &items).unwrap(), [large, small]);
    }

    #[test]
    fn a_body_that_cannot_be_decoded_hides_no_other_record() {
        let record = parked("a", 7, false);
        let mut items = encode_parts("app", &record).unwrap();
        items[0].insert("body".to_owned(), AttributeValue::B(Blob::new(b"{}")));
        items.extend(encode_parts("app", &parked("a", 8, true)).unwrap());
        let decoded = decode_parts(record.item_id, &items).unwrap();
        assert!(decoded[0].record.defect.is_some());
        assert_eq!(decoded[0].record.sequence_number, "7");
        assert_eq!(decoded[1], parked("a", 8, true));
    }

    #[test]
    fn a_lost_first_part_is_noticed() {
        let mut items = encode_parts("app", &parked("a", 7, false)).unwrap();
        items[0].insert("SK".to_owned(), s(format!("{:0>40}#001", 7)));
        assert!(decode_parts(crate::internal::samples::item_id("a"), &items).is_err());
    }
}
