//! The log, as the command line asks for it.

use arthouse_worker::{LogError, LogFormat, start_log};
use clap::{ArgAction, Args, ValueEnum};
use tracing::level_filters::LevelFilter;

use crate::deployment::GLOBAL;

/// How and what to log.
#[derive(Debug, Clone, Args)]
pub(crate) struct Telemetry {
    /// The format of the log on stderr
    #[arg(long, env = "ARTHOUSE_LOG_FORMAT", global = true, help_heading = GLOBAL, value_enum, default_value_t = Format::Human)]
    log_format: Format,
    /// What to log: directives such as `info`, `debug` or `arthouse_worker=debug,dynamo_streams=trace`
    ///
    /// It overrides --quiet and --verbose. The default is `info` for `local`, `worker` and `streams`, `error` for `demo`, else `warn`. Other
    /// people's code is never logged below `info`, since HTTP clients show bodies there, which hold contact details.
    #[arg(
        long = "log",
        env = "ARTHOUSE_LOG",
        global = true,
        help_heading = GLOBAL,
        value_name = "FILTER"
    )]
    filter: Option<String>,
    /// Log errors only, and show no progress
    #[arg(short, long, global = true, help_heading = GLOBAL, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Log one level more; may be repeated: -vv
    #[arg(short, long, global = true, help_heading = GLOBAL, action = ArgAction::Count)]
    verbose: u8,
}

/// The levels, from --quiet on.
const LEVELS: [LevelFilter; 5] = [
    LevelFilter::ERROR,
    LevelFilter::WARN,
    LevelFilter::INFO,
    LevelFilter::DEBUG,
    LevelFilter::TRACE,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text, one line an event
    Human,
    /// JSON, one object a line
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
    let level = telemetry.level(ours);
    start_log(format, telemetry.filter.as_deref(), level)
}

impl Telemetry {
    /// Returns what is logged of our own code where no filter says so.
    fn level(&self, usual: LevelFilter) -> LevelFilter {
        if self.quiet {
            return LEVELS[0];
        }
        let usual = LEVELS.iter().position(|level| *level == usual);
        let level = usual.unwrap_or_default() + usize::from(self.verbose);
        LEVELS[level.min(LEVELS.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        telemetry: Telemetry,
    }

    #[test]
    fn quiet_logs_errors_and_each_verbose_a_level_more() {
        for (words, usual, expected) in [
            (&[][..], LevelFilter::WARN, LevelFilter::WARN),
            (&[], LevelFilter::INFO, LevelFilter::INFO),
            (&["-q"], LevelFilter::WARN, LevelFilter::ERROR),
            (&["--quiet"], LevelFilter::INFO, LevelFilter::ERROR),
            (&["-v"], LevelFilter::ERROR, LevelFilter::WARN),
            (&["-v"], LevelFilter::WARN, LevelFilter::INFO),
            (&["-vv"], LevelFilter::INFO, LevelFilter::TRACE),
            (&["-vvvvvvvv"], LevelFilter::INFO, LevelFilter::TRACE),
        ] {
            let line = Line::try_parse_from([&["arthouse"], words].concat()).unwrap();
            assert_eq!(line.telemetry.level(usual), expected, "{words:?}");
        }
        assert!(Line::try_parse_from(["arthouse", "-q", "-v"]).is_err());
    }
}
