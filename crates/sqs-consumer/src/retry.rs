//! How often and how far apart a failed message is tried.

use std::time::Duration;

use crate::error::{Error, require};
use crate::queue::MAX_VISIBILITY_TIMEOUT;

/// How failed messages are retried.
///
/// The delay before attempt *n*+1 is `first_delay` × 2^(*n*−1), at most `max_delay`, less a random part of up to half of it, so that
/// messages that failed together are not tried again together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The delay after the first failed attempt, more than zero. SQS counts it in whole seconds. Default 2 s: less its random part it is
    /// still a second.
    pub first_delay: Duration,
    /// The longest delay, up to 12 h. Default 15 min: an outage of hours costs a message a few receives an hour, and its end is noticed soon.
    pub max_delay: Duration,
    /// How many attempts a message gets before it is dead-lettered, at least 1. Default 5: with the default delays that spans half a minute.
    pub max_attempts: u32,
    /// How many receives that nothing explains a message may have, at least 1; then it is dead-lettered without being handled. Default 100, above what
    /// a bad day of restarts adds up to. It ends messages that kill the process, which then remembers no attempts.
    ///
    /// A receive is explained if this process released the message afterwards, if the message waited behind another one of its FIFO group,
    /// if the next receive came sooner than a visibility timeout later (who dies releases nothing), or if receives are as far apart as
    /// deferrals: on average half of `max_delay`, and ten visibility timeouts.
    pub max_unexplained_receives: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_secs(2),
            max_delay: Duration::from_secs(15 * 60),
            max_attempts: 5,
            max_unexplained_receives: 100,
        }
    }
}

impl RetryPolicy {
    setters! {
        with_first_delay first_delay: Duration;
        with_max_delay max_delay: Duration;
        with_max_attempts max_attempts: u32;
        with_max_unexplained_receives max_unexplained_receives: u32;
    }
}

impl RetryPolicy {
    /// Returns an error for the first invalid setting.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Self {
            first_delay,
            max_delay,
            max_attempts,
            max_unexplained_receives,
        } = *self;
        require(
            "retry.max_delay",
            max_delay,
            max_delay <= MAX_VISIBILITY_TIMEOUT,
            "must be at most 12 h",
        )?;
        require(
            "retry.first_delay",
            first_delay,
            !first_delay.is_zero() && first_delay <= max_delay,
            "must be more than zero and at most max_delay",
        )?;
        require(
            "retry.max_attempts",
            max_attempts,
            max_attempts >= 1,
            "must be at least 1",
        )?;
        require(
            "retry.max_unexplained_receives",
            max_unexplained_receives,
            max_unexplained_receives >= 1,
            "must be at least 1",
        )
    }

    /// Returns the delay after this failed attempt (from 1), jitter included.
    pub(crate) fn delay(&self, attempt: u32, rng: &mut fastrand::Rng) -> Duration {
        jittered(self.first_delay, self.max_delay, attempt, rng)
    }
}

/// Returns `first` doubled for each step after the first, at most `longest`, less a random part of up to half of it.
pub(crate) fn jittered(
    first: Duration,
    longest: Duration,
    step: u32,
    rng: &mut fastrand::Rng,
) -> Duration {
    let doublings = step.saturating_sub(1).min(31);
    let full = first.saturating_mul(1 << doublings).min(longest);
    full.mul_f64(1.0 - rng.f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_grows_with_the_attempt_and_keeps_at_least_half_of_it() {
        let policy = RetryPolicy::default();
        let mut rng = fastrand::Rng::with_seed(7);
        for attempt in 1..=40 {
            let full = policy
                .first_delay
                .saturating_mul(1 << (attempt - 1).min(31))
                .min(policy.max_delay);
            for _ in 0..50 {
                let delay = policy.delay(attempt, &mut rng);
                assert!(
                    delay <= full && delay >= full / 2,
                    "attempt {attempt}: {delay:?}"
                );
            }
        }
    }

    #[test]
    fn delays_of_messages_that_failed_together_differ() {
        let mut rng = fastrand::Rng::with_seed(7);
        let policy = RetryPolicy::default();
        let delays: std::collections::BTreeSet<_> =
            (0..20).map(|_| policy.delay(4, &mut rng)).collect();
        assert!(delays.len() > 15);
    }
}
