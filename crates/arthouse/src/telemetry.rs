//! The log: on stderr, for people or for machines.

use std::io::{self, IsTerminal};

use anyhow::Context;
use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterExt, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// How and what to log.
#[derive(Debug, Clone, Args)]
pub(crate) struct Telemetry {
    /// How the log on stderr is written
    #[arg(long, env = "ARTHOUSE_LOG_FORMAT", global = true, value_enum, default_value_t = Format::Human)]
    log_format: Format,
    /// What is logged: directives such as `info`, `debug` or `arthouse_worker=debug,dynamo_streams=trace`
    ///
    /// Without it: `info` of ours while a worker runs, else `warn`. Other people's code is never logged below `info`, since HTTP clients
    /// show bodies there, which hold contact details.
    #[arg(
        long = "log",
        env = "ARTHOUSE_LOG",
        global = true,
        value_name = "FILTER"
    )]
    filter: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for people
    Human,
    /// One JSON object a line
    Json,
}

/// Our own code, by the beginnings of its targets.
const OURS: [&str; 4] = ["arthouse", "sqs_consumer", "dynamo_streams", "local_aws"];

/// Starts logging.
///
/// # Errors
/// Says what is wrong with the filter.
pub(crate) fn start(telemetry: &Telemetry, daemon: bool) -> anyhow::Result<()> {
    let wanted = telemetry
        .filter
        .clone()
        .unwrap_or_else(|| default_filter(daemon));
    let wanted = EnvFilter::try_new(wanted).context("the log filter can't be read")?;
    let filter = wanted.and(cap());
    let lines = fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry();
    match telemetry.log_format {
        Format::Human => registry
            .with(
                lines
                    .with_ansi(io::stderr().is_terminal())
                    .with_filter(filter),
            )
            .try_init(),
        Format::Json => registry
            .with(lines.json().flatten_event(true).with_filter(filter))
            .try_init(),
    }
    .context("the log can't be started")
}

fn default_filter(daemon: bool) -> String {
    let ours = if daemon { "info" } else { "warn" };
    // dynoxide warns of every request that it refuses, failed conditions among them; aws_config of a missing metadata service, which
    // only matters if there is no region, and then we say so.
    OURS.iter().fold(
        "warn,dynoxide=error,aws_config=error".to_owned(),
        |filter, target| format!("{filter},{target}={ours}"),
    )
}

/// What is never logged, whatever is asked for: bodies in other people's debugging, and a parser's remarks on timetables, which the
/// rejection tells better.
fn cap() -> Targets {
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_targets(OURS.map(|target| (target, LevelFilter::TRACE)))
        .with_target("rrule", LevelFilter::OFF)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn other_peoples_debugging_is_never_logged() {
        let cap = cap();
        for (target, level, logged) in [
            (
                "aws_smithy_runtime::client::orchestrator",
                Level::DEBUG,
                false,
            ),
            ("hyper::proto::h1", Level::TRACE, false),
            ("aws_config", Level::WARN, true),
            ("rrule::iter", Level::WARN, false),
            ("arthouse_worker::commands", Level::TRACE, true),
            ("dynamo_streams::coordinator", Level::DEBUG, true),
        ] {
            assert_eq!(cap.would_enable(target, &level), logged, "{target} {level}");
        }
    }

    #[test]
    fn the_default_filters_can_be_read() {
        for daemon in [true, false] {
            assert!(EnvFilter::try_new(default_filter(daemon)).is_ok());
        }
    }
}
