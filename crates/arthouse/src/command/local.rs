//! `arthouse local`: everything on this machine, in one process, kept on disk.

mod greeting;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use local_aws::{Config, LocalAws};
use tracing::info;

use super::{streams, worker};
use crate::deployment::Deployment;
use crate::http::{self, Probes};
use crate::output::{self, Format};
use crate::{Clients, Exit, Stack, local_settings, signals};

/// Where the services listen and keep their data.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The port on 127.0.0.1; 0 takes a free port
    #[arg(long, env = "ARTHOUSE_PORT", default_value_t = 4566)]
    port: u16,
    /// The folder of the data, created if it does not exist; it survives restarts and crashes
    #[arg(
        long,
        value_name = "DIR",
        env = "ARTHOUSE_DATA",
        default_value = ".arthouse"
    )]
    data: PathBuf,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    http: http::Listen,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let shutdown = signals::shutdown()?;
    let mut probes = Probes::serve(options.http, &shutdown).await?;
    let config = Config {
        data_dir: options.data.clone(),
        port: options.port,
    };
    let local = LocalAws::start(config).await?;
    let stack = Stack::provision(
        Clients::for_endpoint(local.endpoint_url()),
        deployment.names(),
    )
    .await?;
    let settings = local_settings();
    let workers = stack.workers(&settings)?;
    probes.watch_commands(&workers.commands, &settings);
    probes.watch_streams(&workers.streams, &settings);
    probes.watch_tables(&stack);
    if options.format.json {
        // On one line, for whoever waits for it.
        output::print(greeting::json(local.endpoint_url(), &options.data, &stack))?;
    } else {
        output::print(greeting::text(
            local.endpoint_url(),
            &options.data,
            &stack,
            &deployment.prefix,
        ))?;
    }
    let ended = workers.run(shutdown).await;
    drop(stack);
    local.shutdown().await?;
    let summary = ended.context("the local stack has stopped")?;
    worker::tell(&summary.commands);
    streams::tell(&summary.streams);
    info!("all data is on disk");
    Ok(Exit::Success)
}
