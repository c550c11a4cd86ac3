//! The consumer over real connections to a `local-aws` of its own.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod local;

mod delivery;
mod sharing;
