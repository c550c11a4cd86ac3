//! Which records are parked: those that keep failing, and those behind them.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::item::ItemId;
use crate::settings::RetryPolicy;

/// The items of one shard that have parked records, and the policy that parks a record.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Parking {
    policy: RetryPolicy,
    parked: BTreeSet<ItemId>,
}

/// What happens to a failed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// It is tried again after this delay.
    RetryAfter(Duration),
    /// It is parked.
    Park,
}

impl Parking {
    /// Starts with the items that have parked records already.
    pub(crate) fn new(policy: RetryPolicy, parked: BTreeSet<ItemId>) -> Self {
        Self { policy, parked }
    }

    /// Whether a record of this item must be parked behind an earlier one.
    pub(crate) fn is_parked(&self, item_id: ItemId) -> bool {
        self.parked.contains(&item_id)
    }

    /// Notes that a record of the item has been parked.
    pub(crate) fn park(&mut self, item_id: ItemId) {
        self.parked.insert(item_id);
    }

    /// Notes that the item was reopened: its records are handled again.
    pub(crate) fn reopen(&mut self, item_id: ItemId) {
        self.parked.remove(&item_id);
    }

    /// Decides what happens to a record after its `attempts`-th failure; `chance` is in 0..1.
    pub(crate) fn after_failure(&self, attempts: u32, chance: f64) -> AfterFailure {
        if attempts >= self.policy.max_attempts {
            AfterFailure::Park
        } else {
            AfterFailure::RetryAfter(self.delay(attempts, chance))
        }
    }

    /// The delay after the `attempts`-th failure; see [`RetryPolicy`].
    pub(crate) fn delay(&self, attempts: u32, chance: f64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let delay = self.policy.first_delay.saturating_mul(1 << doublings);
        delay.min(self.policy.max_delay).mul_f64(1.0 - chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::samples::item_id;

    const POLICY: RetryPolicy = RetryPolicy {
        max_attempts: 4,
        first_delay: Duration::from_millis(100),
        max_delay: Duration::from_millis(300),
    };

    #[test]
    fn waits_grow_up_to_the_longest_and_then_the_record_is_parked() {
        let parking = Parking::new(POLICY, BTreeSet::new());
        let verdicts: Vec<_> = (1..5)
            .map(|attempts| parking.after_failure(attempts, 0.0))
            .collect();
        let wait = |millis| AfterFailure::RetryAfter(Duration::from_millis(millis));
        assert_eq!(
            verdicts,
            [wait(100), wait(200), wait(300), AfterFailure::Park]
        );
    }

    #[test]
    fn chance_shortens_a_wait_by_half_at_most() {
        let parking = Parking::new(POLICY, BTreeSet::new());
        assert_eq!(parking.delay(1, 1.0), Duration::from_millis(50));
        assert_eq!(parking.delay(u32::MAX, 0.0), Duration::from_millis(300));
    }

    #[test]
    fn an_item_stays_parked_until_it_is_reopened() {
        let mut parking = Parking::new(POLICY, BTreeSet::from([item_id("a")]));
        parking.park(item_id("b"));
        assert!(parking.is_parked(item_id("a")) && parking.is_parked(item_id("b")));
        parking.reopen(item_id("a"));
        assert!(!parking.is_parked(item_id("a")) && parking.is_parked(item_id("b")));
    }
}
