//! The command line: its commands and what all of them share.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::command;
#[cfg(feature = "local")]
use crate::demo;
use crate::deployment::Deployment;
use crate::exit::EXIT_CODES;
use crate::telemetry::Telemetry;

/// Digital Art House: commands in, lessons scheduled, charged and told of.
///
/// AWS is reached as the SDK's conventions say: AWS_ENDPOINT_URL, AWS_REGION, AWS_PROFILE and so on. For an endpoint on this machine
/// nothing else need be set.
#[derive(Debug, Parser)]
#[command(name = "arthouse", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES, max_term_width = 120)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) deployment: Deployment,
    #[command(flatten)]
    pub(crate) telemetry: Telemetry,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// Returns what failed; [`crate::Exit::of`] says how the program ends.
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let deployment = &self.deployment;
        let exit = match self.command {
            #[cfg(feature = "local")]
            Command::Local(options) => Box::pin(command::local::run(options, deployment)).await,
            #[cfg(feature = "local")]
            Command::Demo(options) => Box::pin(demo::run(options)).await,
            Command::Provision(options) => command::provision::run(options, deployment).await,
            Command::Worker(options) => command::worker::run(options, deployment).await,
            Command::Streams(options) => command::streams::run(options, deployment).await,
            Command::Send(options) => Box::pin(command::send::run(*options, deployment)).await,
            Command::Progress(options) => command::progress::run(options, deployment).await,
            Command::Course(options) => command::course::run(options, deployment).await,
            Command::Pending(options) => command::pending::run(options, deployment).await,
            Command::Roster(options) => command::roster::run(options, deployment).await,
            Command::Outcome(options) => command::outcome::run(options, deployment).await,
            Command::Audit(options) => Box::pin(command::audit::run(options, deployment)).await,
            Command::Reconcile(options) => {
                Box::pin(command::reconcile::run(options, deployment)).await
            }
            Command::Status(options) => command::status::run(options, deployment).await,
            Command::Healthy(options) => command::healthy::run(options).await,
            Command::Redrive(options) => Box::pin(command::redrive::run(options, deployment)).await,
            Command::Schema(options) => command::schema::run(&options, deployment),
        };
        exit.map(ExitCode::from)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[cfg(feature = "local")]
    /// Run everything on this machine: DynamoDB, SQS, the worker and the stream processor
    Local(command::local::Options),
    #[cfg(feature = "local")]
    /// Play a whole course's life on a fresh stack on this machine, and check it
    Demo(demo::Options),
    /// Make the tables and queues that are absent
    Provision(command::provision::Options),
    /// Carry out commands from the queue until told to stop
    Worker(command::worker::Options),
    /// React to the streams of the tables until told to stop
    Streams(command::streams::Options),
    /// Send commands, from flags, a file or stdin
    Send(Box<command::send::Options>),
    /// Show a student's progress in a course: dates, balance, statement
    Progress(command::progress::Options),
    /// Show a course as it is on offer
    Course(command::course::Options),
    /// Show the applications that wait for their payment, oldest first
    Pending(command::pending::Options),
    /// Show who is in a session of a course
    Roster(command::roster::Options),
    /// Show what has become of a command
    Outcome(command::outcome::Options),
    /// Check in the tables what must always hold
    ///
    /// Reads every enrolment with its sessions, every session and every receipt, and names what does not hold by its number (README, "What
    /// always holds") and its key. What looks wrong is read again before it is called so, so that it may run beside live traffic. A charge or
    /// a session that a reaction is still to make is told apart as "not settled", with since when it has been due: if that is long ago,
    /// run `arthouse reconcile`.
    Audit(command::audit::Options),
    /// Make the sessions and charges that the streams have lost, and tell again what they may not have told
    ///
    /// Goes over all applications and enrolments and runs the stream processor's own reactions from what they hold. Whatever was done
    /// before stays as it is, so it may run beside everything else and be repeated. A stream processor that finds a gap does this by
    /// itself.
    ///
    /// The tables show which sessions and charges are missing, and those are made. They don't show what was told: notifications are told
    /// again only for a time in which some may have been lost, since the gaps of the streams that `arthouse status` shows, or since
    /// --since. Their ids are the same as before, by which whoever listens drops repeats.
    Reconcile(command::reconcile::Options),
    /// Show how far the streams and the queues are: ages, depths, parked records, gaps and the last reconciliation
    Status(command::status::Options),
    /// Ask a daemon on this machine that runs with --http how it does: for a container's health check
    Healthy(command::healthy::Options),
    /// Handle parked stream records again, in order, once their cause is mended
    Redrive(command::redrive::Options),
    /// Print the contracts: JSON Schema of commands and events, AsyncAPI of the queues
    Schema(command::schema::Options),
}

impl Command {
    /// Says whether it runs until told to stop: then its log is what there is to see.
    pub(crate) fn is_daemon(&self) -> bool {
        match self {
            #[cfg(feature = "local")]
            Self::Local(_) => true,
            Self::Worker(_) | Self::Streams(_) => true,
            #[cfg(feature = "local")]
            Self::Demo(_) => false,
            Self::Provision(_)
            | Self::Send(_)
            | Self::Progress(_)
            | Self::Course(_)
            | Self::Pending(_)
            | Self::Roster(_)
            | Self::Outcome(_)
            | Self::Audit(_)
            | Self::Reconcile(_)
            | Self::Status(_)
            | Self::Healthy(_)
            | Self::Redrive(_)
            | Self::Schema(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_says_what_it_is() {
        fn check(command: &clap::Command) {
            for argument in command
                .get_arguments()
                .filter(|argument| argument.get_id() != "help")
            {
                assert!(
                    argument.get_help().is_some(),
                    "{} {}",
                    command.get_name(),
                    argument.get_id()
                );
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
