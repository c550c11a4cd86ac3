//! Batches that AWS Lambda's event source mapping receives and deletes.
//!
//! The consumer itself handles them, over a queue that returns one batch and then no more messages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::driver::{Driver, Parts};
use crate::handler::Handler;
use crate::history::History;
use crate::monitor::{Counters, Snapshot};
use crate::queue::aws::SqsQueue;
use crate::queue::{
    BatchResult, MAX_VISIBILITY_TIMEOUT, OutgoingMessage, Queue, QueueError, Receipt, Receive,
    Received,
};
use crate::settings::Settings;
use crate::trace::LinkSpan;

/// Handles batches of messages that AWS Lambda's event source mapping receives and deletes, with the group order, retries, dead letters,
/// spans and metrics of the consumer. Made by [`Consumer::into_batches`](crate::Consumer::into_batches).
///
/// The settings of receives and leases are not used. No heartbeat is sent, so the visibility timeout of the queue must be longer than a
/// batch may take. Failed attempts are remembered from batch to batch in this process.
pub struct BatchConsumer<Q = SqsQueue> {
    queue: Arc<Q>,
    dead_letters: Option<Arc<Q>>,
    settings: Settings,
    link_span: Option<LinkSpan>,
    history: Mutex<History>,
}

/// The result of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchReport {
    /// The ids of the messages that must not be deleted, in the order of the batch: the `itemIdentifier`s of a partial batch response.
    /// Each has been released after the delay of the retry policy; the messages behind a failed one of a FIFO group at once.
    pub failed: Vec<String>,
    /// The counts of this batch.
    pub counters: Counters,
}

impl<Q: Queue> BatchConsumer<Q> {
    pub(crate) fn new(parts: Parts<Q>) -> Self {
        let settings = Settings {
            wait_time: Duration::ZERO,
            receive_linger: Duration::ZERO,
            settle_linger: Duration::ZERO,
            visibility_timeout: MAX_VISIBILITY_TIMEOUT,
            max_in_flight_messages: usize::MAX,
            ..parts.settings
        };
        Self {
            queue: Arc::new(parts.queue),
            dead_letters: parts.dead_letters.map(Arc::new),
            settings,
            link_span: parts.link_span,
            history: Mutex::new(parts.history),
        }
    }

    /// Handles a batch until every message is settled, or until `stop` fires: then it drains within `shutdown_timeout` and releases the
    /// messages that are not done.
    pub async fn handle<H: Handler>(
        &self,
        batch: Vec<Received>,
        handler: H,
        stop: CancellationToken,
    ) -> BatchReport {
        let expected = batch.len() as u64;
        let ids: Vec<String> = batch
            .iter()
            .map(|r| r.message.message_id().to_owned())
            .collect();
        let shutdown = stop.child_token();
        let state = Arc::new(Mutex::new(BatchState::new(batch)));
        let publish = watch::Sender::new(Snapshot::default());
        let mut figures = publish.subscribe();
        let parts = Parts {
            queue: self.batch_queue(&self.queue, &state, &shutdown),
            dead_letters: self
                .dead_letters
                .as_ref()
                .map(|queue| self.batch_queue(queue, &Arc::default(), &shutdown)),
            settings: self.settings.clone(),
            link_span: self.link_span.clone(),
            publish,
            history: locked(&self.history).take(),
        };
        let run = Box::pin(Driver::new(parts, handler).run(shutdown.clone()));
        let settled = async {
            let all = figures.wait_for(|figures| {
                figures.counters.received >= expected && figures.in_flight == 0
            });
            let _ = all.await.is_ok(); // an error means that the run has ended
            shutdown.cancel();
        };
        // The run fails only if a receive finds no queue, and this queue answers every receive.
        let ((_, history), ()) = tokio::join!(run, settled);
        *locked(&self.history) = history;
        let done = std::mem::take(&mut locked(&state).done);
        let mut seen = BTreeSet::new();
        let failed = ids
            .into_iter()
            .filter(|id| !done.contains(id) && seen.insert(id.clone()));
        let failed = failed.collect();
        let counters = figures.borrow().counters;
        BatchReport { failed, counters }
    }

    fn batch_queue(
        &self,
        queue: &Arc<Q>,
        state: &Arc<Mutex<BatchState>>,
        end: &CancellationToken,
    ) -> BatchQueue<Q> {
        BatchQueue {
            queue: Arc::clone(queue),
            state: Arc::clone(state),
            end: end.clone(),
        }
    }
}

impl<Q> fmt::Debug for BatchConsumer<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchConsumer")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A batch, and which of its messages are done.
#[derive(Default)]
struct BatchState {
    batch: Vec<Received>,
    ids: BTreeMap<Receipt, String>,
    done: BTreeSet<String>,
}

impl BatchState {
    fn new(batch: Vec<Received>) -> Self {
        let id = |r: &Received| (r.receipt.clone(), r.message.message_id().to_owned());
        Self {
            ids: batch.iter().map(id).collect(),
            done: BTreeSet::new(),
            batch,
        }
    }
}

/// A queue that returns one batch and stores deletes instead of sending them.
struct BatchQueue<Q> {
    queue: Arc<Q>,
    state: Arc<Mutex<BatchState>>,
    end: CancellationToken,
}

impl<Q: Queue> Queue for BatchQueue<Q> {
    fn name(&self) -> &str {
        self.queue.name()
    }

    fn is_fifo(&self) -> bool {
        self.queue.is_fifo()
    }

    /// Returns the whole batch, whatever its size, so that the order of its groups is kept; then waits for the end.
    async fn receive(&self, _: Receive) -> Result<Vec<Received>, QueueError> {
        let batch = std::mem::take(&mut locked(&self.state).batch);
        if batch.is_empty() {
            self.end.cancelled().await;
        }
        Ok(batch)
    }

    async fn delete(&self, receipts: Vec<Receipt>) -> BatchResult {
        let mut state = locked(&self.state);
        let ids: Vec<_> = receipts
            .iter()
            .filter_map(|r| state.ids.get(r).cloned())
            .collect();
        state.done.extend(ids);
        Ok(receipts.iter().map(|_| Ok(())).collect())
    }

    async fn change_visibility(&self, changes: Vec<(Receipt, Duration)>) -> BatchResult {
        self.queue.change_visibility(changes).await
    }

    async fn send(&self, messages: Vec<Arc<OutgoingMessage>>) -> BatchResult {
        self.queue.send(messages).await
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
