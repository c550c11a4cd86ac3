//! The consumer as a whole: under paused time over the queue in memory, and in real time over `local-aws`.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fault plan names the one request that goes wrong"
)]

mod attempts;
mod batches;
mod conformance;
mod drain;
mod fifo;
mod lease;
mod load;
mod numbers;
mod random;
mod receive;
mod rig;
mod sender;
mod settle;
mod silence;
mod timeouts;
