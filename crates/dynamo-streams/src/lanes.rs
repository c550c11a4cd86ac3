//! Lanes: records of one item one at a time and in order, different items side by side.

use std::collections::{BTreeSet, HashMap, VecDeque};

use tokio::time::Instant;

use crate::record::LaneId;

/// The records of one shard that wait or run, by lane. A record is known by its ordinal.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Lanes {
    lanes: HashMap<LaneId, Lane>,
    ready: VecDeque<LaneId>,
    waiting: BTreeSet<(Instant, LaneId)>,
    running: usize,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Lane {
    queue: VecDeque<u64>,
    waits_until: Option<Instant>,
}

impl Lanes {
    /// Puts a record at the end of its lane.
    pub(crate) fn push(&mut self, lane: LaneId, ordinal: u64) {
        match self.lanes.get_mut(&lane) {
            Some(known) => known.queue.push_back(ordinal),
            None => {
                let queue = VecDeque::from([ordinal]);
                self.lanes.insert(
                    lane,
                    Lane {
                        queue,
                        waits_until: None,
                    },
                );
                self.ready.push_back(lane);
            }
        }
    }

    /// Takes the next record that may run, if there is one, and holds its lane until it is told of the end.
    pub(crate) fn start(&mut self, now: Instant) -> Option<(LaneId, u64)> {
        while let Some((until, lane)) = self
            .waiting
            .first()
            .copied()
            .filter(|(until, _)| *until <= now)
        {
            self.waiting.remove(&(until, lane));
            self.lanes
                .entry(lane)
                .and_modify(|lane| lane.waits_until = None);
            self.ready.push_back(lane);
        }
        let lane = self.ready.pop_front()?;
        let ordinal = *self.lanes.get(&lane)?.queue.front()?;
        self.running += 1;
        Some((lane, ordinal))
    }

    /// Ends the running record of a lane; the next one may run.
    pub(crate) fn finish(&mut self, lane: LaneId) {
        self.running -= 1;
        let Some(known) = self.lanes.get_mut(&lane) else {
            return;
        };
        known.queue.pop_front();
        if known.queue.is_empty() {
            self.lanes.remove(&lane);
        } else {
            self.ready.push_back(lane);
        }
    }

    /// Keeps the running record of a lane at its head, to run again at `at`.
    pub(crate) fn retry(&mut self, lane: LaneId, at: Instant) {
        self.running -= 1;
        if let Some(known) = self.lanes.get_mut(&lane) {
            known.waits_until = Some(at);
            self.waiting.insert((at, lane));
        }
    }

    /// Lets a lane that waits for a retry run at once; tells whether it waited.
    pub(crate) fn hurry(&mut self, lane: LaneId, now: Instant) -> bool {
        let Some(known) = self.lanes.get_mut(&lane) else {
            return false;
        };
        let Some(until) = known.waits_until.replace(now) else {
            return false;
        };
        self.waiting.remove(&(until, lane));
        self.waiting.insert((now, lane));
        true
    }

    /// When the next waiting lane may run.
    pub(crate) fn next_retry(&self) -> Option<Instant> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// How many records run.
    pub(crate) fn running(&self) -> usize {
        self.running
    }
}

/// In the order of the lanes' names, since a hash map has none.
#[cfg(test)]
impl std::hash::Hash for Lanes {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        let Self {
            lanes,
            ready,
            waiting,
            running,
        } = self;
        let mut lanes: Vec<_> = lanes
            .iter()
            .map(|(id, lane)| (id, &lane.queue, lane.waits_until))
            .collect();
        lanes.sort_unstable();
        (lanes, ready, waiting, running).hash(hasher);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::lane;

    fn started(lanes: &mut Lanes, now: Instant) -> Vec<u64> {
        std::iter::from_fn(|| lanes.start(now))
            .map(|(_, ordinal)| ordinal)
            .collect()
    }

    #[test]
    fn records_of_one_item_run_one_at_a_time_and_others_beside_them() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for (ordinal, item) in ["a", "a", "b"].iter().enumerate() {
            lanes.push(lane(item), ordinal as u64);
        }
        assert_eq!(started(&mut lanes, now), [0, 2]);
        lanes.finish(lane("a"));
        assert_eq!(started(&mut lanes, now), [1]);
    }

    #[test]
    fn a_record_that_waits_for_a_retry_holds_up_only_its_own_item() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        lanes.push(lane("a"), 0);
        lanes.push(lane("a"), 1);
        assert_eq!(started(&mut lanes, now), [0]);
        let later = now + Duration::from_secs(1);
        lanes.retry(lane("a"), later);
        lanes.push(lane("b"), 2);
        assert_eq!(started(&mut lanes, now), [2]);
        assert_eq!(lanes.next_retry(), Some(later));
        assert_eq!(started(&mut lanes, later), [0]);
    }

    #[test]
    fn a_hurried_lane_runs_at_once() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        lanes.push(lane("a"), 0);
        assert!(!lanes.hurry(lane("a"), now), "it does not wait yet");
        started(&mut lanes, now);
        lanes.retry(lane("a"), now + Duration::from_secs(60));
        assert!(lanes.hurry(lane("a"), now));
        assert_eq!(started(&mut lanes, now), [0]);
        assert_eq!(lanes.next_retry(), None);
    }

    proptest! {
        #[test]
        fn any_history_runs_every_record_in_the_order_of_its_item(
            steps in prop::collection::vec((0_u8..4, 0_u8..3), 1..60),
        ) {
            let (mut lanes, mut now) = (Lanes::default(), Instant::now());
            let (mut pushed, mut running) = (Vec::new(), Vec::new());
            let mut finished: HashMap<LaneId, Vec<u64>> = HashMap::new();
            let settle = |lanes: &mut Lanes, (id, ordinal), finished: &mut HashMap<_, Vec<_>>| {
                finished.entry(id).or_default().push(ordinal);
                lanes.finish(id);
            };
            for (item, step) in steps {
                let id = lane(&item.to_string());
                match step {
                    0 => { lanes.push(id, pushed.len() as u64); pushed.push(id); }
                    1 => if let Some(done) = running.pop() { settle(&mut lanes, done, &mut finished); },
                    _ => if let Some((id, _)) = running.pop() { lanes.retry(id, now + Duration::from_secs(1)); },
                }
                running.extend(lanes.start(now));
                prop_assert_eq!(running.len(), lanes.running());
                let unique: BTreeSet<LaneId> = running.iter().map(|(id, _)| *id).collect();
                prop_assert_eq!(unique.len(), running.len(), "two records of one item run");
            }
            now += Duration::from_secs(2);
            loop {
                while let Some(next) = lanes.start(now) { running.push(next); }
                let Some(done) = running.pop() else { break };
                settle(&mut lanes, done, &mut finished);
            }
            prop_assert_eq!(finished.values().map(Vec::len).sum::<usize>(), pushed.len());
            prop_assert!(finished.values().all(|ordinals| ordinals.is_sorted()));
        }
    }
}
