//! The log of all programs: on stderr, for people or for machines.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, fmt};

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object per line.
    Json,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is no list of directives.
    #[error(
        "invalid log filter {filter:?}: must be directives such as info or arthouse_worker=debug,dynamo_streams=trace"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// The process has a log already.
    #[error("the log can't be started")]
    Started(#[from] TryInitError),
}

/// The targets of our code, by their prefixes.
const OURS: [&str; 4] = ["arthouse", "sqs_consumer", "dynamo_streams", "local_aws"];

/// Starts logging on stderr: what `filter` says (directives such as `info` or `arthouse_worker=debug`), else `ours` of our own code and
/// warnings of others'. Other people's code is never logged below `info`, since HTTP clients show bodies there, which hold contact
/// details.
///
/// # Errors
/// Says what is wrong with the filter.
pub fn start_log(
    format: LogFormat,
    filter: Option<&str>,
    ours: LevelFilter,
) -> Result<(), LogError> {
    let wanted = filter.map_or_else(|| default_filter(ours), str::to_owned);
    let filter = match wanted.parse::<Targets>() {
        Ok(filter) => filter.and(log_cap()),
        Err(source) => {
            let filter = wanted;
            return Err(LogError::Filter { filter, source });
        }
    };
    let lines = fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry();
    match format {
        LogFormat::Human => {
            let lines = lines.with_ansi(io::stderr().is_terminal());
            registry.with(lines.with_filter(filter)).try_init()?;
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true);
            registry.with(lines.with_filter(filter)).try_init()?;
        }
    }
    Ok(())
}

fn default_filter(ours: LevelFilter) -> String {
    // dynoxide warns of every request that it refuses, failed conditions among them; aws_config of a missing metadata service, which
    // only matters if there is no region, and then we say so.
    OURS.iter().fold(
        "warn,dynoxide=error,aws_config=error".to_owned(),
        |filter, target| format!("{filter},{target}={ours}"),
    )
}

/// Returns the cap of the log, whatever the filter: no debug logs of other crates, which show bodies.
pub fn log_cap() -> Targets {
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_targets(OURS.map(|target| (target, LevelFilter::TRACE)))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn other_peoples_debugging_is_never_logged() {
        let cap = log_cap();
        for (target, level, logged) in [
            (
                "aws_smithy_runtime::client::orchestrator",
                Level::DEBUG,
                false,
            ),
            ("hyper::proto::h1", Level::TRACE, false),
            ("lambda_runtime::layers", Level::TRACE, false),
            ("aws_config", Level::WARN, true),
            ("arthouse_worker::commands", Level::TRACE, true),
            ("dynamo_streams::coordinator", Level::DEBUG, true),
        ] {
            assert_eq!(cap.would_enable(target, &level), logged, "{target} {level}");
        }
    }

    #[test]
    fn the_default_filters_can_be_read() {
        for ours in [LevelFilter::INFO, LevelFilter::WARN] {
            assert!(default_filter(ours).parse::<Targets>().is_ok());
        }
    }
}
