//! The task of a sender: sends batches to the queue and returns each result to its caller.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time;

use super::batcher::{Batch, Batcher, Number};
use super::settings::{SendError, SenderCounters, SenderSettings};
use crate::queue::{BatchResult, OutgoingMessage, Queue};
use crate::telemetry::SendMeter;

/// How many requests are received from the channel at a time.
const REQUESTS_AT_ONCE: usize = 10;

/// A message, and where its result goes.
#[derive(Debug)]
pub(super) struct SendRequest {
    pub(super) message: Arc<OutgoingMessage>,
    pub(super) reply: Reply,
}

type Reply = oneshot::Sender<Result<(), SendError>>;

pub(super) struct SenderTask<Q> {
    queue: Arc<Q>,
    batcher: Batcher,
    replies: HashMap<Number, Reply>,
    counters: SenderCounters,
    publish: watch::Sender<SenderCounters>,
    meter: SendMeter,
}

impl<Q: Queue> SenderTask<Q> {
    pub(super) fn new(
        queue: Q,
        settings: SenderSettings,
        publish: watch::Sender<SenderCounters>,
    ) -> Self {
        Self {
            batcher: Batcher::new(settings, queue.is_fifo(), fastrand::Rng::new()),
            meter: SendMeter::new(queue.name()),
            queue: Arc::new(queue),
            replies: HashMap::new(),
            counters: SenderCounters::default(),
            publish,
        }
    }

    pub(super) async fn run(mut self, mut received: mpsc::Receiver<SendRequest>) {
        let (answers, mut answered) = mpsc::unbounded_channel();
        let mut requests = Vec::with_capacity(REQUESTS_AT_ONCE);
        let mut open = true;
        loop {
            while let Some(batch) = self.batcher.take(now()) {
                self.send(batch, answers.clone());
            }
            self.publish.send_replace(self.counters);
            if !open && self.batcher.is_empty() {
                return;
            }
            let wake_at = self.batcher.wake_at();
            tokio::select! {
                biased;
                Some((batch, result)) = answered.recv() => self.answered(batch, result),
                count = received.recv_many(&mut requests, REQUESTS_AT_ONCE), if open && self.batcher.has_room() => {
                    open = count > 0;
                    requests.drain(..).for_each(|request| self.accept(request));
                }
                () = sleep_until(wake_at), if wake_at.is_some() => {}
            }
        }
    }

    fn accept(&mut self, SendRequest { message, reply }: SendRequest) {
        match self.batcher.put(message, now()) {
            Ok(number) => {
                self.replies.insert(number, reply);
            }
            Err(error) => {
                self.counters.failed += 1;
                let _ = reply.send(Err(error)); // the caller may have gone
            }
        }
    }

    /// Sends a batch in a task of its own, so that nothing can cancel it.
    fn send(&mut self, batch: Batch, answers: mpsc::UnboundedSender<(Batch, BatchResult)>) {
        self.counters.requests += 1;
        let (queue, meter) = (Arc::clone(&self.queue), self.meter.clone());
        tokio::spawn(async move {
            let started = time::Instant::now();
            let messages = batch
                .iter()
                .map(|(_, waiting)| Arc::clone(&waiting.message))
                .collect();
            let result = queue.send(messages).await;
            meter.request(batch.len(), started.elapsed(), &result);
            let _ = answers.send((batch, result)); // fails only when the runtime shuts down
        });
    }

    fn answered(&mut self, batch: Batch, result: BatchResult) {
        if let Err(error) = &result {
            tracing::warn!(
                operation = error.operation,
                kind = error.kind.as_str(),
                "a request failed"
            );
        }
        let entries = batch.len() as u64;
        let decided = self.batcher.answered(batch, result, now());
        let failed = decided.iter().filter(|(_, result)| result.is_err()).count() as u64;
        self.counters.retried += entries - decided.len() as u64;
        self.counters.failed += failed;
        self.counters.sent += decided.len() as u64 - failed;
        // Before the replies, so that a caller finds its own message counted.
        self.publish.send_replace(self.counters);
        for (number, result) in decided {
            if let Some(reply) = self.replies.remove(&number) {
                let _ = reply.send(result); // the caller may have gone
            }
        }
    }
}

fn now() -> Instant {
    time::Instant::now().into_std()
}

async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        time::sleep_until(at.into()).await;
    }
}
