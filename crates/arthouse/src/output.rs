//! What goes to stdout: tables for people, JSON for programs.

mod progress;
mod time;

pub(crate) use progress::progress;
pub(crate) use time::{duration, time, time_with_zone, utc, zone_of};

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::{self, ErrorKind, IsTerminal, Write};

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
    match writeln!(io::stdout().lock(), "{}", escaped(&text.to_string())) {
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
    let _lost = writeln!(io::stderr().lock(), "{}", escaped(&text.to_string()));
}

/// Empties a terminal's screen, if stdout is one; returns whether it is.
///
/// # Errors
/// Returns why nothing can be written.
pub(crate) fn clear_screen() -> io::Result<bool> {
    let mut stdout = io::stdout().lock();
    let is_terminal = stdout.is_terminal();
    if is_terminal {
        write!(stdout, "\x1b[H\x1b[2J")?;
    }
    Ok(is_terminal)
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

/// Writes a text of other people's on one line.
pub(crate) fn plain(text: impl Display) -> String {
    text.to_string().replace(['\n', '\r', '\t'], " ")
}

/// Escapes what would act on a terminal instead of being read: control characters but line ends and tabs, and marks that turn the
/// direction of a text (Unicode Standard Annex 9). The escapes are JSON's, so that a document keeps its meaning.
fn escaped(text: &str) -> Cow<'_, str> {
    let acts = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            let _written = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_other_peoples_is_on_one_line_and_does_not_act_on_a_terminal() {
        for (text, shown) in [
            ("Oils\u{1b}[2J\nand more", "Oils\\u001b[2J and more"),
            ("evil\u{202e}txt.exe", "evil\\u202etxt.exe"),
            ("\u{9b}31m\u{7f}", "\\u009b31m\\u007f"),
            ("Öl & Kreide, ציור בשמן", "Öl & Kreide, ציור בשמן"),
        ] {
            assert_eq!(escaped(&plain(text)), shown);
        }
    }

    #[test]
    fn an_escaped_document_means_the_same() {
        let document = serde_json::json!({"title": "a\u{202e}b\u{1b}\u{9b}\nc"});
        let shown = serde_json::to_string_pretty(&document).unwrap();
        let read: Value = serde_json::from_str(&escaped(&shown)).unwrap();
        assert_eq!(read, document);
        assert_eq!(
            escaped(&shown)
                .chars()
                .find(|c| c.is_control() && *c != '\n'),
            None
        );
    }
}
