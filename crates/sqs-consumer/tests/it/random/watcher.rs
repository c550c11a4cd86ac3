//! A handler that follows the plan and checks what it must never see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sqs_consumer::testing::FakeQueue;
use sqs_consumer::{Context, Disposition, Handler, Message};

use super::{Plan, Step};

/// Does what the plan says and watches what it must never see.
#[derive(Clone)]
pub(super) struct Watcher(Arc<Watch>);

struct Watch {
    plan: Plan,
    queue: FakeQueue,
    seen: Mutex<Seen>,
}

#[derive(Default)]
pub(super) struct Seen {
    pub(super) runs: BTreeMap<usize, usize>,
    pub(super) running: BTreeSet<usize>,
    pub(super) done: BTreeMap<usize, usize>,
    pub(super) dead_lettered: BTreeSet<usize>,
    pub(super) violations: Vec<String>,
    /// Violations that are no fault of the consumer if leases were lost.
    pub(super) unless_lost: Vec<String>,
}

/// Marks a run as over even when its future is dropped.
struct Running<'a>(&'a Watch, usize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.seen.lock().unwrap().running.remove(&self.1);
    }
}

impl Watcher {
    pub(super) fn new(plan: &Plan, queue: &FakeQueue) -> Self {
        Self(Arc::new(Watch {
            plan: plan.clone(),
            queue: queue.clone(),
            seen: Mutex::default(),
        }))
    }

    fn begin(&self, index: usize, message: &Message) -> (Duration, Step) {
        let Watch { plan, queue, seen } = &*self.0;
        let seen = &mut *seen.lock().unwrap();
        let group = plan.messages[index].group;
        if !seen.running.insert(index) {
            seen.violations
                .push(format!("message {index} runs twice at once"));
        }
        if seen.running.len() > plan.concurrency {
            seen.violations.push(format!(
                "{} handlers of {}",
                seen.running.len(),
                plan.concurrency
            ));
        }
        let together = seen
            .running
            .iter()
            .filter(|other| plan.messages[**other].group == group)
            .count();
        let limit = if plan.fifo {
            1
        } else {
            plan.concurrency_per_group.unwrap_or(usize::MAX)
        };
        if together > limit {
            seen.violations
                .push(format!("{together} handlers of group {group}"));
        }
        if plan.fifo {
            let sent_before = |other: &usize| {
                (plan.messages[*other].at, *other) < (plan.messages[index].at, index)
            };
            let unsettled = (0..plan.messages.len())
                .filter(|other| plan.messages[*other].group == group && sent_before(other))
                .find(|other| {
                    !seen.done.contains_key(other) && !seen.dead_lettered.contains(other)
                });
            if let Some(other) = unsettled {
                seen.violations
                    .push(format!("message {index} overtook {other} of its group"));
            }
        }
        if seen.done.contains_key(&index) {
            seen.unless_lost
                .push(format!("message {index} was handled after it was done"));
        }
        if queue.hidden_until(message.message_id()).is_none() {
            seen.unless_lost
                .push(format!("message {index} was visible when it began"));
        }
        let run = seen.runs.entry(index).or_default();
        let step = plan.messages[index]
            .runs
            .get(*run)
            .copied()
            .unwrap_or((Duration::ZERO, Step::Done));
        *run += 1;
        step
    }

    fn end(&self, index: usize, message: &Message, context: &Context, step: Step) -> Disposition {
        let seen = &mut *self.0.seen.lock().unwrap();
        if !context.cancellation_token().is_cancelled()
            && self.0.queue.hidden_until(message.message_id()).is_none()
        {
            seen.unless_lost
                .push(format!("message {index} had become visible when it ended"));
        }
        let reason = "as planned".to_owned();
        match step {
            Step::Done => {
                *seen.done.entry(index).or_default() += 1;
                Disposition::Done
            }
            Step::Retry => Disposition::Retry {
                after: None,
                reason,
            },
            Step::Defer => Disposition::Defer {
                after: None,
                reason,
            },
            Step::DeadLetter => Disposition::DeadLetter {
                reason,
                detail: String::new(),
            },
            Step::Panic => unreachable!("panics don't end"),
        }
    }

    /// What has been seen so far.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap()
    }

    /// Notes the messages in the dead-letter queue: these are settled.
    pub(super) fn dead_letter(&self, dead_letters: &FakeQueue) {
        let seen = &mut *self.0.seen.lock().unwrap();
        seen.dead_lettered.extend(
            dead_letters
                .messages()
                .iter()
                .map(|copy| copy.body.parse::<usize>().unwrap()),
        );
    }
}

pub(super) struct Handling {
    pub(super) watcher: Watcher,
    pub(super) dead_letters: FakeQueue,
}

impl Handler for Handling {
    async fn handle(&self, message: &Message, context: &Context) -> Disposition {
        let index: usize = message.body().parse().unwrap();
        self.watcher.dead_letter(&self.dead_letters);
        let (time, step) = self.watcher.begin(index, message);
        let running = Running(&self.watcher.0, index);
        tokio::time::sleep(time).await;
        if let Step::Panic = step {
            drop(running);
            std::panic::resume_unwind(Box::new("as planned")); // without the hook's print
        }
        self.watcher.end(index, message, context, step)
    }
}
