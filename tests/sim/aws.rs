//! The whole of AWS that the product needs, in this process: synchronous, deterministic, no threads, no real clock.
//!
//! - `tables`: DynamoDB. Semantics come from dynoxide in memory. Every write is compared with the images before and
//!   after it, which makes the change log: what the audit sees, and what the streams deal out.
//! - `streams`: the change log dealt out as a tree of shards.
//! - `queues`: SQS. The engine and the wire are `local-aws`'s own.
//! - `adversity`: what the services do that a careless client does not expect, seeded, each kind with its own rate.
//!
//! Time is an argument, since each simulated process has a clock of its own: [`Aws::set_now`]. The wall clock is
//! [`clock::EPOCH_MILLIS`] and what has passed since.
//! Where an order can be seen it is that of a `BTreeMap`; ids are counted. The same seed and calls give the same bytes.

mod adversity;
mod clock;
mod queues;
mod reply;
mod streams;
mod tables;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::Notify;

use adversity::Adversary;
use clock::WallClock;
use queues::Queues;
use streams::Streams;
use tables::Tables;

pub(crate) use adversity::{Adversity, Behaviour};
pub(crate) use clock::EPOCH_MILLIS;
pub(crate) use reply::ApiReply;
pub(crate) use streams::Trimmed;
pub(crate) use tables::CommittedWrite;

/// One call of the API, as it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiCall {
    /// Who calls.
    pub(crate) node: u32,
    /// The header `X-Amz-Target`: the service and the operation.
    pub(crate) target: String,
    pub(crate) body: Bytes,
}

/// The services; clones share them.
#[derive(Clone)]
pub(crate) struct Aws {
    services: Arc<Mutex<Services>>,
    clock: WallClock,
    queue_changed: Arc<Notify>,
}

struct Services {
    adversary: Adversary,
    tables: Tables,
    streams: Streams,
    queues: Queues,
}

impl Aws {
    /// Services without tables and queues. They start at [`clock::EPOCH_MILLIS`] by the wall clock.
    pub(crate) fn new(seed: u64, adversity: Adversity) -> Self {
        let clock = WallClock::default();
        let services = Services {
            adversary: Adversary::new(seed, adversity),
            tables: Tables::new(&clock),
            streams: Streams::new(seed),
            queues: Queues::new(seed),
        };
        Self {
            services: Arc::new(Mutex::new(services)),
            clock,
            queue_changed: Arc::default(),
        }
    }

    /// Carries out one API call at once and whole, as the service would.
    ///
    /// A ReceiveMessage that finds nothing answers so at once: who has time to wait calls again at
    /// [`Self::next_arrival`] or after [`Self::queue_changed`].
    pub(crate) fn call(&self, call: &ApiCall) -> ApiReply {
        let now = self.clock.now_millis();
        let mut services = self.services();
        let Services {
            adversary,
            tables,
            streams,
            queues,
        } = &mut *services;
        match call.target.split_once('.') {
            Some(("DynamoDB_20120810", operation)) => {
                tables.call(operation, call, adversary, streams, now)
            }
            Some(("DynamoDBStreams_20120810", operation)) => {
                streams.call(operation, &call.body, adversary, now)
            }
            Some(("AmazonSQS", operation)) => {
                let reply = queues.call(operation, &call.body, adversary, now);
                // Only then: pollers that find nothing would wake each other for ever.
                if queues.take_woke() {
                    self.queue_changed.notify_waiters();
                }
                reply
            }
            Some(_) | None => ApiReply::unknown_operation(),
        }
    }

    /// When something comes up by itself for a long poll on this queue (a delay or a visibility ends), if ever: counted from the start.
    pub(crate) fn next_arrival(&self, queue_url: &str) -> Option<Duration> {
        let due = self.services().queues.next_arrival(queue_url)?;
        Some(WallClock::since_start(due))
    }

    /// Lets so much time have passed since the start; it never goes back.
    pub(crate) fn set_now(&self, since_start: Duration) {
        self.clock.set(since_start);
    }

    /// Ends when a call has made something receivable, if only after this was called.
    pub(crate) fn queue_changed(&self) -> impl Future<Output = ()> + Send + use<> {
        Arc::clone(&self.queue_changed).notified_owned()
    }

    /// Takes what was committed to tables since the last time, in order.
    pub(crate) fn take_commits(&self) -> Vec<CommittedWrite> {
        self.services().tables.take_commits()
    }

    /// Whether one of two shards comes from the other, or they are the same.
    pub(crate) fn are_of_one_line(&self, one: &str, other: &str) -> bool {
        self.services().streams.are_of_one_line(one, other)
    }

    /// Takes what was trimmed since the last time.
    pub(crate) fn take_trimmed(&self) -> Vec<Trimmed> {
        self.services().streams.take_trimmed()
    }

    /// Takes note that a reader has kept its place in a shard; see [`Behaviour::Trimmed`].
    pub(crate) fn shard_begun(&self, stream_arn: &str, shard: &str) {
        self.services().streams.begun(stream_arn, shard);
    }

    /// The items of a table now, in the order of their keys, in DynamoDB's JSON; empty if there is no such table.
    pub(crate) fn items(&self, table: &str) -> Vec<Arc<Value>> {
        self.services().tables.items(table)
    }

    /// Replaces what goes wrong, and how often.
    pub(crate) fn set_adversity(&self, adversity: Adversity) {
        self.services().adversary.set(adversity);
    }

    /// Switches all adversity off, and what of it was still to come.
    pub(crate) fn heal(&self) {
        let mut services = self.services();
        services.adversary.set(Adversity::none());
        services.streams.heal(self.clock.now_millis());
        services.queues.heal();
        drop(services);
        self.queue_changed.notify_waiters();
    }

    /// How often each behaviour has struck.
    pub(crate) fn struck(&self) -> std::collections::BTreeMap<Behaviour, u64> {
        self.services().adversary.struck().clone()
    }

    /// Splits each open shard of a table's stream in two, after what was committed until now.
    pub(crate) fn split_shards(&self, table: &str) {
        let now = self.clock.now_millis();
        let mut services = self.services();
        let Services {
            streams, adversary, ..
        } = &mut *services;
        streams.surface(adversary, now);
        streams.split_all(table, now);
    }

    /// Closes each open shard of a table's stream, after what was committed until now, and lets a child go on.
    pub(crate) fn roll_over_shards(&self, table: &str) {
        let now = self.clock.now_millis();
        let mut services = self.services();
        let Services {
            streams, adversary, ..
        } = &mut *services;
        streams.surface(adversary, now);
        streams.roll_over_all(table, now);
    }

    /// Trims the records of a table's stream that are older than this, and the shards that closed before.
    pub(crate) fn trim_stream(&self, table: &str, older_than: Duration) {
        let now = self.clock.now_millis();
        self.services().streams.trim(table, older_than, now);
    }

    /// Makes all iterators of a table's stream invalid that were given out by now.
    pub(crate) fn expire_iterators(&self, table: &str) {
        let now = self.clock.now_millis();
        self.services().streams.expire_iterators(table, now);
    }

    fn services(&self) -> MutexGuard<'_, Services> {
        self.services.lock().expect("no call has panicked")
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Aws").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
