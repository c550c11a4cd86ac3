use std::collections::HashMap;

use crate::sqs::message::{Delivery, Seq};
use crate::sqs::moment::Moment;

const WINDOW_SECONDS: u32 = 300;

/// The messages of recent receives with an attempt id, so that a receive whose response was lost can be repeated.
///
/// They are in memory only: after a restart, such messages return when their visibility timeout ends.
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
    /// The messages of an earlier receive with this attempt id.
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
