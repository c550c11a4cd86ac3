//! One message in flight.

use std::time::{Duration, Instant};

use crate::message::Message;
use crate::queue::{MAX_VISIBILITY_TIMEOUT, Receipt};

#[derive(Debug)]
pub(super) struct Held {
    pub(super) message: Message,
    pub(super) receipt: Receipt,
    pub(super) lease: Lease,
    pub(super) state: State,
    /// When its handler times out, once it runs; the key in the table's deadlines.
    pub(super) deadline: Instant,
    /// Whether it waited behind another message of its FIFO group: then no handler ever began with it.
    pub(super) waited: bool,
    /// Failed requests to settle it.
    pub(super) failures: u32,
}

/// The state of a message in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not started: it waits for a free handler or for its group.
    Waiting,
    /// Its handler runs; `cancelled` once its cancellation token fired.
    Running { cancelled: bool },
    /// Being copied to the dead-letter queue.
    DeadLettering,
    /// Finished; `asked` while a delete is in flight.
    Deleting { asked: bool },
    /// To be visible to all consumers from `visible_at` on.
    Releasing { visible_at: Instant },
}

/// The time for which the message is hidden from other consumers.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) received_at: Instant,
    pub(super) until: Instant,
    /// When to check it again; the key in the table's timers.
    pub(super) timer: Instant,
    /// Whether a heartbeat for it is in flight.
    pub(super) renewing: bool,
    /// Whether it has ended, or may have ended.
    pub(super) lost: bool,
    /// Heartbeats that failed since the last successful one.
    pub(super) failures: u32,
}

impl Lease {
    pub(super) fn new(now: Instant, visibility_timeout: Duration) -> Self {
        Self {
            received_at: now,
            until: now + visibility_timeout,
            timer: now + visibility_timeout / 2,
            renewing: false,
            lost: false,
            failures: 0,
        }
    }

    /// Returns for how many whole seconds from now the lease may be renewed; `None` if that would not lengthen it.
    pub(super) fn renewal(&self, now: Instant, visibility_timeout: Duration) -> Option<Duration> {
        let left = (self.received_at + MAX_VISIBILITY_TIMEOUT).saturating_duration_since(now);
        let renewal = Duration::from_secs(left.min(visibility_timeout).as_secs());
        (now + renewal > self.until).then_some(renewal)
    }
}
