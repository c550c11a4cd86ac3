//! Dead-lettered commands.

use anyhow::{Context, Result};
use arthouse_worker::{CommandRedriveReport, RemainingDeadLetter, Settings, SourceRules, Stack};
use serde_json::json;

use crate::output::{Format, plain};
use crate::{Exit, output, signals};

/// Carries out what can be carried out, and tells what remains.
pub(super) async fn run(stack: &Stack, sources: SourceRules, format: Format) -> Result<Exit> {
    let settings = Settings {
        sources,
        ..Settings::default()
    };
    let redrive = stack.command_redrive(&settings);
    let shutdown = signals::shutdown()?;
    let report = Box::pin(redrive.run(&shutdown)).await;
    let CommandRedriveReport {
        carried_out,
        remaining,
    } = report.context("can't redrive")?;
    if format.json {
        let remaining = remaining
            .iter()
            .map(|letter| json!({"message_id": letter.message_id, "reason": letter.reason}));
        let remaining: Vec<_> = remaining.collect();
        output::print_json(&json!({"commands": carried_out, "remaining": remaining}))?;
    } else {
        output::print(format!("{carried_out} commands carried out"))?;
        for RemainingDeadLetter { message_id, reason } in &remaining {
            output::print(format!(
                "still dead-lettered: {message_id}: {}",
                plain(reason)
            ))?;
        }
    }
    Ok(if remaining.is_empty() {
        Exit::Success
    } else {
        Exit::Violations
    })
}
