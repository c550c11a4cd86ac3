//! How the tree of shards grows.

use std::ops::RangeInclusive;

use super::shard::Shard;
use super::stream::Stream;
use crate::aws::adversity::{Adversary, Behaviour};

const LATEST_LISTING_MILLIS: u64 = 60_000;

impl Stream {
    /// Before a record goes into its shard, that may give way to children.
    pub(super) fn grow(
        &mut self,
        hash: u32,
        now: u64,
        adversary: &mut Adversary,
        last_shard: &mut u64,
    ) {
        let split = adversary.strikes(Behaviour::ShardSplit);
        if !split && !adversary.strikes(Behaviour::ShardRolledOver) {
            return;
        }
        let id = self.open_for(hash);
        let mut listed_from = || {
            if adversary.strikes(Behaviour::LateChildren) {
                now + adversary.between(1, LATEST_LISTING_MILLIS)
            } else {
                now
            }
        };
        let listed = [listed_from(), listed_from()];
        if split {
            self.split(&id, listed, last_shard, now);
        } else {
            self.roll_over(&id, listed[0], last_shard, now);
        }
        if adversary.strikes(Behaviour::OpenParent) {
            self.shards
                .get_mut(&id)
                .expect("it was just closed")
                .looks_open = true;
        }
    }

    pub(super) fn split(&mut self, id: &str, listed: [u64; 2], last_shard: &mut u64, now: u64) {
        let (first, last) = self.shards[id].hashes.clone().into_inner();
        if first == last {
            return self.roll_over(id, listed[0], last_shard, now);
        }
        self.close_shard(id, now);
        let middle = first + (last - first) / 2;
        for (hashes, listed) in [first..=middle, middle + 1..=last].into_iter().zip(listed) {
            self.add(Some(id), hashes, listed, last_shard, now);
        }
    }

    pub(super) fn roll_over(&mut self, id: &str, listed: u64, last_shard: &mut u64, now: u64) {
        let hashes = self.shards[id].hashes.clone();
        self.close_shard(id, now);
        self.add(Some(id), hashes, listed, last_shard, now);
    }

    pub(super) fn open_first_shards(&mut self, count: u32, last_shard: &mut u64, now: u64) {
        let width = u32::MAX / count.max(1);
        for number in 0..count.max(1) {
            let first = number * width;
            let last = if number + 1 >= count {
                u32::MAX
            } else {
                first + width - 1
            };
            self.add(None, first..=last, now, last_shard, now);
        }
    }

    pub(super) fn add(
        &mut self,
        parent: Option<&str>,
        hashes: RangeInclusive<u32>,
        listed_from: u64,
        last_shard: &mut u64,
        now: u64,
    ) {
        *last_shard += 1;
        let id = format!("shardId-{now:020}-{last_shard:08x}");
        // A reader takes a parent that is not listed for one that is gone: no shard is listed before its parent.
        let listed_from = parent.map_or(listed_from, |parent| {
            listed_from.max(self.shards[parent].listed_from)
        });
        let parent = parent.map(str::to_owned);
        self.parents
            .extend(parent.clone().map(|parent| (id.clone(), parent)));
        let shard = Shard::new(parent, hashes, listed_from, self.last_sequence);
        self.shards.insert(id, shard);
    }

    pub(super) fn close_shard(&mut self, id: &str, now: u64) {
        let shard = self.shards.get_mut(id).expect("the caller names a shard");
        shard.closed = Some(now);
    }

    /// The shard that takes the records of items with this hash.
    pub(super) fn open_for(&self, hash: u32) -> String {
        let mut shards = self.shards.iter();
        let found =
            shards.find(|(_, shard)| shard.closed.is_none() && shard.hashes.contains(&hash));
        found
            .expect("the open shards have all hashes between them")
            .0
            .clone()
    }

    pub(super) fn open_shards(&self) -> Vec<String> {
        let open = self
            .shards
            .iter()
            .filter(|(_, shard)| shard.closed.is_none());
        open.map(|(id, _)| id.clone()).collect()
    }
}
