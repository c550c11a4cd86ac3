//! The encoding of leases, streams and heartbeats as items of the lease table.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};

use super::key::{Key, PARTITION_KEY, SORT_KEY};
use crate::error::Error;
use crate::item::Item;
use crate::lease::{Checkpoint, Heartbeat, Lease, StreamEntry};
use crate::monitor::{Counters, Snapshot};
use crate::source::ShardKey;

/// Makes an item with its key.
pub(crate) fn keyed(key: &Key) -> Item {
    Item::from([
        (PARTITION_KEY.to_owned(), s(key.partition())),
        (SORT_KEY.to_owned(), s(key.sort())),
    ])
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn time(at: impl Into<DateTime<Utc>>) -> AttributeValue {
    s(at.into().to_rfc3339())
}

/// Encodes a checkpoint as the pair of its kind and its value.
pub(crate) fn encode_checkpoint(checkpoint: &Checkpoint) -> (AttributeValue, AttributeValue) {
    match checkpoint {
        Checkpoint::TrimHorizon => (s("TRIM_HORIZON"), s("-")),
        Checkpoint::Since(at) => (s("SINCE"), time(*at)),
        Checkpoint::After(number) => (s("AFTER"), s(number)),
    }
}

/// Reads attributes; an error names the one that is missing or malformed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'a>(pub(crate) &'a Item);

impl<'a> Attributes<'a> {
    pub(crate) fn key(self) -> Result<Key, Error> {
        Key::parse(self.text(PARTITION_KEY)?, self.text(SORT_KEY)?)
    }

    pub(crate) fn text(self, name: &str) -> Result<&'a str, Error> {
        self.maybe_text(name).ok_or_else(|| malformed(name))
    }

    pub(crate) fn maybe_text(self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    pub(crate) fn number<T: std::str::FromStr>(self, name: &str) -> Result<T, Error> {
        self.maybe_number(name).ok_or_else(|| malformed(name))
    }

    pub(crate) fn maybe_number<T: std::str::FromStr>(self, name: &str) -> Option<T> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    pub(crate) fn flag(self, name: &str) -> bool {
        self.0
            .get(name)
            .is_some_and(|value| value.as_bool() == Ok(&true))
    }

    pub(crate) fn time(self, name: &str) -> Result<DateTime<Utc>, Error> {
        self.text(name)?.parse().map_err(|_| malformed(name))
    }

    pub(crate) fn maybe_time(self, name: &str) -> Result<Option<DateTime<Utc>>, Error> {
        self.0.get(name).map(|_| self.time(name)).transpose()
    }

    pub(crate) fn checkpoint(self) -> Result<Checkpoint, Error> {
        match self.text("checkpoint_kind")? {
            "TRIM_HORIZON" => Ok(Checkpoint::TrimHorizon),
            "SINCE" => self.time("checkpoint").map(Checkpoint::Since),
            "AFTER" => Ok(Checkpoint::After(self.text("checkpoint")?.to_owned())),
            _ => Err(malformed("checkpoint_kind")),
        }
    }
}

fn malformed(name: &str) -> Error {
    Error::Corrupt(format!("the attribute {name} is missing or malformed"))
}

pub(crate) fn wrong_family(key: &Key) -> Error {
    Error::Corrupt(format!("{key:?} is not of the family that was asked for"))
}

pub(crate) fn encode_lease(application: &str, lease: &Lease) -> Item {
    let mut item = keyed(&lease_key(application, &lease.shard));
    let (kind, value) = encode_checkpoint(&lease.checkpoint);
    let parents = lease.parents.iter().map(s).collect();
    item.extend([
        ("checkpoint_kind".to_owned(), kind),
        ("checkpoint".to_owned(), value),
        ("parents".to_owned(), AttributeValue::L(parents)),
        ("epoch".to_owned(), n(lease.epoch)),
        ("load".to_owned(), n(lease.load)),
        ("checkpointed_at".to_owned(), time(lease.checkpointed_at)),
    ]);
    let optional = [
        ("owner", lease.owner.as_ref().map(s)),
        ("handover_to", lease.handover_to.as_ref().map(s)),
        ("finished_at", lease.finished_at.map(time)),
    ];
    let present = optional
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    item.extend(present);
    item
}

pub(crate) fn lease_key(application: &str, shard: &ShardKey) -> Key {
    Key::Lease {
        application: application.to_owned(),
        stream_arn: shard.stream_arn.clone(),
        shard_id: shard.shard_id.clone(),
    }
}

pub(crate) fn decode_lease(item: &Item) -> Result<Lease, Error> {
    let attributes = Attributes(item);
    let shard = match attributes.key()? {
        Key::Lease {
            stream_arn,
            shard_id,
            ..
        } => ShardKey {
            stream_arn,
            shard_id,
        },
        other @ (Key::Worker { .. }
        | Key::Stream { .. }
        | Key::ParkedItem { .. }
        | Key::ParkedRecord { .. }
        | Key::SkippedRecord { .. }
        | Key::Gap { .. }) => return Err(wrong_family(&other)),
    };
    let parents = item.get("parents").and_then(|value| value.as_l().ok());
    Ok(Lease {
        shard,
        parents: parents
            .into_iter()
            .flatten()
            .filter_map(|parent| parent.as_s().ok().cloned())
            .collect(),
        owner: attributes.maybe_text("owner").map(str::to_owned),
        epoch: attributes.number("epoch")?,
        checkpoint: attributes.checkpoint()?,
        handover_to: attributes.maybe_text("handover_to").map(str::to_owned),
        finished_at: attributes.maybe_time("finished_at")?,
        load: attributes.number("load")?,
        checkpointed_at: attributes.time("checkpointed_at")?,
    })
}

pub(crate) fn encode_stream(application: &str, stream: &StreamEntry) -> Item {
    let key = Key::Stream {
        application: application.to_owned(),
        stream_arn: stream.stream_arn.clone(),
    };
    let mut item = keyed(&key);
    let (kind, value) = encode_checkpoint(&stream.start);
    item.extend([
        ("checkpoint_kind".to_owned(), kind),
        ("checkpoint".to_owned(), value),
        ("seeded".to_owned(), AttributeValue::Bool(stream.seeded)),
        ("drained".to_owned(), AttributeValue::Bool(stream.drained)),
    ]);
    item
}

pub(crate) fn decode_stream(item: &Item) -> Result<StreamEntry, Error> {
    let attributes = Attributes(item);
    Ok(StreamEntry {
        stream_arn: attributes.text(SORT_KEY)?.to_owned(),
        start: attributes.checkpoint()?,
        seeded: attributes.flag("seeded"),
        drained: attributes.flag("drained"),
    })
}

pub(crate) fn encode_heartbeat(application: &str, heartbeat: &Heartbeat) -> Item {
    let key = Key::Worker {
        application: application.to_owned(),
        worker: heartbeat.worker.clone(),
    };
    let figures = &heartbeat.figures;
    let mut item = keyed(&key);
    item.insert("beat".to_owned(), n(heartbeat.beat));
    item.insert("beaten_at".to_owned(), time(heartbeat.sent_at));
    item.insert("unacknowledged".to_owned(), n(figures.in_flight));
    item.insert("shards".to_owned(), n(figures.shards));
    if let Some(age) = figures.oldest_unreacted_age {
        item.insert("oldest_unreacted_age_ms".to_owned(), n(age.as_millis()));
    }
    let counters = figures.counters.attributes().into_iter();
    item.extend(counters.map(|(name, value)| (name.to_owned(), n(value))));
    item
}

pub(crate) fn decode_heartbeat(item: &Item) -> Result<Heartbeat, Error> {
    let attributes = Attributes(item);
    let age = attributes
        .maybe_number("oldest_unreacted_age_ms")
        .map(Duration::from_millis);
    Ok(Heartbeat {
        worker: attributes.text(SORT_KEY)?.to_owned(),
        beat: attributes.number("beat")?,
        sent_at: attributes.time("beaten_at")?,
        figures: Snapshot {
            oldest_unreacted_age: age,
            trim_headroom: age.map(|age| crate::monitor::RETENTION.saturating_sub(age)),
            in_flight: attributes.maybe_number("unacknowledged").unwrap_or(0),
            shards: attributes.maybe_number("shards").unwrap_or(0),
            counters: Counters::from_attributes(|name| attributes.maybe_number(name)),
            ..Snapshot::default()
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::samples::{epoch_time, heartbeat, owned_lease};

    #[test]
    fn a_lease_survives_its_item_with_and_without_what_is_optional() {
        let mut lease = owned_lease("s-1", "w/1", 7);
        lease.parents = vec!["p".to_owned()];
        for checkpoint in [
            Checkpoint::TrimHorizon,
            Checkpoint::Since(epoch_time(5)),
            Checkpoint::After("42".to_owned()),
        ] {
            lease.checkpoint = checkpoint;
            assert_eq!(decode_lease(&encode_lease("app", &lease)).unwrap(), lease);
        }
        lease.owner = None;
        lease.handover_to = Some("w/2".to_owned());
        lease.finished_at = Some(epoch_time(9));
        assert_eq!(decode_lease(&encode_lease("app", &lease)).unwrap(), lease);
    }

    #[test]
    fn a_stream_and_a_heartbeat_survive_their_items() {
        let stream = StreamEntry {
            stream_arn: crate::internal::samples::STREAM.to_owned(),
            start: Checkpoint::Since(epoch_time(1)),
            seeded: true,
            drained: false,
        };
        assert_eq!(
            decode_stream(&encode_stream("app", &stream)).unwrap(),
            stream
        );
        let mut beat = heartbeat("w/1", 3);
        beat.figures.oldest_unreacted_age = Some(Duration::from_millis(1_500));
        beat.figures.trim_headroom = Some(crate::monitor::RETENTION - Duration::from_millis(1_500));
        beat.figures.counters.polls = 9;
        let item = encode_heartbeat("app", &beat);
        assert_eq!(decode_heartbeat(&item).unwrap(), beat);
    }

    #[test]
    fn an_item_that_lost_an_attribute_is_named() {
        let mut item = encode_lease("app", &owned_lease("s-1", "w", 1));
        item.remove("epoch");
        let error = decode_lease(&item).unwrap_err();
        assert!(error.to_string().contains("epoch"), "{error}");
    }
}
