//! The changes of each item: in what order they were handled, and which of them the streams have lost.

use std::collections::BTreeMap;
use std::time::Duration;

use dynamo_streams::Record;

use super::images::{Item, item, text};
use super::{Check, Findings};
use crate::aws::{CommittedWrite, Trimmed};

/// Table and the item's key.
type ItemKey = (String, String, String);

#[derive(Debug, Default)]
pub(super) struct Changes(BTreeMap<ItemKey, Vec<ItemChange>>);

#[derive(Debug)]
struct ItemChange {
    old: Option<Item>,
    new: Option<Item>,
    at: Duration,
    /// The ids of the notifications that it calls for.
    notifications: Vec<String>,
    done: bool,
    /// The shard that it was trimmed from.
    trimmed: Option<String>,
}

/// A change whose record is gone and was not handled.
#[derive(Debug)]
pub(super) struct Lost<'a> {
    pub(super) shard: &'a str,
    pub(super) at: Duration,
    pub(super) notifications: &'a [String],
    /// When the item went, if it did: from then on the tables show nothing of the change.
    pub(super) gone: Option<Duration>,
}

impl Changes {
    pub(super) fn written(
        &mut self,
        write: &CommittedWrite,
        now: Duration,
        notifications: Vec<String>,
    ) {
        let streamed = matches!(write.table.as_str(), "UsersCourses" | "Sessions");
        if !streamed || write.changes_nothing() {
            return;
        }
        let part = |name: &str| text(&write.key, name).unwrap_or_default().to_owned();
        let key = (write.table.clone(), part("PK"), part("SK"));
        self.0.entry(key).or_default().push(ItemChange {
            old: write.old.as_deref().map(item),
            new: write.new.as_deref().map(item),
            at: now,
            notifications,
            done: false,
            trimmed: None,
        });
    }

    pub(super) fn begun(&mut self, record: &Record, now: Duration, findings: &mut Findings) {
        let Some((changes, at)) = self.of_record(record) else {
            let detail = format!("record {} is of no change", record.sequence_number);
            findings.add(Check::ItemOrder, now, detail);
            return;
        };
        let open = |change: &ItemChange| !change.done && change.trimmed.is_none();
        if let Some(earlier) = changes[..at].iter().position(open) {
            let detail = format!(
                "change {at} of an item of {} began before change {earlier} was done",
                record.table_name
            );
            findings.add(Check::ItemOrder, now, detail);
        }
    }

    pub(super) fn done(&mut self, record: &Record) {
        if let Some((changes, at)) = self.of_record(record) {
            changes[at].done = true;
        }
    }

    /// A stream has dropped a record, read or not.
    pub(super) fn trimmed(&mut self, trimmed: &Trimmed) {
        let change = &trimmed.record["dynamodb"];
        let part = |name: &str| text(&change["Keys"], name).unwrap_or_default().to_owned();
        let image = |name: &str| change.get(name).map(item);
        let key = (trimmed.table.clone(), part("PK"), part("SK"));
        let (old, new) = (image("OldImage"), image("NewImage"));
        if let Some((changes, at)) = self.find(&key, old.as_ref(), new.as_ref()) {
            changes[at].trimmed = Some(trimmed.shard.clone());
        }
    }

    /// What was trimmed and has not been handled: it may still be, by who had read it before.
    pub(super) fn lost(&self) -> impl Iterator<Item = Lost<'_>> {
        self.0.values().flat_map(|changes| {
            let lost = changes.iter().enumerate();
            let lost = lost.filter(|(_, change)| !change.done);
            lost.filter_map(|(at, change)| {
                let gone = changes[at..].iter().find(|later| later.new.is_none());
                Some(Lost {
                    shard: change.trimmed.as_deref()?,
                    at: change.at,
                    notifications: &change.notifications,
                    gone: gone.map(|later| later.at),
                })
            })
        })
    }

    fn of_record(&mut self, record: &Record) -> Option<(&mut Vec<ItemChange>, usize)> {
        let part = |name: &str| {
            let value = record.keys.get(name)?.as_s().ok()?;
            Some(value.clone())
        };
        let key = (record.table_name.clone(), part("PK")?, part("SK")?);
        self.find(&key, record.old_image.as_ref(), record.new_image.as_ref())
    }

    fn find(
        &mut self,
        key: &ItemKey,
        old: Option<&Item>,
        new: Option<&Item>,
    ) -> Option<(&mut Vec<ItemChange>, usize)> {
        let changes = self.0.get_mut(key)?;
        let at = changes
            .iter()
            .position(|change| change.old.as_ref() == old && change.new.as_ref() == new)?;
        Some((changes, at))
    }
}
