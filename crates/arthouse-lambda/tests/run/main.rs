//! The binary as AWS runs it: behind the Lambda Runtime API, fed by event source mappings over a live stack.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod commands;
mod function;
mod life;
mod mapping;
mod reactions;
mod refused;
mod schedules;

use std::time::Duration;

/// The functions' time-out.
const TIMEOUT: Duration = Duration::from_secs(30);
