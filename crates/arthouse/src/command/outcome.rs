use anyhow::{Context, Result};
use arthouse_core::{CommandId, Outcome, Receipt, Source};
use arthouse_worker::Limits;
use clap::Args;
use serde_json::{Value, json};

use super::CLI_SOURCE;
use crate::Exit;
use crate::deployment::Deployment;
use crate::exit::Failure;
use crate::output::{self, Format, plain};

/// Which command.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The command's id
    #[arg(long)]
    id: CommandId,
    /// The system that it came from; ids are unique within it
    #[arg(long, default_value = CLI_SOURCE)]
    source: Source,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let Options { id, source, format } = options;
    let receipt = deployment
        .store(Limits::Operator)
        .await?
        .receipt(&source, &id)
        .await
        .context("can't read the receipt")?;
    let Some(receipt) = receipt else {
        let text = format!(
            "no outcome of {id} from {source}: the command is still in the queue, a dead letter, or older than 90 days"
        );
        return Err(Failure::NotFound(text).into());
    };
    if format.json {
        output::print_json(&as_json(&receipt))?;
    } else {
        output::print(describe(&receipt))?;
    }
    Ok(Exit::Success)
}

/// Writes an outcome for programs; `send --wait` shows the same.
pub(super) fn as_json(receipt: &Receipt) -> Value {
    let mut value = json!({
        "command_id": receipt.command_id,
        "command_source": receipt.source,
        "command_type": receipt.command_type,
        "at": receipt.at,
    });
    match &receipt.outcome {
        Outcome::Applied => value["outcome"] = json!("applied"),
        Outcome::Rejected { code, message } => {
            value["outcome"] = json!("rejected");
            value["code"] = json!(code);
            value["message"] = json!(message);
        }
    }
    value
}

fn describe(receipt: &Receipt) -> String {
    let outcome = match &receipt.outcome {
        Outcome::Applied => "applied".to_owned(),
        Outcome::Rejected { code, message } => format!("rejected, {code}: {}", plain(message)),
    };
    format!(
        "{outcome}\n  id      {}\n  source  {}\n  type    {}\n  at      {}",
        receipt.command_id,
        receipt.source,
        receipt.command_type,
        output::utc(receipt.at.to_utc())
    )
}
