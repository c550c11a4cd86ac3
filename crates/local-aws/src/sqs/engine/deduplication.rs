use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

use crate::sqs::message::{GroupId, Seq};
use crate::sqs::moment::Moment;

const WINDOW_SECONDS: u32 = 300;

/// The key of deduplication: the deduplication id, with the group if the scope is the message group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DeduplicationKey {
    pub(crate) group: Option<GroupId>,
    pub(crate) id: String,
}

/// The message that was sent first, and until when it suppresses duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) message: Uuid,
    pub(crate) seq: Seq,
    pub(crate) expires: Moment,
}

impl Remembered {
    pub(super) fn new(message: Uuid, seq: Seq, now: Moment) -> Self {
        Self {
            message,
            seq,
            expires: now.plus_seconds(WINDOW_SECONDS),
        }
    }
}

/// The messages sent to a FIFO queue within the last five minutes, also those that were deleted.
#[derive(Debug, Default)]
pub(crate) struct Deduplication {
    remembered: HashMap<DeduplicationKey, Remembered>,
    /// In order of expiry, because the interval has one length.
    expiries: VecDeque<(Moment, DeduplicationKey)>,
}

impl Deduplication {
    pub(super) fn find(&self, key: &DeduplicationKey, now: Moment) -> Option<Remembered> {
        self.remembered
            .get(key)
            .copied()
            .filter(|remembered| remembered.expires > now)
    }

    pub(super) fn remember(&mut self, key: DeduplicationKey, remembered: Remembered) {
        self.expiries.push_back((remembered.expires, key.clone()));
        self.remembered.insert(key, remembered);
    }

    /// Removes expired entries; returns whether there were any.
    pub(super) fn forget_expired(&mut self, now: Moment) -> bool {
        let mut any = false;
        while let Some((expires, key)) = self.expiries.pop_front_if(|(expires, _)| *expires <= now)
        {
            if self
                .remembered
                .get(&key)
                .is_some_and(|remembered| remembered.expires == expires)
            {
                self.remembered.remove(&key);
            }
            any = true;
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_remembered_for_five_minutes_from_its_first_message() {
        let mut deduplication = Deduplication::default();
        let key = DeduplicationKey {
            group: None,
            id: "once".to_owned(),
        };
        let sent = Moment::from_millis(1_000);
        deduplication.remember(key.clone(), Remembered::new(Uuid::nil(), Seq(1), sent));
        let last = Moment::from_millis(300_999);
        assert!(deduplication.find(&key, last).is_some());
        assert!(!deduplication.forget_expired(last));
        let over = Moment::from_millis(301_000);
        assert!(deduplication.find(&key, over).is_none());
        assert!(deduplication.forget_expired(over));
        assert!(deduplication.remembered.is_empty() && deduplication.expiries.is_empty());
    }

    #[test]
    fn a_later_message_with_the_id_is_not_forgotten_with_the_first() {
        let mut deduplication = Deduplication::default();
        let key = DeduplicationKey {
            group: None,
            id: "twice".to_owned(),
        };
        for sent in [0, 300_000] {
            let remembered = Remembered::new(Uuid::nil(), Seq(1), Moment::from_millis(sent));
            deduplication.remember(key.clone(), remembered);
        }
        deduplication.forget_expired(Moment::from_millis(300_000));
        assert!(
            deduplication
                .find(&key, Moment::from_millis(300_000))
                .is_some()
        );
    }
}
