use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::record::{Draft, Record};
use super::shard::Shard;
use crate::aws::adversity::{Adversary, Behaviour};
use crate::aws::tables::CommittedWrite;

const LATEST_SURFACING_MILLIS: u64 = 10_000;
const OLDEST_TRIMMED_MILLIS: u64 = 600_000;

/// A record that is gone.
#[derive(Clone, Debug)]
pub(crate) struct Trimmed {
    pub(crate) table: String,
    pub(crate) shard: String,
    pub(crate) record: Value,
}

/// The stream of a table, from one switching on to the next switching off.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) arn: String,
    pub(super) table: String,
    pub(super) label: String,
    pub(super) view_type: String,
    pub(super) key_schema: Value,
    pub(super) created: u64,
    pub(super) open: bool,
    pub(super) children_first: bool,
    /// Iterators from before this time are dead.
    pub(super) iterators_since: u64,
    pub(super) shards: BTreeMap<String, Shard>,
    /// What was trimmed and nobody has been told of yet, and from which shard.
    trimmed: Vec<(String, Record)>,
    /// The parent of every shard that there ever was, but for the first ones.
    pub(super) parents: BTreeMap<String, String>,
    pub(super) last_sequence: u64,
    /// Records on their way, by when they surface.
    pending: BTreeMap<(u64, u64), Draft>,
    taken: u64,
    /// When the latest pending record of an item surfaces.
    latest: BTreeMap<String, u64>,
}

impl Stream {
    pub(super) fn new(
        table: &str,
        key_schema: &Value,
        view_type: Option<&str>,
        number: usize,
        now: u64,
    ) -> Self {
        let label = format!("{now}.{number:03}");
        Self {
            arn: format!("arn:aws:dynamodb:us-east-1:000000000000:table/{table}/stream/{label}"),
            table: table.to_owned(),
            label,
            view_type: view_type.unwrap_or("NEW_AND_OLD_IMAGES").to_owned(),
            key_schema: key_schema.clone(),
            created: now,
            open: true,
            children_first: false,
            iterators_since: 0,
            shards: BTreeMap::new(),
            trimmed: Vec::new(),
            parents: BTreeMap::new(),
            last_sequence: 0,
            pending: BTreeMap::new(),
            taken: 0,
            latest: BTreeMap::new(),
        }
    }

    pub(super) fn summary(&self) -> Value {
        json!({ "StreamArn": self.arn, "TableName": self.table, "StreamLabel": self.label })
    }

    /// Whether it is off and nothing of it is left.
    pub(super) fn is_over(&self) -> bool {
        !self.open && self.shards.is_empty()
    }

    /// Takes a record on its way: it surfaces at once, or later, but never before an earlier one of its item.
    pub(super) fn take(
        &mut self,
        write: &CommittedWrite,
        event_id: &str,
        adversary: &mut Adversary,
    ) {
        let now = write.at_millis;
        let delay = if adversary.strikes(Behaviour::RecordDelayed) {
            adversary.between(1, LATEST_SURFACING_MILLIS)
        } else {
            0
        };
        let item = write.key.to_string();
        let earlier = self.latest.get(&item).copied().unwrap_or(0);
        let due = earlier.max(now + delay);
        self.latest.insert(item, due);
        self.taken += 1;
        let draft = Draft::new(write, event_id, &self.view_type);
        self.pending.insert((due, self.taken), draft);
    }

    /// Puts the records that are due by now into their shards; meanwhile shards may split, close and be trimmed.
    pub(super) fn surface(&mut self, now: u64, adversary: &mut Adversary, last_shard: &mut u64) {
        while let Some(first) = self.pending.first_entry() {
            let due = first.key().0;
            if due > now {
                break;
            }
            let draft = first.remove();
            self.grow(draft.hash, due, adversary, last_shard);
            self.append(draft, adversary.between(1, 1_000));
            if adversary.strikes(Behaviour::Trimmed) {
                let age = adversary.between(60_000, OLDEST_TRIMMED_MILLIS);
                self.trim_those(now.saturating_sub(age), |shard| shard.begun);
            }
        }
        self.latest.retain(|_, due| *due > now);
    }

    fn append(&mut self, draft: Draft, step: u64) {
        self.last_sequence += step;
        let id = self.open_for(draft.hash);
        let shard = self.shards.get_mut(&id).expect("it was just found");
        shard.last = self.last_sequence;
        shard.records.push_back(draft.numbered(self.last_sequence));
    }

    /// Ends it: what is on its way surfaces, and all shards are closed.
    pub(super) fn close(&mut self, now: u64) {
        for (_, draft) in std::mem::take(&mut self.pending) {
            self.append(draft, 1);
        }
        for id in self.open_shards() {
            self.close_shard(&id, now);
        }
        self.open = false;
    }

    /// Drops records and closed shards from before a time.
    pub(super) fn trim(&mut self, before: u64) {
        self.trim_those(before, |_| true);
    }

    fn trim_those(&mut self, before: u64, of: impl Fn(&Shard) -> bool) {
        for (id, shard) in self.shards.iter_mut().filter(|(_, shard)| of(shard)) {
            let records = shard.trim(before).into_iter();
            self.trimmed
                .extend(records.map(|record| (id.clone(), record)));
        }
        self.shards
            .retain(|_, shard| !shard.is_gone(before) || !of(shard));
    }

    /// What was trimmed since the last time.
    pub(super) fn take_trimmed(&mut self) -> impl Iterator<Item = Trimmed> {
        let table = self.table.clone();
        let records = std::mem::take(&mut self.trimmed).into_iter();
        records.map(move |(shard, record)| Trimmed {
            table: table.clone(),
            shard,
            record: record.json(),
        })
    }

    /// Whether a shard comes from another one, or is it.
    pub(super) fn comes_from(&self, shard: &str, other: &str) -> bool {
        let mut line = std::iter::successors(Some(shard), |shard| {
            self.parents.get(*shard).map(String::as_str)
        });
        line.any(|ancestor| ancestor == other)
    }

    pub(super) fn heal(&mut self, now: u64) {
        for shard in self.shards.values_mut() {
            shard.listed_from = shard.listed_from.min(now);
            shard.looks_open = false;
        }
    }
}
