use std::collections::HashMap;

use crate::sqs::message::{Delivery, Seq};
use crate::sqs::moment::Moment;

const WINDOW_SECONDS: u32 = 300;

/// What recent calls for messages got that named an attempt, so that one whose answer was lost can be made again.
///
/// Kept in memory only: after a restart, such messages come back when their visibility ends.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    taken: HashMap<String, Attempt>,
}

#[derive(Debug)]
struct Attempt {
    expires: Moment,
    messages: Vec<(Seq, Delivery)>,
}

impl Attempts {
    /// The messages of an earlier call of this name, as they were handed out.
    pub(super) fn find(&self, id: &str, now: Moment) -> Option<&[(Seq, Delivery)]> {
        let attempt = self.taken.get(id).filter(|attempt| attempt.expires > now)?;
        Some(&attempt.messages)
    }

    pub(super) fn remember(&mut self, id: &str, messages: Vec<(Seq, Delivery)>, now: Moment) {
        self.taken.retain(|_, attempt| attempt.expires > now);
        let expires = now.plus_seconds(WINDOW_SECONDS);
        self.taken
            .insert(id.to_owned(), Attempt { expires, messages });
    }
}
