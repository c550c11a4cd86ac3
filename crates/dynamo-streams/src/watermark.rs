//! The watermark: the end of the contiguous run of finished records, which is the checkpoint.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::record::Record;

/// The records of a shard from the first unfinished one on, in the order they were read.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Watermark {
    slots: VecDeque<Slot>,
    first: u64,
    unfinished: usize,
    unfinished_bytes: u64,
    checkpoint: Option<String>,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Slot {
    sequence_number: String,
    created_at: DateTime<Utc>,
    record: Option<Arc<Record>>,
    attempts: u32,
}

impl Watermark {
    /// Appends a record that was read and returns its ordinal.
    pub(crate) fn push(&mut self, record: Arc<Record>) -> u64 {
        self.unfinished += 1;
        self.unfinished_bytes += record.size_bytes;
        self.slots.push_back(Slot {
            sequence_number: record.sequence_number.clone(),
            created_at: record.created_at.into(),
            record: Some(record),
            attempts: 0,
        });
        self.first + self.slots.len() as u64 - 1
    }

    /// The record of an ordinal, unless it is finished.
    pub(crate) fn record(&self, ordinal: u64) -> Option<&Arc<Record>> {
        self.slot(ordinal)?.record.as_ref()
    }

    /// The number of attempts at the record.
    pub(crate) fn attempts(&self, ordinal: u64) -> u32 {
        self.slot(ordinal).map_or(0, |slot| slot.attempts)
    }

    /// Counts an attempt at the record and returns its number, from 1.
    pub(crate) fn count_attempt(&mut self, ordinal: u64) -> u32 {
        let Some(slot) = self.slot_mut(ordinal) else {
            return 0;
        };
        slot.attempts += 1;
        slot.attempts
    }

    /// Marks a record as finished and moves the watermark over every finished record at its front.
    pub(crate) fn finish(&mut self, ordinal: u64) {
        let Some(record) = self.slot_mut(ordinal).and_then(|slot| slot.record.take()) else {
            return;
        };
        self.unfinished -= 1;
        self.unfinished_bytes -= record.size_bytes;
        while let Some(slot) = self.slots.pop_front_if(|slot| slot.record.is_none()) {
            self.checkpoint = Some(slot.sequence_number);
            self.first += 1;
        }
    }

    /// Returns the sequence number up to which all records are finished, if it moved since the last call.
    pub(crate) fn take_checkpoint(&mut self) -> Option<String> {
        self.checkpoint.take()
    }

    /// Puts back a checkpoint that could not be written, unless the watermark has moved on.
    pub(crate) fn put_back(&mut self, sequence_number: String) {
        self.checkpoint.get_or_insert(sequence_number);
    }

    /// Whether there is a checkpoint to write.
    pub(crate) fn has_moved(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// The first unfinished record, which holds the watermark.
    pub(crate) fn head(&self) -> Option<(u64, &Arc<Record>)> {
        Some((self.first, self.slots.front()?.record.as_ref()?))
    }

    /// The creation time of the first unfinished record.
    pub(crate) fn oldest(&self) -> Option<DateTime<Utc>> {
        self.slots.front().map(|slot| slot.created_at)
    }

    /// Records in memory: the unfinished ones, and the finished ones behind an unfinished one.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Records that are not finished.
    pub(crate) fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// The size of the unfinished records in bytes.
    pub(crate) fn unfinished_bytes(&self) -> u64 {
        self.unfinished_bytes
    }

    fn slot(&self, ordinal: u64) -> Option<&Slot> {
        let index = usize::try_from(ordinal.checked_sub(self.first)?).ok()?;
        self.slots.get(index)
    }

    fn slot_mut(&mut self, ordinal: u64) -> Option<&mut Slot> {
        let index = usize::try_from(ordinal.checked_sub(self.first)?).ok()?;
        self.slots.get_mut(index)
    }
}

#[cfg(test)]
impl Watermark {
    /// The records that are not passed yet and whether they are finished, and the checkpoint to write, for the model.
    pub(crate) fn outline(&self) -> impl std::hash::Hash {
        let slots = self.slots.iter();
        let slots = slots.map(|slot| (slot.sequence_number.clone(), slot.record.is_none()));
        (slots.collect::<Vec<_>>(), self.checkpoint.clone())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::internal::samples::record;

    fn filled(count: u64) -> Watermark {
        let mut watermark = Watermark::default();
        for number in 0..count {
            assert_eq!(watermark.push(Arc::new(record("a", number + 1))), number);
        }
        watermark
    }

    #[test]
    fn the_checkpoint_does_not_pass_an_unfinished_record() {
        let mut watermark = filled(3);
        watermark.finish(1);
        watermark.finish(2);
        assert_eq!(watermark.take_checkpoint(), None);
        assert_eq!((watermark.len(), watermark.unfinished()), (3, 1));
        watermark.finish(0);
        assert_eq!(watermark.take_checkpoint().as_deref(), Some("3"));
        assert_eq!((watermark.len(), watermark.unfinished_bytes()), (0, 0));
    }

    #[test]
    fn a_checkpoint_that_could_not_be_saved_is_not_forgotten() {
        let mut watermark = filled(2);
        watermark.finish(0);
        let first = watermark.take_checkpoint().unwrap();
        assert!(!watermark.has_moved());
        watermark.put_back(first.clone());
        assert_eq!(watermark.take_checkpoint().as_deref(), Some("1"));
        watermark.finish(1);
        watermark.put_back(first);
        assert_eq!(
            watermark.take_checkpoint().as_deref(),
            Some("2"),
            "the newer one wins"
        );
    }

    #[test]
    fn the_oldest_unfinished_record_tells_the_age() {
        let mut watermark = filled(2);
        let first = watermark.oldest().unwrap();
        watermark.finish(0);
        assert!(watermark.oldest().unwrap() > first);
        watermark.finish(1);
        assert_eq!(watermark.oldest(), None);
    }

    proptest! {
        #[test]
        fn in_any_order_of_finishing_the_watermark_is_contiguous(
            order in (1_u64..20).prop_flat_map(|n| Just((0..n).collect::<Vec<_>>()).prop_shuffle()),
        ) {
            let mut watermark = filled(order.len() as u64);
            let mut finished = vec![false; order.len()];
            for ordinal in order {
                watermark.finish(ordinal);
                finished[usize::try_from(ordinal).unwrap()] = true;
                let run = finished.iter().take_while(|done| **done).count();
                let checkpoint = watermark.take_checkpoint().map(|number| number.parse::<usize>().unwrap());
                prop_assert!(checkpoint.is_none_or(|checkpoint| checkpoint == run));
                prop_assert_eq!(watermark.len(), finished.len() - run);
            }
        }
    }
}
