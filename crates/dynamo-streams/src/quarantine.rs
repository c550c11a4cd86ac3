//! What becomes of a record that fails, and of those behind it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::record::LaneId;
use crate::settings::RetryPolicy;

/// The items of one shard that are in quarantine, and the rule by which they get there.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Quarantine {
    policy: RetryPolicy,
    parked: BTreeSet<LaneId>,
}

/// What becomes of a failed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is tried again after this wait.
    RetryAfter(Duration),
    /// It is parked.
    Park,
}

impl Quarantine {
    /// Begins with the items that were parked before.
    pub(crate) fn new(policy: RetryPolicy, parked: BTreeSet<LaneId>) -> Self {
        Self { policy, parked }
    }

    /// Whether records of this item must be parked behind an earlier one.
    pub(crate) fn holds(&self, lane: LaneId) -> bool {
        self.parked.contains(&lane)
    }

    /// Notes that a record of the item has been parked.
    pub(crate) fn park(&mut self, lane: LaneId) {
        self.parked.insert(lane);
    }

    /// Notes that the item was redriven: its records are handled again.
    pub(crate) fn release(&mut self, lane: LaneId) {
        self.parked.remove(&lane);
    }

    /// Judges a record after its `attempts`-th failure; `chance` lies in 0..1.
    pub(crate) fn judge(&self, attempts: u32, chance: f64) -> Verdict {
        if attempts >= self.policy.attempts {
            Verdict::Park
        } else {
            Verdict::RetryAfter(self.wait(attempts, chance))
        }
    }

    /// The wait after the `attempts`-th failure: doubled each time up to the longest, less up to half.
    pub(crate) fn wait(&self, attempts: u32, chance: f64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let wait = self.policy.first_wait.saturating_mul(1 << doublings);
        wait.min(self.policy.longest_wait)
            .mul_f64(1.0 - chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::lane;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 4,
        first_wait: Duration::from_millis(100),
        longest_wait: Duration::from_millis(300),
    };

    #[test]
    fn waits_grow_up_to_the_longest_and_then_the_record_is_parked() {
        let quarantine = Quarantine::new(POLICY, BTreeSet::new());
        let verdicts: Vec<_> = (1..5)
            .map(|attempts| quarantine.judge(attempts, 0.0))
            .collect();
        let wait = |millis| Verdict::RetryAfter(Duration::from_millis(millis));
        assert_eq!(verdicts, [wait(100), wait(200), wait(300), Verdict::Park]);
    }

    #[test]
    fn chance_shortens_a_wait_by_half_at_most() {
        let quarantine = Quarantine::new(POLICY, BTreeSet::new());
        assert_eq!(quarantine.wait(1, 1.0), Duration::from_millis(50));
        assert_eq!(quarantine.wait(u32::MAX, 0.0), Duration::from_millis(300));
    }

    #[test]
    fn an_item_stays_in_quarantine_until_it_is_redriven() {
        let mut quarantine = Quarantine::new(POLICY, BTreeSet::from([lane("a")]));
        quarantine.park(lane("b"));
        assert!(quarantine.holds(lane("a")) && quarantine.holds(lane("b")));
        quarantine.release(lane("a"));
        assert!(!quarantine.holds(lane("a")) && quarantine.holds(lane("b")));
    }
}
