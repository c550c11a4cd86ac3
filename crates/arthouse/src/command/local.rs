//! `arthouse local`: everything on this machine, in one process, kept on disk.

mod greeting;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use local_aws::{Config, LocalAws, Pace};
use tracing::info;

use super::{streams, web, worker};
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
    /// The port of the web pages on 127.0.0.1; by default the one after --port, or a free one
    #[arg(long, env = "ARTHOUSE_WEB_PORT", value_name = "PORT")]
    web_port: Option<u16>,
    /// The folder of the data, created if it does not exist; it survives restarts and crashes
    #[arg(
        long,
        value_name = "DIR",
        env = "ARTHOUSE_DATA",
        default_value = ".arthouse"
    )]
    data: PathBuf,
    /// Has DynamoDB do what it does under load: conflicts, throttling, late reads, shards that split; the same seed repeats it
    #[arg(long, value_name = "SEED", env = "ARTHOUSE_PRESSURE")]
    pressure: Option<u64>,
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
    let pace = options
        .pressure
        .map_or_else(Pace::default, Pace::under_pressure);
    let local = LocalAws::start_with(config, pace).await?;
    let stack = Stack::provision(
        Clients::for_endpoint(local.endpoint_url()),
        deployment.names(),
    )
    .await?;
    let web = web::listen(options.web_address(local.endpoint_url())).await?;
    let web_url = format!("http://{}", web.local_addr()?);
    let settings = local_settings();
    let workers = stack.workers(&settings)?;
    probes.watch_commands(&workers.commands, &settings);
    probes.watch_streams(&workers.streams, &settings);
    probes.watch_tables(&stack);
    if options.format.json {
        // On one line, for whoever waits for it.
        let greeting = greeting::json(local.endpoint_url(), &web_url, &options.data, &stack);
        output::print(greeting)?;
    } else {
        output::print(greeting::text(
            local.endpoint_url(),
            &web_url,
            &options.data,
            &stack,
            &deployment.prefix,
        ))?;
    }
    let pages = web::local_settings(&options.data)?;
    // Also if a worker fails, the pages end with it.
    let stop = shutdown.child_token();
    let served = tokio::spawn(web::serve(web, stack.clone(), pages, stop.clone()));
    let ended = Box::pin(workers.run(shutdown)).await;
    stop.cancel();
    served.await.context("the web server has panicked")??;
    drop(stack);
    local.shutdown().await?;
    let summary = ended.context("the local stack has stopped")?;
    worker::tell(&summary.commands);
    streams::tell(&summary.streams);
    info!("all data is on disk");
    Ok(Exit::Success)
}

impl Options {
    /// Returns where the pages are: beside the services, so that a second stack on another port has its own.
    fn web_address(&self, endpoint: &str) -> SocketAddr {
        let port = endpoint
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok());
        let beside = |port: u16| {
            if self.port == 0 {
                0
            } else {
                port.wrapping_add(1)
            }
        };
        let port = self.web_port.unwrap_or_else(|| port.map_or(0, beside));
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }
}
