//! What a consumer has done, in plain numbers.

use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

/// Counts since the consumer started, and what it holds at this moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Deliveries received, repeats included.
    pub received: u64,
    /// Handler runs begun.
    pub started: u64,
    /// Messages whose handler said `Done`.
    pub done: u64,
    /// Failed attempts whose message was put back for another: `Retry` and panics.
    pub retried: u64,
    /// Messages put back without counting an attempt: `Defer`, and failures after the token fired.
    pub deferred: u64,
    /// Messages copied to the dead-letter queue.
    pub dead_lettered: u64,
    /// Handler runs that panicked; they are also counted as retried or dead-lettered.
    pub panicked: u64,
    /// Messages given back at once without having been handled to an end: behind a failed one of their group, or in a drain.
    pub released: u64,
    /// Deliveries of a message that was held or finished already; they were not handled again.
    pub duplicates: u64,
    /// Messages whose visibility ended, or may have ended, while they were held.
    pub lease_losses: u64,
    /// Messages whose deletion the queue has confirmed.
    pub deleted: u64,
    /// Receives that brought nothing.
    pub empty_receives: u64,
    /// Requests by operation.
    pub requests: Requests,
    /// Requests that failed as a whole.
    pub failed_requests: u64,
    /// Handlers running now.
    pub running: usize,
    /// Messages held now: running, waiting for their group, or being settled.
    pub in_flight: usize,
    /// When the oldest message held now was sent.
    pub oldest_sent_at: Option<SystemTime>,
    /// When the queue last answered a request as a whole. An idle consumer has an answer every `wait`, one whose handlers all run every
    /// half `visibility`: later than that, it or its queue stands still.
    pub answered_at: Option<Instant>,
}

/// Requests by operation, each of them one HTTP request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// `ReceiveMessage`.
    pub receive: u64,
    /// `DeleteMessageBatch`.
    pub delete: u64,
    /// `ChangeMessageVisibilityBatch` that put messages back.
    pub change_visibility: u64,
    /// `ChangeMessageVisibilityBatch` that extended leases.
    pub extend: u64,
    /// `SendMessageBatch` to the dead-letter queue.
    pub send: u64,
}

impl Requests {
    /// Returns the requests of all operations together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.receive + self.delete + self.change_visibility + self.extend + self.send
    }
}

/// What a run came to, once it has drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The final counts.
    pub stats: Stats,
    /// Messages still held when the grace ended: they come back when their visibility ends.
    pub unsettled: usize,
    /// How long the drain took.
    pub drained_in: Duration,
}

/// A view of a running consumer's counts. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct StatsHandle(pub(crate) watch::Receiver<Stats>);

impl StatsHandle {
    /// Returns the counts as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Stats {
        *self.0.borrow()
    }

    /// Waits until the counts satisfy `condition` and returns them; after the run's end, returns the last ones.
    pub async fn wait_for(&mut self, condition: impl FnMut(&Stats) -> bool) -> Stats {
        let satisfied = self.0.wait_for(condition).await.map(|stats| *stats);
        satisfied.unwrap_or_else(|_| self.snapshot())
    }
}
