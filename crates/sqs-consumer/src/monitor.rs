//! The figures of a consumer: counters, and a snapshot of the moment.

use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

/// Counts since the consumer started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Deliveries received, redeliveries included.
    pub received: u64,
    /// Handler runs started.
    pub started: u64,
    /// Messages whose handler returned `Done`.
    pub done: u64,
    /// Failed attempts whose message was released for another: `Retry`, panics and timeouts.
    pub retried: u64,
    /// Messages released without counting an attempt: `Defer`, failures after the cancellation token fired, and runs that were dropped when their
    /// lease was lost.
    pub deferred: u64,
    /// Messages copied to the dead-letter queue.
    pub dead_lettered: u64,
    /// Handler runs that panicked; they are also counted as retried or dead-lettered.
    pub panicked: u64,
    /// Handler runs that timed out; they are also counted as retried or dead-lettered.
    pub timed_out: u64,
    /// Messages released at once and not handled to an end: behind a failed message of their group, in a drain,
    /// or because too many of their group waited.
    pub released: u64,
    /// Deliveries of a message that was in flight or finished already; they were not handled again.
    pub duplicates: u64,
    /// Messages in flight whose visibility timeout ended, or may have ended.
    pub lost_leases: u64,
    /// Messages whose deletion the queue has confirmed.
    pub deleted: u64,
    /// Receives that returned no message.
    pub empty_receives: u64,
    /// `ReceiveMessage` requests.
    pub receive_requests: u64,
    /// `DeleteMessageBatch` requests.
    pub delete_requests: u64,
    /// `ChangeMessageVisibilityBatch` requests that released messages.
    pub release_requests: u64,
    /// `ChangeMessageVisibilityBatch` requests that renewed leases.
    pub heartbeat_requests: u64,
    /// `SendMessageBatch` requests to the dead-letter queue.
    pub send_requests: u64,
    /// Requests that failed as a whole.
    pub failed_requests: u64,
}

/// The figures of a consumer at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Counts since the consumer started.
    pub counters: Counters,
    /// Handlers running.
    pub running: usize,
    /// Messages in flight: running, waiting for their group, or being settled. Those of the last snapshot of a run become visible when
    /// their visibility timeout ends.
    pub in_flight: usize,
    /// When the oldest message in flight was sent.
    pub oldest_sent_at: Option<SystemTime>,
    /// When the queue last answered a request as a whole. An idle consumer has an answer every `wait_time`, one whose handlers all run every
    /// half `visibility_timeout`. A longer silence means that the consumer or its queue has stalled.
    pub answered_at: Option<Instant>,
    /// How long the drain has taken; `None` before the shutdown.
    pub draining_for: Option<Duration>,
}

/// Reads the figures of a running consumer. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Monitor(pub(crate) watch::Receiver<Snapshot>);

impl Monitor {
    /// Returns the figures as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        *self.0.borrow()
    }

    /// Waits until the figures satisfy `condition` and returns them; after the run's end, returns the last ones.
    pub async fn wait_for(&mut self, condition: impl FnMut(&Snapshot) -> bool) -> Snapshot {
        let satisfied = self.0.wait_for(condition).await.map(|snapshot| *snapshot);
        satisfied.unwrap_or_else(|_| self.snapshot())
    }
}
