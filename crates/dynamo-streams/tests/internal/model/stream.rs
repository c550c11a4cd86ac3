//! The stream of the model: two shards, one of which may split into two.

use crate::internal::samples::{record, shard};
use crate::lease::Checkpoint;
use crate::record::Record;
use crate::source::{ListedShard, RecordsPage, ShardKey};

pub(super) type ShardNo = usize;

/// The shard that splits.
pub(super) const PARENT: ShardNo = 0;
/// The shard that does not split. It takes no more records, and neither do the children.
pub(super) const OTHER: ShardNo = 1;
/// The first of the two children.
pub(super) const CHILDREN: [ShardNo; 2] = [2, 3];
const IDS: [&str; 4] = ["shardId-1", "shardId-2", "shardId-3", "shardId-4"];

/// Which records the shards have. The number of a record is its place here, from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout(pub(super) &'static [(ShardNo, &'static str)]);

/// Names a shard.
pub(super) fn key(no: ShardNo) -> ShardKey {
    shard(IDS[no])
}

/// The number of a shard.
pub(super) fn number(key: &ShardKey) -> ShardNo {
    let place = IDS.iter().position(|id| *id == key.shard_id);
    place.expect("the model has no other shards")
}

pub(super) fn is_child(no: ShardNo) -> bool {
    CHILDREN.contains(&no)
}

/// A set of records by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Records(u16);

impl Records {
    pub(super) fn add(&mut self, number: u64) {
        self.0 |= 1 << number;
    }

    pub(super) fn has(self, number: u64) -> bool {
        self.0 & (1 << number) != 0
    }
}

impl Layout {
    pub(super) fn numbers(self) -> impl Iterator<Item = u64> {
        1..=self.0.len() as u64
    }

    pub(super) fn shard_of(self, number: u64) -> ShardNo {
        self.place(number).0
    }

    pub(super) fn item_of(self, number: u64) -> &'static str {
        self.place(number).1
    }

    fn place(self, number: u64) -> (ShardNo, &'static str) {
        self.0[usize::try_from(number - 1).expect("it is small")]
    }

    /// The records of a shard, the oldest first.
    pub(super) fn of_shard(self, no: ShardNo) -> impl Iterator<Item = u64> {
        self.numbers()
            .filter(move |number| self.shard_of(*number) == no)
    }

    /// The record before this one of the same item.
    pub(super) fn predecessor(self, number: u64) -> Option<u64> {
        let mut earlier = (1..number).rev();
        earlier.find(|earlier| self.item_of(*earlier) == self.item_of(number))
    }

    fn record(self, number: u64) -> Record {
        record(self.item_of(number), number)
    }
}

/// What the service shows. When the parent splits can be told from nothing but its end, once somebody reads it, and the
/// children, once they are listed: so the split has no moment of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Stream {
    /// How many of the children the listings show: they may come late.
    pub(super) children_listed: usize,
}

impl Stream {
    pub(super) fn listing(self) -> Vec<ListedShard> {
        let listed = |no: ShardNo| ListedShard {
            id: IDS[no].to_owned(),
            parent: is_child(no).then(|| IDS[PARENT].to_owned()),
            first_sequence_number: None,
        };
        let children = CHILDREN.into_iter().take(self.children_listed);
        [PARENT, OTHER]
            .into_iter()
            .chain(children)
            .map(listed)
            .collect()
    }
}

/// What a read behind `after` brings: all records, and then the end. That of the first shards comes on a page of its own.
pub(super) fn page(layout: Layout, no: ShardNo, after: u64) -> RecordsPage {
    let new: Vec<u64> = layout
        .of_shard(no)
        .filter(|number| *number > after)
        .collect();
    let last = new.last().copied();
    let records = new
        .into_iter()
        .map(|number| layout.record(number))
        .collect();
    let next = last.filter(|_| !is_child(no)).map(|last| last.to_string());
    RecordsPage { records, next }
}

/// The number of the last record up to which all are finished, 0 at the beginning.
pub(super) fn position(checkpoint: &Checkpoint) -> u64 {
    match checkpoint {
        Checkpoint::TrimHorizon | Checkpoint::Since(_) => 0,
        Checkpoint::After(number) => number.parse().expect("the model's numbers are small"),
    }
}
