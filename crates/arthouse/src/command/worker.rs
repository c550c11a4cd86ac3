use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::Result;
use arthouse_worker::Settings;
use clap::{Args, value_parser};
use tracing::info;

use crate::deployment::Deployment;
use crate::http::{self, Probes};
use crate::{Exit, signals};

/// How the worker runs.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many commands are carried out at once; those of one student always one after another
    #[arg(long, env = "ARTHOUSE_CONCURRENCY", default_value = "50")]
    concurrency: NonZeroUsize,
    /// How long a poll of the empty queue waits, in seconds from 1 to 20: fewer end a drain sooner and cost more requests
    #[arg(long, env = "ARTHOUSE_POLL_SECONDS", default_value_t = 20, value_parser = value_parser!(u64).range(1..=20))]
    poll_seconds: u64,
    #[command(flatten)]
    http: http::Listen,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let shutdown = signals::shutdown()?;
    let mut probes = Probes::serve(options.http, &shutdown).await?;
    let stack = deployment.stack().await?;
    let stack = probes.watch_with_tables(stack);
    let mut settings = Settings::default();
    settings.commands.concurrency = options.concurrency.get();
    settings.commands.wait_time = Duration::from_secs(options.poll_seconds);
    settings.commands.max_in_flight_messages = settings
        .commands
        .max_in_flight_messages
        .max(options.concurrency.get());
    info!(queue = stack.queues.commands, "the command worker begins");
    let summary = stack.run_commands(&settings, shutdown).await?;
    tell(&summary);
    Ok(Exit::Success)
}

/// Logs what a worker did.
pub(super) fn tell(last: &sqs_consumer::Snapshot) {
    let counters = &last.counters;
    info!(
        received = counters.received,
        done = counters.done,
        retried = counters.retried,
        deferred = counters.deferred,
        dead_lettered = counters.dead_lettered,
        unsettled = last.in_flight,
        drained_in_ms = last.draining_for.unwrap_or_default().as_millis(),
        "the command worker has ended"
    );
}
