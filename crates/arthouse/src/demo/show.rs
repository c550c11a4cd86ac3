//! What a person sees.

use std::io;
use std::path::Path;

use arthouse_core::{Amount, Currency};
use serde_json::Value;

use super::checks::Check;
use super::listener::Heard;
use crate::output;
use crate::ticker::Ticker;

pub(super) fn opening(endpoint: &str, data: &Path) -> String {
    format!(
        "A fresh embedded stack: DynamoDB, Streams and SQS at {endpoint} (data in {}, gone afterwards).\n\
         Below, ✓ and ✗ are outcomes of commands, ♪ notifications, † dead letters.",
        data.display()
    )
}

/// Tells what was heard in a line.
pub(super) fn telling(heard: &Heard) -> io::Result<()> {
    output::print_live(match heard {
        Heard::Outcome {
            command,
            subject,
            session,
            code,
            message,
            ..
        } => {
            let session = session
                .as_ref()
                .map(|id| format!(" session {id}"))
                .unwrap_or_default();
            match code {
                None => format!("  ✓ {command:<18} {subject}{session}"),
                Some(code) => {
                    let message = message.as_deref().unwrap_or_default();
                    format!("  ✗ {command:<18} {subject}{session}: {code} ({message})")
                }
            }
        }
        Heard::Notification {
            name,
            subject,
            data,
            ..
        } => format!("  ♪ {name:<20} {subject}{}", particulars(data)),
        Heard::DeadLetter { reason, detail } => format!("  † {reason}: {detail}"),
        Heard::Leak { queue } => format!("  ! a contact detail on the {queue} queue"),
    })
}

fn particulars(data: &Value) -> String {
    let money = |name: &str| {
        let currency: Currency = data["currency"].as_str()?.parse().ok()?;
        let amount = Amount::try_from(data[name].as_i64()?).ok()?;
        Some(currency.format(amount))
    };
    match (&data["session_id"], &data["sessions"]) {
        (_, Value::Array(sessions)) => {
            let first = sessions
                .first()
                .and_then(|session| session["local_start"].as_str())
                .unwrap_or_default();
            format!(": {} sessions from {first}", sessions.len())
        }
        (Value::String(id), _) => match (money("charge"), money("balance"), &data["new_date"]) {
            (Some(charge), Some(balance), _) => {
                format!(" session {id}: charge {charge}, balance {balance}")
            }
            (_, _, Value::String(date)) => format!(" session {id}: now {date}"),
            (_, _, _) => format!(" session {id}"),
        },
        (_, _) => String::new(),
    }
}

pub(super) fn rate(commands: usize, seconds: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = commands as f64 / seconds;
    format!("{commands} commands settled in {seconds:.1} s: {rate:.0} commands a second")
}

pub(super) fn checks(checks: &[Check]) -> String {
    let mut lines = vec!["README, \"What always holds\":".to_owned()];
    for check in checks {
        let mark = if check.problems.is_empty() {
            "✓"
        } else {
            "✗"
        };
        lines.push(format!("  {mark} {:>2} {}", check.number, check.rule));
        lines.extend(
            check
                .problems
                .iter()
                .take(5)
                .map(|problem| format!("       {problem}")),
        );
    }
    lines.join("\n")
}

pub(super) fn progress(progress: &arthouse_core::Progress) -> String {
    output::progress(progress, super::calendar::zone())
}

/// Shows how far a long run is.
#[derive(Debug)]
pub(super) struct Progress {
    total: usize,
    settled: usize,
    ticker: Ticker,
}

impl Progress {
    pub(super) fn of(total: usize) -> Self {
        Self {
            total,
            settled: 0,
            ticker: Ticker::start(),
        }
    }

    pub(super) fn count(&mut self, heard: &Heard) {
        match heard {
            Heard::Outcome { .. } | Heard::DeadLetter { .. } => self.settled += 1,
            Heard::Notification { .. } | Heard::Leak { .. } => {}
        }
        let Self { total, settled, .. } = self;
        self.ticker
            .show(|| format!("  {settled} of {total} commands settled"));
    }

    pub(super) fn finish(&self) {
        self.ticker.clear();
    }
}
