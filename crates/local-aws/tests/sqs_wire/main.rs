//! The queue service over real connections, through the AWS SDK; each test has a folder and a port of its own.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod faults;
mod killed;
mod local;
mod messages;
mod waiting;
