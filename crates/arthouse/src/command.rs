//! One file a command.

pub(crate) mod audit;
pub(crate) mod calendar;
pub(crate) mod catalogue;
pub(crate) mod completions;
pub(crate) mod course;
pub(crate) mod courses;
pub(crate) mod day;
mod duration;
pub(crate) mod healthy;
#[cfg(feature = "local")]
pub(crate) mod local;
pub(crate) mod man;
pub(crate) mod outcome;
pub(crate) mod pending;
pub(crate) mod progress;
pub(crate) mod provision;
pub(crate) mod reconcile;
pub(crate) mod redrive;
pub(crate) mod roster;
pub(crate) mod schema;
pub(crate) mod send;
mod start;
pub(crate) mod status;
pub(crate) mod streams;
pub(crate) mod web;
pub(crate) mod worker;

use std::str::FromStr;

/// The source of commands that have no other.
const CLI_SOURCE: &str = "urn:digitalarthouse:cli";

/// Reads a number that can't be zero.
fn positive<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse()
        .map_err(|_| "must be a whole number, 1 or more")
}
