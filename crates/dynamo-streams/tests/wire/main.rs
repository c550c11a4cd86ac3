//! The consumer as its users have it: over real connections to a `local-aws` of its own, and on its fake.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod local;

mod delivery;
mod fake;
mod sharing;
mod silence;
