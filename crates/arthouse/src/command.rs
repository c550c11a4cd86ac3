//! One file a command.

pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod course;
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
mod seconds;
pub(crate) mod send;
pub(crate) mod status;
pub(crate) mod streams;
pub(crate) mod worker;

use std::str::FromStr;

use arthouse_core::CommandType;

/// Returns a school command's name, such as `course.create`: its type without what all types have in common.
pub(crate) fn name(command_type: CommandType) -> &'static str {
    let full = command_type.as_str();
    let noun_and_verb = full
        .strip_prefix("com.digitalarthouse.")
        .and_then(|rest| rest.strip_suffix(".v1"));
    noun_and_verb.unwrap_or(full)
}

/// Reads a number that can't be zero.
fn positive<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse()
        .map_err(|_| "must be a whole number, 1 or more")
}
