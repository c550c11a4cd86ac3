//! The binary, as a person or a script calls it.

#![expect(clippy::unwrap_used, reason = "what can't be set up fails its test")]

mod bad_input;
mod contracts;
mod daemon;
mod killed;
mod life;
mod probes;
mod provision;
mod rig;
mod unreachable;
