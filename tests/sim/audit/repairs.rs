//! The gaps that the stream processors noticed, and what was done about them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::images::text;
use crate::aws::{Aws, CommittedWrite};

#[derive(Debug, Default)]
pub(super) struct Repairs {
    gaps: Vec<Gap>,
    /// Who knows the lines of the shards.
    pub(super) lines: Option<Aws>,
    pub(super) made: Made,
}

/// A gap each time it was found; found anew, it must be repaired anew.
#[derive(Debug)]
struct Gap {
    key: String,
    found: Duration,
    repaired: Option<Duration>,
}

/// What was written by whoever had no record in hand: by a repair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) initialisations: u64,
    pub(crate) charges: u64,
}

/// What the streams have lost, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Toll {
    /// Records that were trimmed and never handled.
    pub(crate) lost: u64,
    /// Notifications that nobody could know of any more.
    pub(crate) untellable: u64,
    /// Gaps that were found.
    pub(crate) gaps: u64,
    /// What the repairs wrote.
    pub(crate) made: Made,
}

impl Toll {
    pub(crate) fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.untellable += other.untellable;
        self.gaps += other.gaps;
        self.made.initialisations += other.made.initialisations;
        self.made.charges += other.made.charges;
    }
}

impl Repairs {
    /// The lease table's item of a gap was written.
    pub(super) fn gap_written(&mut self, key: &str, write: &CommittedWrite, now: Duration) {
        let found_at = |image: &Option<std::sync::Arc<Value>>| {
            let found = image.as_ref().and_then(|gap| text(gap, "detected_at"));
            found.map(str::to_owned)
        };
        if write.new.is_none() {
            let open = self.gaps.iter_mut().filter(|gap| gap.key == key);
            for gap in open.filter(|gap| gap.repaired.is_none()) {
                gap.repaired = Some(now);
            }
        } else if found_at(&write.old) != found_at(&write.new) {
            self.gaps.push(Gap {
                key: key.to_owned(),
                found: now,
                repaired: None,
            });
        }
    }

    /// Whether a gap was found since then in a shard or in one that it comes from or that comes from it, and when the first of those
    /// was repaired, if any was.
    pub(super) fn since(&self, shard: &str, then: Duration) -> Option<Option<Duration>> {
        let lines = &self.lines;
        let of_line = |gap: &&Gap| {
            let of = gap.key.split('#').nth(1).unwrap_or_default();
            gap.found >= then
                && lines
                    .as_ref()
                    .is_some_and(|it| it.are_of_one_line(shard, of))
        };
        let mut found = self.gaps.iter().filter(of_line).peekable();
        found.peek()?;
        Some(found.filter_map(|gap| gap.repaired).min())
    }

    /// What is still to be done, where these gaps are told of.
    pub(super) fn pending(&self, told: &BTreeSet<String>) -> Vec<String> {
        let open = self.gaps.iter().filter(|gap| gap.repaired.is_none());
        let open = open.map(|gap| format!("the gap {} is not repaired", gap.key));
        let untold = self.keys().filter(|key| !told.contains(*key));
        let untold = untold.map(|key| format!("there is no notice of the gap {key}"));
        open.chain(untold).collect()
    }

    /// The keys of all gaps.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.gaps.iter().map(|gap| gap.key.as_str())
    }

    pub(super) fn item_written(&mut self, write: &CommittedWrite) {
        if write.table != "UsersCourses" {
            return;
        }
        let (old, new) = (write.old.as_deref(), write.new.as_deref());
        let (Some(old), Some(new)) = (old, new) else {
            return;
        };
        let charges = |image: &Value| image["Charges"]["M"].as_object().map_or(0, |it| it.len());
        let initialised = |image: &Value| text(image, "SessionsInitializedAt").is_some();
        self.made.charges += u64::from(charges(new) > charges(old));
        self.made.initialisations += u64::from(initialised(new) && !initialised(old));
    }
}
