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
    /// The most commands that are processed at once, 1 to 100000; those of one student are processed in order
    #[arg(long, env = "ARTHOUSE_CONCURRENCY", value_name = "COMMANDS", default_value_t = 50, value_parser = value_parser!(u32).range(1..=100_000))]
    concurrency: u32,
    /// How long a poll of an empty queue waits, 1 to 20 seconds: fewer shorten the shutdown and cost more requests
    #[arg(long, env = "ARTHOUSE_POLL_SECONDS", value_name = "SECONDS", default_value_t = 20, value_parser = value_parser!(u64).range(1..=20))]
    poll_seconds: u64,
    #[command(flatten)]
    http: http::Listen,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let shutdown = signals::shutdown()?;
    let mut probes = Probes::serve(options.http, &shutdown).await?;
    let stack = deployment.stack().await?;
    let mut settings = Settings::default();
    let commands = &mut settings.commands;
    commands.concurrency = usize::try_from(options.concurrency)?;
    commands.wait_time = Duration::from_secs(options.poll_seconds);
    commands.max_in_flight_messages = commands.max_in_flight_messages.max(commands.concurrency);
    info!(queue = stack.queues.commands, "the command worker begins");
    let worker = stack.command_worker(&settings)?;
    probes.watch_commands(&worker, &settings);
    probes.watch_tables(&stack);
    let summary = worker.run(shutdown).await?;
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
