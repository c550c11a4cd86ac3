use anyhow::{Context, Result};
use arthouse_worker::{Limits, Settings};
use clap::Args;
use dynamo_streams::{ItemId, RedriveReport, Selection};
use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::output::Format;
use crate::{Exit, output, signals};

/// Which parked records are handled again.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only the records of this lane (an item of a table), as `arthouse status` shows it
    #[arg(long, value_parser = lane)]
    lane: Option<ItemId>,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let selection = options.lane.map_or(Selection::All, Selection::Item);
    let stack = deployment.stack(Limits::Daemon).await?;
    let operations = stack.operations()?;
    let handler = stack.reaction_handler(&Settings::default());
    let shutdown = signals::shutdown()?;
    let report = Box::pin(operations.redrive(&handler, &selection, &shutdown));
    let report = report.await.context("can't redrive")?;
    if options.format.json {
        output::print_json(&as_json(&report))?;
    } else {
        output::print(as_text(&report))?;
    }
    Ok(if report.remaining.is_empty() {
        Exit::Success
    } else {
        Exit::Violations
    })
}

fn lane(text: &str) -> Result<ItemId, &'static str> {
    text.parse()
        .map_err(|_| "must be a lane as `arthouse status` shows it")
}

fn as_json(report: &RedriveReport) -> Value {
    let remaining = report
        .remaining
        .iter()
        .map(|(lane, reason)| json!({"lane": lane.to_string(), "reason": reason}));
    json!({
        "records": report.records,
        "reopened": report.reopened.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "remaining": remaining.collect::<Vec<_>>(),
    })
}

fn as_text(report: &RedriveReport) -> String {
    let (records, items) = (report.records, report.reopened.len());
    let first = format!("{records} records handled, {items} items up to date again");
    let remaining = report
        .remaining
        .iter()
        .map(|(lane, reason)| format!("still parked: {lane}: {reason}"));
    std::iter::once(first)
        .chain(remaining)
        .collect::<Vec<_>>()
        .join("\n")
}
