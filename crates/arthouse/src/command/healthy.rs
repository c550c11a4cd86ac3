use std::net::SocketAddr;

use anyhow::Result;
use clap::Args;

use crate::http::{self, Probe};
use crate::{Exit, output};

/// Which daemon is asked, and what.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The address that the daemon was given with --http
    #[arg(long, env = "ARTHOUSE_HTTP", value_name = "ADDRESS")]
    http: SocketAddr,
    /// Ask whether it is ready, not only whether it is alive
    #[arg(long)]
    ready: bool,
    /// Ask whether its start has succeeded: it was ready once and is alive since; for a health check that decides about a release
    #[arg(long, conflicts_with = "ready")]
    started: bool,
}

pub(crate) async fn run(options: Options) -> Result<Exit> {
    let probe = if options.ready {
        Probe::Readiness
    } else if options.started {
        Probe::Startup
    } else {
        Probe::Health
    };
    let (is_good, told) = http::ask(options.http, probe).await?;
    output::print(told)?;
    Ok(if is_good {
        Exit::Success
    } else {
        Exit::Failure
    })
}
