use std::time::Duration;

use anyhow::Result;
use arthouse_core::SourceRules;
use arthouse_worker::Settings;
use clap::{Args, value_parser};
use tracing::info;

use super::duration;
use super::start::Start;
use crate::deployment::Deployment;
use crate::http::{self, Probes};
use crate::{Exit, signals};

/// How the worker runs.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The most commands that are processed at once, 1 to 100000; those of one student are processed in order. 200 keep a core busy while each
    /// waits for round trips of 20 ms
    #[arg(long, env = "ARTHOUSE_CONCURRENCY", value_name = "COMMANDS", default_value_t = 200, value_parser = value_parser!(u32).range(1..=100_000))]
    concurrency: u32,
    /// How long a poll of an empty queue waits, 1s to 20s: less shortens the shutdown and costs more requests
    #[arg(long, env = "ARTHOUSE_WAIT_TIME", value_name = "DURATION", default_value = "20s", value_parser = duration::seconds(1..=20))]
    wait_time: Duration,
    /// For whom each source may act, such as "urn:school:web=student urn:school:payments=system@AROA..."; without rules, for everyone
    #[arg(
        long,
        env = "ARTHOUSE_SOURCES",
        value_name = "RULES",
        default_value = ""
    )]
    sources: SourceRules,
    #[command(flatten)]
    start: Start,
    #[command(flatten)]
    http: http::Listen,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let shutdown = signals::shutdown()?;
    let mut probes = Probes::serve(options.http, &shutdown).await?;
    let Some(stack) = options.start.stack(deployment, &shutdown).await? else {
        return Ok(Exit::Success);
    };
    let mut settings = Settings::default();
    let commands = &mut settings.commands;
    commands.concurrency = usize::try_from(options.concurrency)?;
    commands.wait_time = options.wait_time;
    commands.max_in_flight_messages = commands.max_in_flight_messages.max(commands.concurrency);
    settings.sources = options.sources;
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
