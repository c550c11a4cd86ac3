//! Money in minor units.

use std::fmt;
use std::iter::Sum;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, InvalidValue};

/// The largest amount, in minor units: far above any course, far below where sums or JSON numbers lose exactness.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000;

/// An amount of money in the minor unit of its currency (pence, cents): 0 to [`MAX_AMOUNT`].
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "i64", into = "i64")]
#[schemars(with = "i64", extend("minimum" = 0, "maximum" = MAX_AMOUNT))]
pub struct Amount(i64);

impl Amount {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Returns the number of minor units.
    pub fn minor_units(self) -> u64 {
        self.0.unsigned_abs()
    }

    /// Returns the difference, or nothing where it would be negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Self::try_from(self.0 - other.0).ok()
    }

    /// Returns what the session with an ordinal from 1 costs.
    ///
    /// Each session costs the floor of the even share, and the earliest sessions bear one unit of the
    /// remainder each, so that the sum over all sessions is exactly this amount (`RULES.md`, "Cost of a session").
    #[must_use]
    pub fn share(self, ordinal: u16, sessions: Duration) -> Self {
        let sessions = i64::from(sessions.get());
        let remainder = self.0 % sessions;
        Self(self.0 / sessions + i64::from(i64::from(ordinal) <= remainder))
    }
}

impl TryFrom<i64> for Amount {
    type Error = InvalidValue;

    fn try_from(minor: i64) -> Result<Self, InvalidValue> {
        if (0..=MAX_AMOUNT).contains(&minor) {
            Ok(Self(minor))
        } else {
            Err(InvalidValue("must be 0 to 1000000000000 minor units"))
        }
    }
}

impl From<Amount> for i64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

/// Saturates at [`MAX_AMOUNT`], which no sum of true charges comes near.
impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.fold(0, |sum, amount| (sum + amount.0).min(MAX_AMOUNT)))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shares(cost: i64, sessions: i64) -> Vec<i64> {
        let cost = Amount::try_from(cost).expect("in range");
        let sessions = Duration::try_from(sessions).expect("in range");
        (1..=sessions.get())
            .map(|n| cost.share(n, sessions).into())
            .collect()
    }

    #[test]
    fn the_remainder_falls_on_the_earliest_sessions() {
        assert_eq!(shares(100, 3), [34, 33, 33]);
        assert_eq!(shares(11, 4), [3, 3, 3, 2]);
        assert_eq!(shares(2, 5), [1, 1, 0, 0, 0]);
        assert_eq!(shares(0, 2), [0, 0]);
    }

    proptest! {
        #[test]
        fn shares_sum_to_the_cost_and_differ_by_one_at_most(cost in 0..=MAX_AMOUNT, sessions in 1_i64..=500) {
            let shares = shares(cost, sessions);
            prop_assert_eq!(shares.iter().sum::<i64>(), cost);
            prop_assert!(shares[0] - shares[shares.len() - 1] <= 1);
            prop_assert!(shares.is_sorted_by(|a, b| a >= b));
        }
    }

    #[test]
    fn an_amount_is_neither_negative_nor_beyond_the_limit() {
        for bad in [-1, i64::MIN, MAX_AMOUNT + 1, i64::MAX] {
            assert!(Amount::try_from(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_difference_below_zero_is_none() {
        let (small, large) = (Amount(1), Amount(2));
        assert_eq!(large.checked_sub(small), Some(Amount(1)));
        assert_eq!(small.checked_sub(large), None);
    }
}
