mod messages;
mod requests;

pub use requests::{Fault, Operation};

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::queue::{
    BatchResult, EntryError, ErrorKind, OutgoingMessage, Queue, QueueError, Receipt, Receive,
    Received,
};
use messages::Messages;
use requests::Requests;

/// A queue in memory, standard or FIFO, with the visibility timeouts, receipt handles, receive counts, group order and deduplication of
/// SQS, on tokio's clock (so that paused time works). Clones share the queue.
#[derive(Clone)]
pub struct FakeQueue(Arc<Shared>);

struct Shared {
    name: String,
    state: Mutex<State>,
    changed: Notify,
    latency: Duration,
}

struct State {
    messages: Messages,
    requests: Requests,
    faults: FaultPlan,
}

type FaultPlan = Box<dyn FnMut(Operation, u64) -> Fault + Send>;

impl FakeQueue {
    /// Makes an empty queue; it is FIFO if its name ends in `.fifo`, as in SQS.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_latency(name, Duration::ZERO)
    }

    /// Makes an empty queue of which every request takes this long.
    #[must_use]
    pub fn with_latency(name: impl Into<String>, latency: Duration) -> Self {
        let name = name.into();
        let state = State {
            messages: Messages::new(name.ends_with(".fifo")),
            requests: Requests::default(),
            faults: Box::new(|_, _| Fault::None),
        };
        Self(Arc::new(Shared {
            name,
            state: Mutex::new(state),
            changed: Notify::new(),
            latency,
        }))
    }

    /// Calls `plan` before each request, with the number of the request (from 0 for each operation); the fault that it returns strikes that
    /// request.
    pub fn set_faults(&self, plan: impl FnMut(Operation, u64) -> Fault + Send + 'static) {
        self.lock().faults = Box::new(plan);
    }

    /// Puts a message into the queue at once and returns its id; `None` if FIFO deduplication dropped it.
    pub fn put(&self, message: OutgoingMessage) -> Option<String> {
        let id = self.lock().messages.put(message, Instant::now());
        self.0.changed.notify_waiters();
        id
    }

    /// Delivers every n-th received message twice in one batch, as standard queues may.
    pub fn repeat_deliveries(&self, every: usize) {
        self.lock().messages.repeat_every = every;
    }

    /// Returns how many messages there are: visible and hidden.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().messages.len()
    }

    /// Returns whether there are no messages, neither visible nor hidden.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns body and receive count of the visible messages, in the order of sending.
    #[must_use]
    pub fn visible(&self) -> Vec<(String, u32)> {
        self.lock().messages.visible(Instant::now())
    }

    /// Returns all messages, visible and hidden, in the order of sending.
    #[must_use]
    pub fn messages(&self) -> Vec<OutgoingMessage> {
        self.lock().messages.messages()
    }

    /// Returns until when the message with this id is hidden; `None` if it is visible or gone.
    #[must_use]
    pub fn hidden_until(&self, message_id: &str) -> Option<Instant> {
        self.lock()
            .messages
            .hidden_until(message_id, Instant::now())
    }

    /// Returns for each operation the number of its requests and of their entries.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<Operation, (u64, u64)> {
        self.lock().requests.counts.clone()
    }

    /// Returns how often the message with this id was deleted by a request: 0 or 1, unless something is wrong.
    #[must_use]
    pub fn deletions(&self, message_id: &str) -> u32 {
        self.lock()
            .requests
            .deletions
            .get(message_id)
            .copied()
            .unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the request, waits for its latency, and returns its fault.
    async fn begin(&self, operation: Operation, entries: usize) -> Fault {
        let fault = {
            let state = &mut *self.lock();
            let number = state.requests.count(operation, entries);
            (state.faults)(operation, number)
        };
        let slowness = if let Fault::Slow(time) = fault {
            time
        } else {
            Duration::ZERO
        };
        let delay = self.0.latency + slowness;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        fault
    }

    async fn batch<T>(
        &self,
        operation: Operation,
        entries: Vec<T>,
        mut apply: impl FnMut(&mut State, T) -> Result<(), EntryError> + Send,
    ) -> BatchResult
    where
        T: Send,
    {
        let fault = self.begin(operation, entries.len()).await;
        if let Fault::Refused(kind) = fault {
            return Err(error(operation, kind));
        }
        let results = {
            let state = &mut *self.lock();
            let mut one = |(i, entry)| match fault {
                Fault::Entry(bad) if i == bad => Err(EntryError {
                    code: "InternalError".to_owned(),
                    transient: true,
                }),
                Fault::None
                | Fault::Entry(_)
                | Fault::Refused(_)
                | Fault::AnswerLost
                | Fault::Slow(_) => apply(state, entry),
            };
            entries.into_iter().enumerate().map(&mut one).collect()
        };
        self.0.changed.notify_waiters();
        if fault == Fault::AnswerLost {
            Err(error(operation, ErrorKind::Unavailable))
        } else {
            Ok(results)
        }
    }
}

impl fmt::Debug for FakeQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeQueue")
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}

fn error(operation: Operation, kind: ErrorKind) -> QueueError {
    QueueError {
        kind,
        operation: operation.as_str(),
        source: None,
    }
}

impl Queue for FakeQueue {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn is_fifo(&self) -> bool {
        self.0.name.ends_with(".fifo")
    }

    async fn receive(&self, request: Receive) -> Result<Vec<Received>, QueueError> {
        let fault = self.begin(Operation::Receive, 0).await;
        if let Fault::Refused(kind) = fault {
            return Err(error(Operation::Receive, kind));
        }
        let deadline = Instant::now() + request.wait_time;
        loop {
            // Registered before looking, so that a change in between wakes it.
            let changed = self.0.changed.notified();
            let now = Instant::now();
            let (taken, next) = {
                let state = &mut *self.lock();
                let taken =
                    state
                        .messages
                        .take(request.max_messages, request.visibility_timeout, now);
                state.requests.delivered(taken.len());
                (taken, state.messages.next_visible(now))
            };
            if !taken.is_empty() || now >= deadline {
                let lost = fault == Fault::AnswerLost;
                return if lost {
                    Err(error(Operation::Receive, ErrorKind::Unavailable))
                } else {
                    Ok(taken)
                };
            }
            let until = next.map_or(deadline, |next| next.min(deadline));
            // Whichever comes first; both lead to another look.
            let _ = tokio::time::timeout_at(until, changed).await;
        }
    }

    async fn delete(&self, receipts: Vec<Receipt>) -> BatchResult {
        let now = Instant::now;
        self.batch(Operation::Delete, receipts, |state, receipt| {
            if let Some(id) = state.messages.delete(&receipt, now())? {
                state.requests.deleted(id);
            }
            Ok(())
        })
        .await
    }

    async fn change_visibility(&self, changes: Vec<(Receipt, Duration)>) -> BatchResult {
        self.batch(
            Operation::ChangeVisibility,
            changes,
            |state, (receipt, visibility)| {
                state
                    .messages
                    .change_visibility(&receipt, visibility, Instant::now())
            },
        )
        .await
    }

    async fn send(&self, messages: Vec<Arc<OutgoingMessage>>) -> BatchResult {
        self.batch(Operation::Send, messages, |state, message| {
            messages::check_characters(&message)?;
            state
                .messages
                .put(OutgoingMessage::clone(&message), Instant::now());
            Ok(())
        })
        .await
    }
}
