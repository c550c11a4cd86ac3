use anyhow::Result;
use arthouse_store::Table;
use arthouse_worker::Settings;
use clap::Args;
use tracing::info;

use crate::cli::Deployment;
use crate::http::{self, Probes};
use crate::{Clients, Exit, Stack, signals};

/// How the stream processor runs: as its settings' defaults say.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    http: http::Listen,
}

pub(super) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let shutdown = signals::shutdown()?;
    let probes = Probes::serve(options.http, &shutdown).await?;
    let stack = Stack::find(Clients::from_env().await?, deployment.names()).await?;
    let stack = probes.watch(stack);
    let tables = &stack.names.tables;
    info!(
        tables = ?[tables.name(Table::UsersCourses), tables.name(Table::Sessions)],
        leases = tables.leases(),
        "the stream processor begins"
    );
    let summary = stack.run_streams(&Settings::default(), shutdown).await?;
    tell(&summary);
    Ok(Exit::Success)
}

/// Logs what a stream processor did.
pub(super) fn tell(summary: &dynamo_streams::Summary) {
    let counts = &summary.counts;
    info!(
        done = counts.done,
        retried = counts.retried,
        quarantined = counts.quarantined,
        gaps = counts.gaps,
        lost_leases = counts.lost_leases,
        "the stream processor has ended"
    );
}
