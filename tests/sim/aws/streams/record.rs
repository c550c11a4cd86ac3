use serde_json::json;

use crate::aws::tables::CommittedWrite;

/// One change of one item, as the API shows it.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) sequence: u64,
    /// When it was committed, in milliseconds since the Unix epoch.
    pub(super) created: u64,
    /// Its JSON.
    pub(super) text: String,
}

impl Record {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).expect("it was written here")
    }
}

/// A record that has not got its place and number yet.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) hash: u32,
    pub(super) created: u64,
    record: serde_json::Value,
}

impl Draft {
    pub(super) fn new(write: &CommittedWrite, event_id: &str, view_type: &str) -> Self {
        let event = match (&write.old, &write.new) {
            (None, _) => "INSERT",
            (Some(_), Some(_)) => "MODIFY",
            (Some(_), None) => "REMOVE",
        };
        let mut change = json!({
            "ApproximateCreationDateTime": write.at_millis / 1_000,
            "Keys": *write.key,
            "StreamViewType": view_type,
        });
        let images = [
            ("NewImage", &write.new, ["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]),
            ("OldImage", &write.old, ["OLD_IMAGE", "NEW_AND_OLD_IMAGES"]),
        ];
        for (name, image, views) in images {
            if let Some(image) = image.as_ref().filter(|_| views.contains(&view_type)) {
                change[name] = (**image).clone();
            }
        }
        change["SizeBytes"] = change.to_string().len().into();
        let record = json!({
            "eventID": event_id,
            "eventName": event,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": change,
        });
        Self {
            hash: hash(&write.key.to_string()),
            created: write.at_millis,
            record,
        }
    }

    pub(super) fn numbered(mut self, sequence: u64) -> Record {
        self.record["dynamodb"]["SequenceNumber"] = super::shard::public(sequence).into();
        Record {
            sequence,
            created: self.created,
            text: self.record.to_string(),
        }
    }
}

/// Where an item belongs: FNV-1a, the upper half of 64 bits.
fn hash(key: &str) -> u32 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in key.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // FNV's upper bits hardly know of the last bytes, in which keys differ.
    hash ^= hash >> 32;
    u32::try_from(hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).expect("32 bits")
}
