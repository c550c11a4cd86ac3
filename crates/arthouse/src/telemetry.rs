//! The log, as the command line asks for it.

use arthouse_worker::{LogError, LogFormat, start_log};
use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

/// How and what to log.
#[derive(Debug, Clone, Args)]
pub(crate) struct Telemetry {
    /// How the log on stderr is written
    #[arg(long, env = "ARTHOUSE_LOG_FORMAT", global = true, value_enum, default_value_t = Format::Human)]
    log_format: Format,
    /// What is logged: directives such as `info`, `debug` or `arthouse_worker=debug,dynamo_streams=trace`
    ///
    /// Without it: `info` of ours while a worker runs, `error` in a demo, else `warn`. Other people's code is never logged below `info`, since HTTP clients
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

/// Starts logging.
///
/// # Errors
/// Says what is wrong with the filter.
pub(crate) fn start(telemetry: &Telemetry, ours: LevelFilter) -> Result<(), LogError> {
    let format = match telemetry.log_format {
        Format::Human => LogFormat::Human,
        Format::Json => LogFormat::Json,
    };
    start_log(format, telemetry.filter.as_deref(), ours)
}
