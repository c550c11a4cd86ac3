//! The consumer as a whole, under paused time over the queue in memory, and in real time over `local-aws`.

mod fifo;
mod rig;
