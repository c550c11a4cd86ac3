//! The binary, as a person or a script calls it.

#![expect(clippy::unwrap_used, reason = "what can't be set up fails its test")]

mod audit;
mod bad_input;
mod consistent;
mod contracts;
mod copied;
mod daemon;
mod deployment;
#[path = "../../../../tests/support/depth.rs"]
#[expect(unreachable_pub, reason = "other tests have it from a library")]
mod depth;
mod gaps;
mod heard;
mod interrupted;
mod killed;
mod kills;
mod life;
mod load;
mod parked;
mod probes;
mod provision;
mod reconcile;
mod relay;
mod rig;
mod status;
mod three_processes;
mod traffic;
mod unreachable;
mod web;
