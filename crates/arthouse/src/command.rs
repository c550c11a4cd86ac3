//! One file a command. What most of them need is here: where the deployment is, and how to print what was read.

pub(crate) mod audit;
pub(crate) mod course;
pub(crate) mod healthy;
pub(crate) mod local;
pub(crate) mod outcome;
pub(crate) mod pending;
pub(crate) mod progress;
pub(crate) mod provision;
pub(crate) mod reconcile;
pub(crate) mod redrive;
pub(crate) mod roster;
pub(crate) mod schema;
pub(crate) mod send;
pub(crate) mod status;
pub(crate) mod streams;
pub(crate) mod worker;

use std::process::ExitCode;

use anyhow::Result;
use arthouse_core::Timestamp;
use arthouse_store::Store;
use chrono::Utc;
use clap::Args;

use crate::cli::{Cli, Command, Deployment};
use crate::{Clients, demo};

/// Runs a command to its end.
///
/// # Errors
/// Returns what failed; [`crate::Exit::of`] says how the program ends.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode> {
    let deployment = &cli.deployment;
    let exit = match cli.command {
        Command::Local(options) => Box::pin(local::run(options, deployment)).await,
        Command::Demo(options) => Box::pin(demo::run(options)).await,
        Command::Provision(options) => provision::run(options, deployment).await,
        Command::Worker(options) => worker::run(options, deployment).await,
        Command::Streams(options) => streams::run(options, deployment).await,
        Command::Send(options) => Box::pin(send::run(*options, deployment)).await,
        Command::Progress(options) => progress::run(options, deployment).await,
        Command::Course(options) => course::run(options, deployment).await,
        Command::Pending(options) => pending::run(options, deployment).await,
        Command::Roster(options) => roster::run(options, deployment).await,
        Command::Outcome(options) => outcome::run(options, deployment).await,
        Command::Audit(options) => Box::pin(audit::run(options, deployment)).await,
        Command::Reconcile(options) => Box::pin(reconcile::run(options, deployment)).await,
        Command::Status(options) => status::run(options, deployment).await,
        Command::Healthy(options) => healthy::run(options).await,
        Command::Redrive(options) => Box::pin(redrive::run(options, deployment)).await,
        Command::Schema(options) => schema::run(&options, deployment),
    };
    exit.map(ExitCode::from)
}

/// How what was read is printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Format {
    /// Print JSON for programs, not a table for people; money is in minor units
    #[arg(long)]
    json: bool,
}

/// Opens the records of a deployment, as the environment says.
async fn store(deployment: &Deployment) -> Result<Store> {
    Ok(Store::new(
        Clients::from_env().await?.dynamodb,
        deployment.names().tables,
    ))
}

fn now() -> Timestamp {
    Utc::now().into()
}
