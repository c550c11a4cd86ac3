use std::collections::VecDeque;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::record::Record;

/// What sequence numbers count from: they have 21 digits.
const SEQUENCE_BASE: u128 = 100_000_000_000_000_000_000;

/// The public form of a sequence number.
pub(super) fn public(sequence: u64) -> String {
    (SEQUENCE_BASE + u128::from(sequence)).to_string()
}

/// The number of a public one; none if it can't have been given out.
pub(super) fn private(public: &str) -> Option<u64> {
    let number: u128 = public.parse().ok()?;
    u64::try_from(number.checked_sub(SEQUENCE_BASE)?).ok()
}

/// One shard: the records of the items that hash into its range, while it is open.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) parent: Option<String>,
    pub(super) hashes: RangeInclusive<u32>,
    /// When listings begin to show it.
    pub(super) listed_from: u64,
    pub(super) closed: Option<u64>,
    /// Whether listings go on without an end to it.
    pub(super) looks_open: bool,
    /// Its records have greater numbers than this.
    pub(super) after: u64,
    /// The number of its newest record, or `after`.
    pub(super) last: u64,
    /// Records up to this number are gone.
    pub(super) trimmed_to: u64,
    /// Whether a reader has kept its place in it.
    pub(super) begun: bool,
    pub(super) records: VecDeque<Record>,
}

impl Shard {
    pub(super) fn new(
        parent: Option<String>,
        hashes: RangeInclusive<u32>,
        listed_from: u64,
        after: u64,
    ) -> Self {
        Self {
            parent,
            hashes,
            listed_from,
            closed: None,
            looks_open: false,
            after,
            last: after,
            trimmed_to: after,
            begun: false,
            records: VecDeque::new(),
        }
    }

    /// Drops the records from before a time; returns them.
    pub(super) fn trim(&mut self, before: u64) -> Vec<Record> {
        let mut dropped = Vec::new();
        while let Some(record) = self.records.pop_front_if(|record| record.created < before) {
            self.trimmed_to = record.sequence;
            dropped.push(record);
        }
        dropped
    }

    /// Whether it was closed before a time and nothing of it is left.
    pub(super) fn is_gone(&self, before: u64) -> bool {
        self.records.is_empty() && self.closed.is_some_and(|closed| closed < before)
    }

    /// As a listing shows it: open or closed, by what the listing says.
    pub(super) fn described(&self, id: &str, closed: bool) -> Value {
        let first = self.after + 1;
        let mut range = json!({ "StartingSequenceNumber": public(first) });
        if closed {
            range["EndingSequenceNumber"] = public(self.last.max(first)).into();
        }
        let mut described = json!({ "ShardId": id, "SequenceNumberRange": range });
        if let Some(parent) = &self.parent {
            described["ParentShardId"] = parent.as_str().into();
        }
        described
    }
}
