//! The task of a sender: carries batches to the queue and answers back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time;

use super::outbox::{Batch, Number, Outbox};
use super::{Parcel, SendError, SenderSettings, SenderStats};
use crate::queue::{BatchResult, Queue};
use crate::telemetry::SendMeter;

/// How many parcels are taken in at a time.
const PARCELS_AT_ONCE: usize = 100;

pub(super) struct Courier<Q> {
    queue: Arc<Q>,
    outbox: Outbox,
    senders: HashMap<Number, oneshot::Sender<Result<(), SendError>>>,
    stats: SenderStats,
    publish: watch::Sender<SenderStats>,
    meter: SendMeter,
}

impl<Q: Queue> Courier<Q> {
    pub(super) fn new(
        queue: Q,
        settings: SenderSettings,
        publish: watch::Sender<SenderStats>,
    ) -> Self {
        Self {
            outbox: Outbox::new(settings, queue.is_fifo(), fastrand::Rng::new()),
            meter: SendMeter::new(queue.name()),
            queue: Arc::new(queue),
            senders: HashMap::new(),
            stats: SenderStats::default(),
            publish,
        }
    }

    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Parcel>) {
        let (answers, mut answered) = mpsc::unbounded_channel();
        let mut parcels = Vec::with_capacity(PARCELS_AT_ONCE);
        let mut open = true;
        loop {
            while let Some(batch) = self.outbox.take(now()) {
                self.carry(batch, answers.clone());
            }
            self.publish.send_replace(self.stats);
            if !open && self.outbox.is_empty() {
                return;
            }
            let wake_at = self.outbox.wake_at();
            tokio::select! {
                biased;
                Some((batch, result)) = answered.recv() => self.answered(batch, result),
                taken = inbox.recv_many(&mut parcels, PARCELS_AT_ONCE), if open => {
                    open = taken > 0;
                    parcels.drain(..).for_each(|parcel| self.take_in(parcel));
                }
                () = sleep_until(wake_at), if wake_at.is_some() => {}
            }
        }
    }

    fn take_in(&mut self, Parcel { message, answer }: Parcel) {
        match self.outbox.put(message, now()) {
            Ok(number) => {
                self.senders.insert(number, answer);
            }
            Err(error) => {
                self.stats.failed += 1;
                let _ = answer.send(Err(error)); // the caller may have gone
            }
        }
    }

    /// Sends a batch in a task of its own, so that nothing can cancel it.
    fn carry(&mut self, batch: Batch, answers: mpsc::UnboundedSender<(Batch, BatchResult)>) {
        self.stats.requests += 1;
        let (queue, meter) = (Arc::clone(&self.queue), self.meter.clone());
        tokio::spawn(async move {
            let started = time::Instant::now();
            let messages = batch
                .iter()
                .map(|(_, waiting)| Arc::clone(&waiting.message))
                .collect();
            let result = queue.send(messages).await;
            meter.request(batch.len(), started.elapsed(), &result);
            let _ = answers.send((batch, result)); // the courier is gone only with its runtime
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
        let decided = self.outbox.answered(batch, result, now());
        self.stats.retried += entries - decided.len() as u64;
        for (number, fate) in decided {
            match fate {
                Ok(()) => self.stats.sent += 1,
                Err(_) => self.stats.failed += 1,
            }
            if let Some(sender) = self.senders.remove(&number) {
                let _ = sender.send(fate); // the caller may have gone
            }
        }
        // Before anybody learns of a fate, the counts that include it.
        self.publish.send_replace(self.stats);
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
