//! Examples of the types.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};

use crate::item::ItemId;
use crate::lease::{Checkpoint, Heartbeat, Lease};
use crate::monitor::Snapshot;
use crate::observer::{GapCause, GapRecord, ParkedRecord};
use crate::record::{EventKind, Record};
use crate::source::ShardKey;

pub(crate) const STREAM: &str =
    "arn:aws:dynamodb:eu-west-1:1:table/Courses/stream/2026-01-01T00:00:00.000";
pub(crate) const TABLE: &str = "Courses";

/// A moment, some seconds after a fixed one.
pub(crate) fn epoch_time(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

/// The `number`-th change of an item; its sequence number and its age grow together.
pub(crate) fn record(item: &str, number: u64) -> Record {
    let keys = HashMap::from([("PK".to_owned(), AttributeValue::S(item.to_owned()))]);
    Record {
        stream_arn: STREAM.to_owned(),
        table_name: TABLE.to_owned(),
        event_id: format!("event-{number}"),
        event: EventKind::Modify,
        keys,
        old_image: None,
        new_image: None,
        sequence_number: number.to_string(),
        created_at: epoch_time(i64::try_from(number % (1 << 30)).expect("it is small")).into(),
        user_identity: None,
        size_bytes: 100,
        defect: None,
    }
}

pub(crate) fn item_id(item: &str) -> ItemId {
    record(item, 1).item_id()
}

pub(crate) fn shard(id: &str) -> ShardKey {
    ShardKey {
        stream_arn: STREAM.to_owned(),
        shard_id: id.to_owned(),
    }
}

pub(crate) fn free_lease(id: &str) -> Lease {
    Lease::new(shard(id), None, Checkpoint::TrimHorizon, epoch_time(0))
}

pub(crate) fn owned_lease(id: &str, owner: &str, epoch: u64) -> Lease {
    let mut lease = free_lease(id);
    lease.owner = Some(owner.to_owned());
    lease.epoch = epoch;
    lease
}

pub(crate) fn heartbeat(worker: &str, beat: u64) -> Heartbeat {
    Heartbeat {
        worker: worker.to_owned(),
        beat,
        sent_at: epoch_time(0),
        figures: Snapshot::default(),
    }
}

pub(crate) fn gap(shard_id: &str) -> GapRecord {
    GapRecord::new(STREAM, shard_id, GapCause::Trimmed, epoch_time(0).into())
}

pub(crate) fn parked(item: &str, number: u64, behind: bool) -> ParkedRecord {
    let record = record(item, number);
    ParkedRecord {
        item_id: record.item_id(),
        record,
        reason: "no such course".to_owned(),
        attempts: 3,
        behind,
        parked_at: epoch_time(1).into(),
    }
}
