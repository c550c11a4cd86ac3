//! Batches that somebody else receives and deletes: AWS Lambda's event source mapping.
//!
//! It is the consumer itself that handles them, with a queue that hands out the batch and then nothing more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::driver::{Driver, Parts};
use crate::handler::Handler;
use crate::ledger::Memory;
use crate::queue::{
    BatchResult, OutgoingMessage, Queue, QueueError, Receipt, Receive, Received, SqsQueue,
};
use crate::settings::{LONGEST_VISIBILITY, Settings};
use crate::stats::Stats;
use crate::trace::LinkSpan;

/// Handles batches of messages that somebody else has received and will delete, with the consumer's order of groups, retries, dead
/// letters, spans and numbers. Made by [`Consumer::into_batches`](crate::Consumer::into_batches).
///
/// Of the settings, those of polling and of leases are not used: what is received stays hidden for as long as the mapping's queue says,
/// which must be longer than a batch may take. Failed attempts are remembered from batch to batch in this process.
pub struct BatchConsumer<Q = SqsQueue> {
    queue: Arc<Q>,
    dead_letters: Option<Arc<Q>>,
    settings: Settings,
    link_span: Option<LinkSpan>,
    memory: Mutex<Memory>,
}

/// What came of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReport {
    /// The ids of the messages that must not be deleted, in the order of the batch: the `itemIdentifier`s of a partial batch response.
    /// Their visibility has been changed, so that they come back when the retry policy says; the rest of a FIFO group at once behind
    /// the one that failed.
    pub failed: Vec<String>,
    /// The counts of this batch. Its deletes are only told to the caller, and are no requests.
    pub stats: Stats,
}

impl<Q: Queue> BatchConsumer<Q> {
    pub(crate) fn new(parts: Parts<Q>) -> Self {
        let settings = Settings {
            wait: Duration::ZERO,
            refill_linger: Duration::ZERO,
            settle_linger: Duration::ZERO,
            visibility: LONGEST_VISIBILITY,
            longest_hold: LONGEST_VISIBILITY,
            held_messages: usize::MAX,
            ..parts.settings
        };
        Self {
            queue: Arc::new(parts.queue),
            dead_letters: parts.dead_letters.map(Arc::new),
            settings,
            link_span: parts.link_span,
            memory: Mutex::new(parts.memory),
        }
    }

    /// Handles a batch until every message is settled, or until `stop` fires: then handlers get the settings' grace and what is not
    /// done is given back.
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
        let given = Arc::new(Mutex::new(Given::new(batch)));
        let publish = watch::Sender::new(Stats::default());
        let mut stats = publish.subscribe();
        let parts = Parts {
            queue: self.handed_out(&self.queue, &given, &shutdown),
            dead_letters: self
                .dead_letters
                .as_ref()
                .map(|queue| self.handed_out(queue, &Arc::default(), &shutdown)),
            settings: self.settings.clone(),
            link_span: self.link_span.clone(),
            publish,
            memory: std::mem::take(&mut *locked(&self.memory)),
        };
        let run = Box::pin(Driver::new(parts, handler).run(shutdown.clone()));
        let settled = async {
            let all = stats.wait_for(|stats| stats.received >= expected && stats.in_flight == 0);
            let _ = all.await.is_ok(); // an error says that the run has ended
            shutdown.cancel();
        };
        // A queue that hands out a batch can't be missing, so the run's own result says nothing.
        let ((_, memory), ()) = tokio::join!(run, settled);
        *locked(&self.memory) = memory;
        let done = std::mem::take(&mut locked(&given).done);
        let mut seen = BTreeSet::new();
        let failed = ids
            .into_iter()
            .filter(|id| !done.contains(id) && seen.insert(id.clone()));
        let failed = failed.collect();
        let stats = *stats.borrow();
        BatchReport { failed, stats }
    }

    fn handed_out(
        &self,
        queue: &Arc<Q>,
        given: &Arc<Mutex<Given>>,
        end: &CancellationToken,
    ) -> HandedOut<Q> {
        HandedOut {
            queue: Arc::clone(queue),
            given: Arc::clone(given),
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
struct Given {
    batch: Vec<Received>,
    ids: BTreeMap<Receipt, String>,
    done: BTreeSet<String>,
}

impl Given {
    fn new(batch: Vec<Received>) -> Self {
        let id = |r: &Received| (r.receipt.clone(), r.message.message_id().to_owned());
        Self {
            ids: batch.iter().map(id).collect(),
            done: BTreeSet::new(),
            batch,
        }
    }
}

/// A queue of which a batch has been received already, and the rest is somebody else's to receive; deletes are noted for them.
struct HandedOut<Q> {
    queue: Arc<Q>,
    given: Arc<Mutex<Given>>,
    end: CancellationToken,
}

impl<Q: Queue> Queue for HandedOut<Q> {
    fn name(&self) -> &str {
        self.queue.name()
    }

    fn is_fifo(&self) -> bool {
        self.queue.is_fifo()
    }

    /// Hands out the batch whole, however large, so that the order of its groups is kept; then waits for the end.
    async fn receive(&self, _: Receive) -> Result<Vec<Received>, QueueError> {
        let batch = std::mem::take(&mut locked(&self.given).batch);
        if batch.is_empty() {
            self.end.cancelled().await;
        }
        Ok(batch)
    }

    async fn delete(&self, receipts: Vec<Receipt>) -> BatchResult {
        let mut given = locked(&self.given);
        let ids: Vec<_> = receipts
            .iter()
            .filter_map(|r| given.ids.get(r).cloned())
            .collect();
        given.done.extend(ids);
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
