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
}

pub(crate) async fn run(options: Options) -> Result<Exit> {
    let probe = if options.ready {
        Probe::Readiness
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
