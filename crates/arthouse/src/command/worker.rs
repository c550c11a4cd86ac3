use std::num::NonZeroUsize;

use anyhow::Result;
use arthouse_worker::Settings;
use clap::Args;
use tracing::info;

use crate::cli::Deployment;
use crate::{Clients, Exit, Stack, signals};

/// How the worker runs.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many commands are carried out at once; those of one student always one after another
    #[arg(long, env = "ARTHOUSE_CONCURRENCY", default_value = "50")]
    concurrency: NonZeroUsize,
}

pub(super) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let shutdown = signals::shutdown()?;
    let stack = Stack::find(Clients::from_env().await?, deployment.names()).await?;
    let mut settings = Settings::default();
    settings.commands.concurrency = options.concurrency.get();
    settings.commands.held_messages = settings
        .commands
        .held_messages
        .max(options.concurrency.get());
    info!(queue = stack.queues.commands, "the command worker begins");
    let summary = stack.run_commands(&settings, shutdown).await?;
    tell(&summary);
    Ok(Exit::Success)
}

/// Logs what a worker did.
pub(super) fn tell(summary: &sqs_consumer::Summary) {
    let stats = &summary.stats;
    info!(
        received = stats.received,
        done = stats.done,
        retried = stats.retried,
        deferred = stats.deferred,
        dead_lettered = stats.dead_lettered,
        unsettled = summary.unsettled,
        drained_in_ms = summary.drained_in.as_millis(),
        "the command worker has ended"
    );
}
