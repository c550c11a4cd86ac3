mod commands;

use anyhow::{Context, Result, bail};
use arthouse_core::SourceRules;
use arthouse_worker::{Limits, RecordSkips, Settings, SkippedRecords};
use clap::Args;
use dynamo_streams::{ItemId, ItemKey, Operations, RedriveReport, Selection};
use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::exit::Failure;
use crate::output::{Format, plain};
use crate::{Exit, output, signals};

/// Which parked records are handled again, or whether dead-lettered commands are.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only the records of this item, by its key as `arthouse status` shows it, such as "USER#ada COURSE#oils#PAID", or by its `item_id`
    #[arg(long, value_name = "KEY")]
    item: Option<String>,
    /// Skip the record with this sequence number, which `arthouse redrive` shows, once its student is repaired from the tables
    ///
    /// The records of the item before it are processed, and those behind it. Nothing that it would have led to is lost: sessions and charges
    /// are made, and notifications are resent, as by `arthouse reconcile`.
    #[arg(long, value_name = "SEQUENCE_NUMBER", requires_all = ["item", "reason"])]
    skip: Option<String>,
    /// Why the record is skipped; `arthouse status` shows it
    #[arg(long, value_name = "TEXT", requires = "skip")]
    reason: Option<String>,
    /// Skip each record that can't be read, once its student is repaired from the tables
    #[arg(long, conflicts_with = "skip")]
    skip_unreadable: bool,
    /// Carry out dead-lettered commands instead, each as of the time at which it was first sent. What can't be carried out stays
    #[arg(long, conflicts_with_all = ["item", "skip_unreadable"])]
    commands: bool,
    /// For whom each source may act, as for `arthouse worker`
    #[arg(
        long,
        env = "ARTHOUSE_SOURCES",
        value_name = "RULES",
        default_value = ""
    )]
    sources: SourceRules,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let stack = deployment.stack(Limits::Daemon).await?;
    if options.commands {
        return commands::run(&stack, options.sources, options.format).await;
    }
    let operations = stack.operations()?;
    let selection = match &options.item {
        Some(item) => Selection::Item(find(&operations, item).await?),
        None => Selection::All,
    };
    let settings = Settings::default();
    let handler = stack.reaction_handler(&settings);
    let shutdown = signals::shutdown()?;
    let report = match skipped(&options) {
        None => Box::pin(operations.redrive(&handler, &selection, &shutdown)).await,
        Some(which) => {
            let policy = RecordSkips::new(handler.clone(), stack.reconciler(&settings)?, which);
            let redrive = operations.redrive_skipping(&handler, &policy, &selection, &shutdown);
            Box::pin(redrive).await
        }
    };
    let report = report.context("can't redrive")?;
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

fn skipped(options: &Options) -> Option<SkippedRecords> {
    let one = options.skip.clone().zip(options.reason.clone());
    match one {
        Some((sequence_number, reason)) => Some(SkippedRecords::One {
            sequence_number,
            reason,
        }),
        None => options
            .skip_unreadable
            .then_some(SkippedRecords::Unreadable),
    }
}

/// Finds the item with parked records that has this key or id.
async fn find(operations: &Operations, name: &str) -> Result<ItemId> {
    let parked = operations.parked_items().await;
    let parked = parked.context("can't read the parked items")?;
    let found = parked
        .iter()
        .find(|item| [item.key.to_string(), item.item_id.to_string()].contains(&name.to_owned()));
    let Some(item) = found else {
        bail!(Failure::NotFound(format!(
            "{} has no parked records; `arthouse status` lists the items that have",
            plain(name)
        )));
    };
    Ok(item.item_id)
}

/// Names an item by its key, or by its id if an older release parked it.
pub(super) fn name(key: &ItemKey, item_id: ItemId) -> String {
    if key.attributes().is_empty() {
        item_id.to_string()
    } else {
        plain(key.to_string())
    }
}

fn as_json(report: &RedriveReport) -> Value {
    let remaining = report.remaining.iter().map(|item| {
        json!({
            "item_id": item.item_id.to_string(), "key": item.key.to_string(), "sequence_number": item.sequence_number,
            "reason": item.reason,
        })
    });
    let mut value = json!({
        "records": report.records,
        "reopened": report.reopened.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "remaining": remaining.collect::<Vec<_>>(),
    });
    let skipped = report.skipped.iter().map(|skipped| {
        json!({
            "table": skipped.table_name, "item_id": skipped.item_id.to_string(), "key": skipped.key.to_string(),
            "sequence_number": skipped.sequence_number, "reason": skipped.reason,
        })
    });
    if !report.skipped.is_empty() {
        value["skipped"] = skipped.collect();
    }
    value
}

fn as_text(report: &RedriveReport) -> String {
    let (records, items) = (report.records, report.reopened.len());
    let first = format!("{records} records handled, {items} items up to date again");
    let skipped = report.skipped.iter().map(|skipped| {
        let name = name(&skipped.key, skipped.item_id);
        let (table, number) = (&skipped.table_name, &skipped.sequence_number);
        format!(
            "skipped: {table} {name}, record {number}: {}",
            skipped.reason
        )
    });
    let remaining = report.remaining.iter().map(|item| {
        let number = item.sequence_number.as_ref();
        let number = number.map_or(String::new(), |number| format!(", record {number}"));
        let name = name(&item.key, item.item_id);
        format!("still parked: {name}{number}: {}", item.reason)
    });
    std::iter::once(first)
        .chain(skipped)
        .chain(remaining)
        .collect::<Vec<_>>()
        .join("\n")
}
