//! What goes to stdout: tables for people, JSON for programs.

mod progress;
mod time;

pub(crate) use progress::progress;
pub(crate) use time::{duration, time, time_with_zone, utc, zone_of};

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use arthouse_store::SweepCounts;
use clap::Args;
use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::Value;

/// How what was read is printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Format {
    #[arg(long, help = JSON_HELP)]
    pub(crate) json: bool,
}

/// What `--json` says of itself everywhere; the rule stands in [`JSON`].
pub(crate) const JSON_HELP: &str = "Print one JSON document, for programs";

/// What JSON is like, shown under `--help`.
pub(crate) const JSON: &str = "\
JSON:
  --json prints one document on stdout, with money in minor units (pence, cents), times in ISO 8601
  and durations in whole seconds";

/// Prints a text and ends its line. That the reader has closed the pipe is no failure: the command keeps the exit code that it would
/// have had.
///
/// # Errors
/// Returns why else nothing can be printed.
pub(crate) fn print(text: impl Display) -> io::Result<()> {
    try_print(text).map(drop)
}

/// Prints a text and ends its line; returns whether anybody reads it.
///
/// # Errors
/// The same.
fn try_print(text: impl Display) -> io::Result<bool> {
    match writeln!(io::stdout().lock(), "{text}") {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// Prints a line of a run that goes on for whoever reads it.
///
/// # Errors
/// The same, and that the reader has closed the pipe, see [`is_reader_gone`].
pub(crate) fn print_live(text: impl Display) -> io::Result<()> {
    if try_print(text)? {
        Ok(())
    } else {
        Err(io::Error::new(ErrorKind::BrokenPipe, ReaderGone))
    }
}

/// The reader has closed the pipe.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output")]
struct ReaderGone;

/// Says whether a run was ended since nobody reads its output.
pub(crate) fn is_reader_gone(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error
        .and_then(io::Error::get_ref)
        .is_some_and(|cause| cause.is::<ReaderGone>())
}

/// Writes a remark to stderr. One that can't be written is no loss.
pub(crate) fn note(text: impl Display) {
    let _lost = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a value as indented JSON.
///
/// # Errors
/// The same.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(print(serde_json::to_string_pretty(value)?)?)
}

/// Adds what a reconciliation has done to a report for programs.
pub(crate) fn insert_counts(report: &mut Value, counts: SweepCounts) {
    for (name, count) in counts.by_name() {
        report[name] = count.into();
    }
}

/// Begins a table.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_header(header);
    table
}

/// Writes a text of other people's so that it can't act on a terminal: control characters become spaces.
pub(crate) fn plain(text: impl Display) -> String {
    let text = text.to_string();
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_other_peoples_can_not_act_on_a_terminal() {
        assert_eq!(plain("Oils\u{1b}[2J\nand more"), "Oils [2J and more");
        assert_eq!(plain("Öl & Kreide"), "Öl & Kreide");
    }
}
