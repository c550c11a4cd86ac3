//! Whatever is done to a FIFO queue, no message overtakes another of its group, none is lost, and each comes again until
//! it is deleted.

use proptest::prelude::*;

use super::*;

const GROUPS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Receive {
        limit: usize,
    },
    /// Deletes one of the messages held.
    Delete(usize),
    /// Gives back one of the messages held, at once or after some seconds.
    Hide(usize, u32),
    Wait(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..GROUPS.len()).prop_map(Step::Send),
        3 => (1..=10_usize).prop_map(|limit| Step::Receive { limit }),
        3 => any::<usize>().prop_map(Step::Delete),
        1 => (any::<usize>(), 0..15_u32).prop_map(|(which, seconds)| Step::Hide(which, seconds)),
        2 => (0..12_u32).prop_map(Step::Wait),
    ]
}

/// What must be true, held against the engine step by step.
struct Model {
    bench: Bench,
    /// Bodies of each group that were sent and not deleted, in order.
    alive: [Vec<u32>; 3],
    /// Messages held, with their groups and when their time is up.
    held: Vec<(usize, u32, Got, Moment)>,
    sent: u32,
}

impl Model {
    fn new() -> Self {
        let bench = Bench::with("q.fifo", json!({ "VisibilityTimeout": "10" }));
        Self {
            bench,
            alive: Default::default(),
            held: Vec::new(),
            sent: 0,
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Send(group) => {
                self.sent += 1;
                self.bench
                    .send_in("q.fifo", GROUPS[group], &self.sent.to_string());
                self.alive[group].push(self.sent);
            }
            Step::Receive { limit } => self.receive(limit),
            Step::Delete(which) => {
                if let Some((group, body, got, _)) = self.pick(which) {
                    self.bench
                        .delete("q.fifo", &got)
                        .expect("what is held can be deleted");
                    self.alive[group].retain(|alive| *alive != body);
                }
            }
            Step::Hide(which, seconds) => {
                if let Some((group, body, got, _)) = self.pick(which) {
                    self.bench
                        .hide("q.fifo", &got, seconds)
                        .expect("what is held can be held on to");
                    if seconds > 0 {
                        let until = self.bench.now().plus_seconds(seconds);
                        self.held.push((group, body, got, until));
                    }
                }
            }
            Step::Wait(seconds) => {
                let now = self.bench.wait(seconds).now();
                self.held.retain(|(.., until)| *until > now);
            }
        }
    }

    fn pick(&mut self, which: usize) -> Option<(usize, u32, Got, Moment)> {
        let count = self.held.len();
        (count > 0).then(|| self.held.swap_remove(which % count))
    }

    fn receive(&mut self, limit: usize) {
        let expected = GROUPS
            .iter()
            .enumerate()
            .map(|(group, _)| self.available(group));
        let available: Vec<Vec<u32>> = expected.collect();
        let received = self.bench.receive("q.fifo", limit);
        let total: usize = available.iter().map(Vec::len).sum();
        assert_eq!(
            received.len(),
            limit.min(total),
            "as many as there are, up to the limit"
        );
        let until = self.bench.now().plus_seconds(10);
        let mut next = [0; 3];
        for got in received {
            let body: u32 = got.body.parse().expect("bodies are numbers");
            let group = self
                .alive
                .iter()
                .position(|alive| alive.contains(&body))
                .expect("not deleted");
            assert_eq!(
                available[group].get(next[group]),
                Some(&body),
                "in the order of its group"
            );
            next[group] += 1;
            self.held.push((group, body, got, until));
        }
    }

    /// The messages of a group that can be received now: those before the first that is held.
    fn available(&self, group: usize) -> Vec<u32> {
        let held = |body: u32| self.held.iter().any(|(_, held, ..)| *held == body);
        self.alive[group]
            .iter()
            .copied()
            .take_while(|body| !held(*body))
            .collect()
    }

    /// Deletes what comes until nothing does, and returns what was not to be had.
    fn drain(mut self) -> Vec<u32> {
        self.bench.wait(60);
        self.held.clear();
        for _ in 0..self.sent {
            self.receive(10);
            while let Some((group, body, got, _)) = self.pick(0) {
                self.bench
                    .delete("q.fifo", &got)
                    .expect("what is held can be deleted");
                self.alive[group].retain(|alive| *alive != body);
            }
        }
        assert_eq!(self.bench.counts("q.fifo"), (0, 0, 0));
        self.alive.concat()
    }
}

proptest! {
    #[test]
    fn nothing_overtakes_nothing_is_lost_and_all_comes_until_it_is_deleted(
        steps in proptest::collection::vec(step(), 1..120)
    ) {
        let mut model = Model::new();
        for step in steps {
            model.apply(step);
        }
        prop_assert_eq!(model.drain(), Vec::<u32>::new());
    }
}
