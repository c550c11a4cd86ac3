#![doc = include_str!("../README.md")]

mod cli;

mod command;
#[cfg(feature = "local")]
mod demo;

mod deployment;

mod http;

mod exit;
mod output;
mod report;
mod signals;
mod telemetry;
mod ticker;

pub use arthouse_worker::{Clients, Names, RunSummary, Stack, local_settings};
pub use cli::Cli;
pub use exit::Exit;

use std::process::ExitCode;

/// Runs what the command line asks for, to its end; errors are told on stderr.
pub fn run(cli: Cli) -> ExitCode {
    let ended = || -> anyhow::Result<ExitCode> {
        telemetry::start(&cli.telemetry, cli.command.log_level())?;
        arthouse_worker::use_newest_time_zones();
        if cli.telemetry.quiet {
            ticker::silence();
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(cli.run())
    };
    ended().unwrap_or_else(|error| report::report(&error).into())
}
