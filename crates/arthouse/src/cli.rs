//! The command line: its commands and what all of them share.

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use crate::command;
#[cfg(feature = "local")]
use crate::demo;
use crate::deployment::Deployment;
use crate::exit::EXIT_CODES;
use crate::output::JSON;
use crate::telemetry::Telemetry;

/// The back end of Digital Art House, an online art school.
///
/// AWS is found as the AWS SDKs find it: AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL and so on. For `arthouse local`, AWS_ENDPOINT_URL is
/// enough.
#[derive(Debug, Parser)]
#[command(name = "arthouse", version, after_help = after_help(), max_term_width = 120)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) deployment: Deployment,
    #[command(flatten)]
    pub(crate) telemetry: Telemetry,
    #[command(subcommand)]
    pub(crate) command: Command,
}

fn after_help() -> String {
    format!("{EXIT_CODES}\n\n{JSON}")
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
            Command::Web(options) => Box::pin(command::web::run(*options, deployment)).await,
            Command::Send(options) => Box::pin(command::send::run(*options, deployment)).await,
            Command::Progress(options) => command::progress::run(options, deployment).await,
            Command::Courses(options) => command::courses::run(options, deployment).await,
            Command::Course(options) => command::course::run(options, deployment).await,
            Command::Catalogue(options) => command::catalogue::run(options, deployment).await,
            Command::Day(options) => command::day::run(options, deployment).await,
            Command::Calendar(options) => command::calendar::run(options, deployment).await,
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
            Command::Completions(options) => command::completions::run(&options, Self::command()),
            Command::Man(options) => command::man::run(&options, Self::command()),
        };
        exit.map(ExitCode::from)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[cfg(feature = "local")]
    /// Run everything on this machine: DynamoDB, SQS, the worker, the stream processor and the web pages
    Local(command::local::Options),
    #[cfg(feature = "local")]
    /// Play a whole course on a fresh stack on this machine, and check the result
    Demo(demo::Options),
    /// Create the tables and queues that do not exist yet
    Provision(command::provision::Options),
    /// Process commands from the queue until stopped
    Worker(command::worker::Options),
    /// Process the streams of the tables until stopped
    Streams(command::streams::Options),
    /// Serve the API, pages for student, teacher and office, and calendar feeds until stopped
    Web(Box<command::web::Options>),
    /// Send commands from flags, a file or stdin
    Send(Box<command::send::Options>),
    /// Show a student's progress in a course: dates, balance, statement
    Progress(command::progress::Options),
    /// List a student's courses: status, balance, sessions remaining, next session
    Courses(command::courses::Options),
    /// Show a course
    Course(command::course::Options),
    /// List all courses
    Catalogue(command::catalogue::Options),
    /// List the sessions of a course on a day, of all its students
    Day(command::day::Options),
    /// Print a student's sessions as a calendar (RFC 5545)
    Calendar(command::calendar::Options),
    /// List the applications that wait for their payment, oldest first
    Pending(command::pending::Options),
    /// List the students of a session of a course
    Roster(command::roster::Options),
    /// Show the outcome of a command
    Outcome(command::outcome::Options),
    /// Check the invariants in the tables
    ///
    /// Reads every enrolment with its sessions, every session and every receipt, and lists each violation with the number of the invariant
    /// (README, "What always holds") and the key of the item. It may run beside live traffic: an item that looks wrong is read again before it
    /// is listed. A session or a charge that a reaction is about to create is "not settled", which is no violation, and is listed with the
    /// time since when it is due. If that was long ago, run `arthouse reconcile`.
    Audit(command::audit::Options),
    /// Create missing sessions and charges, and resend notifications that may have been lost
    ///
    /// Reads all applications and enrolments and runs the stream processor's reactions on them. A reaction that has run before changes
    /// nothing, so the command may be repeated and may run beside live traffic. A stream processor that finds a gap does the same by itself.
    ///
    /// The tables show which sessions and charges are missing. They do not show which notifications were sent: those of changes since
    /// --since are resent, or, without --since, those of changes since the earliest gap that `arthouse status` shows. A resent notification
    /// has the same id as before, so that its consumers can drop it as a duplicate.
    Reconcile(command::reconcile::Options),
    /// Show the state of queues and streams: depths, ages, parked records, gaps, the last reconciliation
    Status(command::status::Options),
    /// Ask a daemon on this machine whether it is healthy, for a container's health check
    Healthy(command::healthy::Options),
    /// Process parked stream records again, or dead-lettered commands, in order, once their cause is fixed; or skip records that never can be
    Redrive(command::redrive::Options),
    /// Print the contracts: JSON Schema of commands and events, AsyncAPI of the queues
    Schema(command::schema::Options),
    /// Print completions for a shell
    ///
    /// For bash: `source <(arthouse completions bash)`; for fish: `arthouse completions fish >~/.config/fish/completions/arthouse.fish`.
    Completions(command::completions::Options),
    /// Write the manual pages, for packages
    #[command(hide = true)]
    Man(command::man::Options),
}

impl Command {
    /// Returns the level of the log of our own code where no option sets it. The log of a daemon is its output; the demo shows its dead
    /// letters itself.
    pub(crate) fn log_level(&self) -> LevelFilter {
        match self {
            #[cfg(feature = "local")]
            Self::Local(_) => LevelFilter::INFO,
            #[cfg(feature = "local")]
            Self::Demo(_) => LevelFilter::ERROR,
            Self::Worker(_) | Self::Streams(_) | Self::Web(_) => LevelFilter::INFO,
            Self::Provision(_)
            | Self::Send(_)
            | Self::Progress(_)
            | Self::Courses(_)
            | Self::Course(_)
            | Self::Catalogue(_)
            | Self::Day(_)
            | Self::Calendar(_)
            | Self::Pending(_)
            | Self::Roster(_)
            | Self::Outcome(_)
            | Self::Audit(_)
            | Self::Reconcile(_)
            | Self::Status(_)
            | Self::Healthy(_)
            | Self::Redrive(_)
            | Self::Schema(_)
            | Self::Completions(_)
            | Self::Man(_) => LevelFilter::WARN,
        }
    }
}

#[cfg(test)]
mod tests {
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
