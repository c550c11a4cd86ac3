use std::error::Error;
use std::process::ExitCode;

use arthouse_worker::{ClientsError, LogError};

use crate::output;

/// How the program ends; scripts may rely on the numbers, see [`Exit::code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is done; with `send --wait`, every command was applied.
    Success,
    /// Something failed: the network, AWS, the disk. The error is on stderr.
    Failure,
    /// An argument, a setting or the input is invalid, and nothing was done.
    BadInput,
    /// `send --wait`: some commands were rejected.
    Rejected,
    /// `send --wait`: some commands had no outcome in time.
    TimedOut,
    /// What was to be read does not exist.
    NotFound,
    /// What must always hold does not, or something could not be repaired.
    Violations,
    /// SIGINT or SIGTERM ended it before it was done: 128 and the number of SIGINT, as shells count it.
    Interrupted,
}

/// The codes, shown under `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done; with `send --wait`, every command was applied
  1  something failed: the network, AWS, the disk; `audit`: some items can't be read;
     `reconcile`: it was stopped and can be resumed; `healthy`: the daemon is unhealthy
  2  an argument, a setting or the input is invalid; nothing was done
  3  `send --wait`: some commands were rejected
  4  `send --wait`: some commands had no outcome in time
  5  what was to be read does not exist
  6  `audit` and `demo`: an invariant does not hold;
     `reconcile` and `redrive`: something can't be repaired
  130  a signal, or a reader that closed the pipe, ended it before it was done";

/// A failure that has an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The input is not right: [`Exit::BadInput`].
    #[error("{0}")]
    BadInput(String),
    /// There is no such thing: [`Exit::NotFound`].
    #[error("{0}")]
    NotFound(String),
    /// A signal has come: [`Exit::Interrupted`].
    #[error("interrupted: {0}")]
    Interrupted(String),
}

impl Exit {
    /// Returns the number.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::BadInput => 2,
            Self::Rejected => 3,
            Self::TimedOut => 4,
            Self::NotFound => 5,
            Self::Violations => 6,
            Self::Interrupted => 130,
        }
    }

    /// Returns how an error ends the program.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref() {
            Some(Failure::BadInput(_)) => Self::BadInput,
            Some(Failure::NotFound(_)) => Self::NotFound,
            Some(Failure::Interrupted(_)) => Self::Interrupted,
            None if output::is_reader_gone(error) => Self::Interrupted,
            None if error.chain().any(is_invalid_setting) => Self::BadInput,
            None => Self::Failure,
        }
    }
}

fn is_invalid_setting(cause: &(dyn Error + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(LogError::Filter { .. }))
        || matches!(cause.downcast_ref(), Some(ClientsError::Endpoint { .. }))
        || matches!(
            cause.downcast_ref(),
            Some(sqs_consumer::Error::InvalidSetting { .. })
        )
        || matches!(
            cause.downcast_ref(),
            Some(dynamo_streams::Error::InvalidSetting { .. })
        )
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn every_code_is_in_the_help() {
        let codes = [
            Exit::Success,
            Exit::Failure,
            Exit::BadInput,
            Exit::Rejected,
            Exit::TimedOut,
            Exit::NotFound,
            Exit::Violations,
            Exit::Interrupted,
        ];
        let number = |line: &str| {
            line.trim()
                .split(' ')
                .next()
                .unwrap()
                .parse::<u8>()
                .unwrap()
        };
        let codes_only = |line: &&str| !line.starts_with("     ");
        let lines = EXIT_CODES.lines().skip(1).filter(codes_only);
        let numbers: Vec<u8> = lines.map(number).collect();
        assert_eq!(numbers, codes.map(Exit::code));
    }

    #[test]
    fn a_failure_keeps_its_code_under_its_context() {
        let missing = anyhow::Error::from(Failure::NotFound("there is no course oils".into()));
        assert_eq!(Exit::of(&missing), Exit::NotFound);
        let bad: anyhow::Result<()> = Err(Failure::BadInput("line 3".into()).into());
        assert_eq!(
            Exit::of(&bad.context("can't send").unwrap_err()),
            Exit::BadInput
        );
        assert_eq!(Exit::of(&anyhow::anyhow!("no route")), Exit::Failure);
        let setting = sqs_consumer::Error::InvalidSetting {
            setting: "concurrency",
            value: "0".to_owned(),
            rule: "must be 1 to 100,000",
        };
        let setting = anyhow::Error::from(arthouse_worker::RunError::Commands(setting));
        assert_eq!(Exit::of(&setting), Exit::BadInput);
    }
}
