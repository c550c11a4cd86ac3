//! The consumer as a whole: under paused time over the queue in memory, and in real time over `local-aws`.

mod attempts;
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
mod spans;
