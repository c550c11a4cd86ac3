use arthouse_store::{Key, Table};
use dynamo_streams::{Item, ParkedItem, ParkedRecord, SkipPolicy};

use super::ReactionHandler;
use crate::Reconciler;

/// Which parked records a redrive skips. Before one is skipped, its student is repaired from the tables as by a reconciliation.
#[derive(Debug)]
pub struct RecordSkips {
    handler: ReactionHandler,
    reconciler: Reconciler,
    which: SkippedRecords,
}

/// Which parked records are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkippedRecords {
    /// Those whose images can't be read, so that nobody can react to them.
    Unreadable,
    /// The record with this sequence number.
    One {
        /// Its sequence number.
        sequence_number: String,
        /// Why it is skipped.
        reason: String,
    },
}

impl RecordSkips {
    /// Makes the policy of a redrive.
    pub fn new(handler: ReactionHandler, reconciler: Reconciler, which: SkippedRecords) -> Self {
        Self {
            handler,
            reconciler,
            which,
        }
    }
}

impl SkipPolicy for RecordSkips {
    fn skip(&self, parked: &ParkedRecord) -> Option<String> {
        match &self.which {
            SkippedRecords::Unreadable => self.handler.defect(&parked.record),
            SkippedRecords::One {
                sequence_number,
                reason,
            } => (parked.record.sequence_number == *sequence_number).then(|| reason.clone()),
        }
    }

    async fn repair(&self, item: &ParkedItem, parked: &ParkedRecord) -> Result<(), String> {
        let table = self.handler.tables.table(&item.table_name);
        // An older release stored no key with the item.
        let keys = [item.key.attributes(), &parked.record.keys];
        let key = table.and_then(|table| keys.into_iter().find_map(|keys| key(table, keys)));
        let (user_id, course_id) = match key {
            Some(Key::Application(user_id, course_id) | Key::Enrollment(user_id, course_id)) => {
                (user_id, course_id)
            }
            Some(Key::Session(course_id, _, user_id)) => (user_id, course_id),
            // Nothing follows from the changes of such an item.
            Some(Key::Course(_) | Key::Receipt(..)) | None => return Ok(()),
        };
        let changed_at = parked.record.created_at.into();
        let repair = self
            .reconciler
            .repair_student(&user_id, &course_id, changed_at);
        repair.await.map_err(|error| crate::chain(&error))
    }
}

fn key(table: Table, attributes: &Item) -> Option<Key> {
    let text = |name: &str| Some(attributes.get(name)?.as_s().ok()?.as_str());
    Key::parse(table, text("PK")?, text("SK")).ok()
}
