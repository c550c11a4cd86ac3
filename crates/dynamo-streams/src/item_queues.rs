//! ItemQueues: records of one item one at a time and in order, different items side by side.

use std::collections::{BTreeSet, HashMap, VecDeque};

use tokio::time::Instant;

use crate::item::ItemId;

/// The records of one shard that wait or run, in a queue for each item. A record is identified by its ordinal.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct ItemQueues {
    queues: HashMap<ItemId, ItemQueue>,
    ready: VecDeque<ItemId>,
    waiting: BTreeSet<(Instant, ItemId)>,
    running: usize,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct ItemQueue {
    queue: VecDeque<u64>,
    waits_until: Option<Instant>,
}

impl ItemQueues {
    /// Appends a record to the queue of its item.
    pub(crate) fn push(&mut self, item_id: ItemId, ordinal: u64) {
        match self.queues.get_mut(&item_id) {
            Some(known) => known.queue.push_back(ordinal),
            None => {
                let queue = VecDeque::from([ordinal]);
                self.queues.insert(
                    item_id,
                    ItemQueue {
                        queue,
                        waits_until: None,
                    },
                );
                self.ready.push_back(item_id);
            }
        }
    }

    /// Starts the next record that may run, if there is one. The queue of its item waits until `finish` or `retry`.
    pub(crate) fn start(&mut self, now: Instant) -> Option<(ItemId, u64)> {
        while let Some((until, item_id)) = self
            .waiting
            .first()
            .copied()
            .filter(|(until, _)| *until <= now)
        {
            self.waiting.remove(&(until, item_id));
            self.queues
                .entry(item_id)
                .and_modify(|queue| queue.waits_until = None);
            self.ready.push_back(item_id);
        }
        let item_id = self.ready.pop_front()?;
        let ordinal = *self.queues.get(&item_id)?.queue.front()?;
        self.running += 1;
        Some((item_id, ordinal))
    }

    /// Ends the running record of an item; the next one may run.
    pub(crate) fn finish(&mut self, item_id: ItemId) {
        self.running -= 1;
        let Some(known) = self.queues.get_mut(&item_id) else {
            return;
        };
        known.queue.pop_front();
        if known.queue.is_empty() {
            self.queues.remove(&item_id);
        } else {
            self.ready.push_back(item_id);
        }
    }

    /// Keeps the running record of an item at the head of its queue, to run again at `at`.
    pub(crate) fn retry(&mut self, item_id: ItemId, at: Instant) {
        self.running -= 1;
        if let Some(known) = self.queues.get_mut(&item_id) {
            known.waits_until = Some(at);
            self.waiting.insert((at, item_id));
        }
    }

    /// Ends the wait of an item for its retry; returns whether it waited.
    pub(crate) fn retry_now(&mut self, item_id: ItemId, now: Instant) -> bool {
        let Some(known) = self.queues.get_mut(&item_id) else {
            return false;
        };
        let Some(until) = known.waits_until.replace(now) else {
            return false;
        };
        self.waiting.remove(&(until, item_id));
        self.waiting.insert((now, item_id));
        true
    }

    /// When the next waiting item may run.
    pub(crate) fn next_retry(&self) -> Option<Instant> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// How many records run.
    pub(crate) fn running(&self) -> usize {
        self.running
    }
}

#[cfg(test)]
impl ItemQueues {
    /// What waits and what runs, for the model, with ordinals counted from `first`.
    pub(crate) fn outline(&self, first: u64) -> impl std::hash::Hash {
        let queues = self.queues.iter().map(|(id, item)| {
            let ordinals = item.queue.iter().map(|ordinal| ordinal - first);
            (*id, ordinals.collect(), item.waits_until.is_some())
        });
        let mut queues: Vec<(ItemId, Vec<u64>, bool)> = queues.collect();
        // A hash map has no order.
        queues.sort_unstable();
        (queues, self.ready.clone(), self.running)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::internal::samples::item_id;

    fn started(queues: &mut ItemQueues, now: Instant) -> Vec<u64> {
        std::iter::from_fn(|| queues.start(now))
            .map(|(_, ordinal)| ordinal)
            .collect()
    }

    #[test]
    fn records_of_one_item_run_one_at_a_time_and_others_beside_them() {
        let (mut queues, now) = (ItemQueues::default(), Instant::now());
        for (ordinal, item) in ["a", "a", "b"].iter().enumerate() {
            queues.push(item_id(item), ordinal as u64);
        }
        assert_eq!(started(&mut queues, now), [0, 2]);
        queues.finish(item_id("a"));
        assert_eq!(started(&mut queues, now), [1]);
    }

    #[test]
    fn a_record_that_waits_for_a_retry_holds_up_only_its_own_item() {
        let (mut queues, now) = (ItemQueues::default(), Instant::now());
        queues.push(item_id("a"), 0);
        queues.push(item_id("a"), 1);
        assert_eq!(started(&mut queues, now), [0]);
        let later = now + Duration::from_secs(1);
        queues.retry(item_id("a"), later);
        queues.push(item_id("b"), 2);
        assert_eq!(started(&mut queues, now), [2]);
        assert_eq!(queues.next_retry(), Some(later));
        assert_eq!(started(&mut queues, later), [0]);
    }

    #[test]
    fn an_item_whose_wait_is_ended_runs_at_once() {
        let (mut queues, now) = (ItemQueues::default(), Instant::now());
        queues.push(item_id("a"), 0);
        assert!(!queues.retry_now(item_id("a"), now), "it does not wait yet");
        started(&mut queues, now);
        queues.retry(item_id("a"), now + Duration::from_secs(60));
        assert!(queues.retry_now(item_id("a"), now));
        assert_eq!(started(&mut queues, now), [0]);
        assert_eq!(queues.next_retry(), None);
    }

    proptest! {
        #[test]
        fn any_history_runs_every_record_in_the_order_of_its_item(
            steps in prop::collection::vec((0_u8..4, 0_u8..3), 1..60),
        ) {
            let (mut queues, mut now) = (ItemQueues::default(), Instant::now());
            let (mut pushed, mut running) = (Vec::new(), Vec::new());
            let mut finished: HashMap<ItemId, Vec<u64>> = HashMap::new();
            let settle = |queues: &mut ItemQueues, (id, ordinal), finished: &mut HashMap<_, Vec<_>>| {
                finished.entry(id).or_default().push(ordinal);
                queues.finish(id);
            };
            for (item, step) in steps {
                let id = item_id(&item.to_string());
                match step {
                    0 => { queues.push(id, pushed.len() as u64); pushed.push(id); }
                    1 => if let Some(done) = running.pop() { settle(&mut queues, done, &mut finished); },
                    _ => if let Some((id, _)) = running.pop() { queues.retry(id, now + Duration::from_secs(1)); },
                }
                running.extend(queues.start(now));
                prop_assert_eq!(running.len(), queues.running());
                let unique: BTreeSet<ItemId> = running.iter().map(|(id, _)| *id).collect();
                prop_assert_eq!(unique.len(), running.len(), "two records of one item run");
            }
            now += Duration::from_secs(2);
            loop {
                while let Some(next) = queues.start(now) { running.push(next); }
                let Some(done) = running.pop() else { break };
                settle(&mut queues, done, &mut finished);
            }
            prop_assert_eq!(finished.values().map(Vec::len).sum::<usize>(), pushed.len());
            prop_assert!(finished.values().all(|ordinals| ordinals.is_sorted()));
        }
    }
}
