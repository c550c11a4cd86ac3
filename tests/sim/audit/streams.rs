//! What the stream processors did with their leases: checkpoints, fences.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::images::text;
use super::{Check, Findings};
use crate::aws::{ApiCall, ApiReply, CommittedWrite};

/// Stream and shard.
type ShardKey = (String, String);

#[derive(Debug, Default)]
pub(super) struct Streams {
    /// The shards of iterators.
    iterators: BTreeMap<String, ShardKey>,
    /// What was read of a shard: sequence numbers.
    read: BTreeMap<ShardKey, BTreeSet<u128>>,
    /// Table and sequence number of what was handled, or is gone.
    done: BTreeSet<(String, u128)>,
    /// The shards in which a checkpoint was written, for whoever wants to know.
    begun: Vec<ShardKey>,
    /// The tables whose streams have all their first shards.
    seeded: BTreeSet<String>,
    /// The node of each worker that has sent a heartbeat.
    workers: BTreeMap<String, u32>,
    /// The workers that have removed their heartbeats themselves.
    left: BTreeSet<String>,
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

    /// A record is handled, or is gone: a checkpoint may pass it.
    pub(super) fn passable(&mut self, table: &str, sequence_number: &str) {
        let number = sequence_number.parse().unwrap_or_default();
        self.done.insert((table.to_owned(), number));
    }

    /// The shards in which the first checkpoint was written since the last time.
    pub(super) fn take_begun(&mut self) -> Vec<ShardKey> {
        std::mem::take(&mut self.begun)
    }

    /// Of how many streams the processors know where to begin.
    pub(super) fn seeded(&self) -> usize {
        self.seeded.len()
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
                if self.left.contains(sort) {
                    let detail = format!("{sort} has left and has a heartbeat again");
                    findings.add(Check::Ghost, now, detail);
                }
            }
            Some("WORKER") if self.workers.get(sort) == Some(&write.node) => {
                self.left.insert(sort.to_owned());
            }
            Some("STREAM") => {
                let seeded = write.new.as_ref().map(|stream| &stream["seeded"]["BOOL"]);
                if seeded.is_some_and(|it| it == true) {
                    self.seeded.insert(sort.to_owned());
                }
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
        &mut self,
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
        if before.is_none() {
            self.begun.push((stream.to_owned(), shard.to_owned()));
        }
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
}

fn reached(lease: &Value) -> Option<u128> {
    text(lease, "checkpoint_kind").filter(|kind| *kind == "AFTER")?;
    text(lease, "checkpoint")?.parse().ok()
}
