//! What the stream processors did: order by item, checkpoints, fences.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dynamo_streams::Record;
use serde_json::Value;

use super::images::{Item, item, text};
use super::{Check, Findings};
use crate::aws::{ApiCall, ApiReply, CommittedWrite};

/// Table and the item's key.
type ItemKey = (String, String, String);
/// Stream and shard.
type ShardKey = (String, String);

#[derive(Debug, Default)]
pub(super) struct Streams {
    /// The shards of iterators.
    iterators: BTreeMap<String, ShardKey>,
    /// What was read of a shard: sequence numbers.
    read: BTreeMap<ShardKey, BTreeSet<u128>>,
    /// Table and sequence number of what was handled.
    done: BTreeSet<(String, u128)>,
    /// The changes of each item, in order.
    items: BTreeMap<ItemKey, Vec<ItemChange>>,
    /// The node of each worker that has sent a heartbeat.
    workers: BTreeMap<String, u32>,
}

#[derive(Debug)]
struct ItemChange {
    old: Option<Item>,
    new: Option<Item>,
    done: bool,
}

impl Streams {
    pub(super) fn opened(&mut self, call: &ApiCall, reply: &ApiReply) {
        let (request, answer) = (call.json(), reply.json());
        let part = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
        if let Some(iterator) = answer["ShardIterator"].as_str() {
            self.iterators
                .insert(iterator.to_owned(), (part("StreamArn"), part("ShardId")));
        }
    }

    pub(super) fn read(&mut self, call: &ApiCall, reply: &ApiReply) {
        let (request, answer) = (call.json(), reply.json());
        let iterator = request["ShardIterator"].as_str().unwrap_or_default();
        let Some(shard) = self.iterators.get(iterator).cloned() else {
            return;
        };
        if let Some(next) = answer["NextShardIterator"].as_str() {
            self.iterators.insert(next.to_owned(), shard.clone());
        }
        let numbers = answer["Records"].as_array().into_iter().flatten();
        let numbers = numbers.filter_map(|record| {
            record["dynamodb"]["SequenceNumber"]
                .as_str()?
                .parse::<u128>()
                .ok()
        });
        self.read.entry(shard).or_default().extend(numbers);
    }

    pub(super) fn item_written(&mut self, write: &CommittedWrite) {
        let streamed = matches!(write.table.as_str(), "UsersCourses" | "Sessions");
        if !streamed || write.changes_nothing() {
            return;
        }
        let part = |name: &str| text(&write.key, name).unwrap_or_default().to_owned();
        let key = (write.table.clone(), part("PK"), part("SK"));
        self.items.entry(key).or_default().push(ItemChange {
            old: write.old.as_deref().map(item),
            new: write.new.as_deref().map(item),
            done: false,
        });
    }

    pub(super) fn begun(&mut self, record: &Record, now: Duration, findings: &mut Findings) {
        let Some((changes, at)) = self.change(record) else {
            findings.add(
                Check::ItemOrder,
                now,
                format!("record {} is of no change", record.sequence_number),
            );
            return;
        };
        if let Some(earlier) = changes[..at].iter().position(|change| !change.done) {
            let detail = format!(
                "change {at} of an item of {} began before change {earlier} was done",
                record.table_name
            );
            findings.add(Check::ItemOrder, now, detail);
        }
    }

    pub(super) fn done(&mut self, record: &Record) {
        if let Some((changes, at)) = self.change(record) {
            changes[at].done = true;
        }
        let number = record.sequence_number.parse().unwrap_or_default();
        self.done.insert((record.table_name.clone(), number));
    }

    pub(super) fn lease_written(
        &mut self,
        write: &CommittedWrite,
        now: Duration,
        findings: &mut Findings,
    ) {
        let (Some(family), Some(sort)) = (text(&write.key, "PK"), text(&write.key, "SK")) else {
            return;
        };
        match family.split('#').next() {
            Some("WORKER") if write.new.is_some() => {
                self.workers.insert(sort.to_owned(), write.node);
            }
            Some("PARKED") => {
                findings.add(Check::Parked, now, format!("a record was parked: {sort}"));
            }
            Some("LEASE") => {
                if let (Some(old), Some(new)) = (&write.old, &write.new) {
                    self.checkpoint(sort, old, new, write.node, now, findings);
                }
            }
            _ => {}
        }
    }

    fn checkpoint(
        &self,
        sort: &str,
        old: &Value,
        new: &Value,
        node: u32,
        now: Duration,
        findings: &mut Findings,
    ) {
        let owner = |lease| text(lease, "owner").and_then(|owner| self.workers.get(owner));
        let moved = text(old, "owner").is_some() && text(old, "owner") != text(new, "owner");
        if moved && owner(old) != Some(&node) && owner(new) != Some(&node) {
            let holder = owner(old);
            let detail = format!("node {node} gave {sort} away, held by {holder:?}");
            findings.add(Check::Fence, now, detail);
        }
        let (before, after) = (reached(old), reached(new));
        let Some(after) = after.filter(|after| before != Some(*after)) else {
            return;
        };
        let holder = owner(old);
        if holder != Some(&node) {
            let detail = format!("node {node} wrote a checkpoint of {sort}, held by {holder:?}");
            findings.add(Check::Fence, now, detail);
        }
        if before.is_some_and(|before| after < before) {
            findings.add(
                Check::Checkpoint,
                now,
                format!("the checkpoint of {sort} went back"),
            );
        }
        let Some((stream, shard)) = sort.rsplit_once('#') else {
            return;
        };
        let table = stream.split('/').nth(1).unwrap_or_default();
        let read = self.read.get(&(stream.to_owned(), shard.to_owned()));
        let passed = read.into_iter().flat_map(|read| read.range(..=after));
        for number in passed {
            if !self.done.contains(&(table.to_owned(), *number)) {
                let detail = format!("the checkpoint of {sort} passed {number}, which is not done");
                findings.add(Check::Checkpoint, now, detail);
            }
        }
    }

    fn change(&mut self, record: &Record) -> Option<(&mut Vec<ItemChange>, usize)> {
        let part = |name: &str| {
            let value = record.keys.get(name)?.as_s().ok()?;
            Some(value.clone())
        };
        let key = (record.table_name.clone(), part("PK")?, part("SK")?);
        let changes = self.items.get_mut(&key)?;
        let at = changes
            .iter()
            .position(|change| change.old == record.old_image && change.new == record.new_image)?;
        Some((changes, at))
    }
}

fn reached(lease: &Value) -> Option<u128> {
    text(lease, "checkpoint_kind").filter(|kind| *kind == "AFTER")?;
    text(lease, "checkpoint")?.parse().ok()
}
