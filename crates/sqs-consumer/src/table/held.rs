//! One held message.

use std::time::{Duration, Instant};

use crate::message::Message;
use crate::queue::Receipt;

#[derive(Debug)]
pub(super) struct Held {
    pub(super) message: Message,
    pub(super) receipt: Receipt,
    pub(super) lease: Lease,
    pub(super) state: State,
    /// Requests to settle it that have failed.
    pub(super) failures: u32,
}

/// Where a held message is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not started: for want of a permit or because of its group.
    Waiting,
    /// Its handler runs; `cancelled` once its token fired.
    Running { cancelled: bool },
    /// On its way to the dead-letter queue.
    Copying,
    /// Finished; to be deleted, or being deleted.
    Deleting { asked: bool },
    /// To be visible again from then on.
    Returning { visible_at: Instant },
}

/// The time for which the message is hidden from others.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) received_at: Instant,
    pub(super) until: Instant,
    /// When to look at it again; the key in the table's timers.
    pub(super) timer: Instant,
    /// Whether a heartbeat for it is under way.
    pub(super) extending: bool,
    /// Whether it has ended, or may have.
    pub(super) lost: bool,
    /// Heartbeats that have failed since the last that didn't.
    pub(super) failures: u32,
}

impl Lease {
    pub(super) fn new(now: Instant, visibility: Duration) -> Self {
        Self {
            received_at: now,
            until: now + visibility,
            timer: now + visibility / 2,
            extending: false,
            lost: false,
            failures: 0,
        }
    }

    /// Returns for how many whole seconds from now the lease may be extended, or `None` if that gains nothing.
    pub(super) fn extension(
        &self,
        now: Instant,
        visibility: Duration,
        longest: Duration,
    ) -> Option<Duration> {
        let left = (self.received_at + longest).saturating_duration_since(now);
        let extension = Duration::from_secs(left.min(visibility).as_secs());
        (now + extension > self.until).then_some(extension)
    }
}
