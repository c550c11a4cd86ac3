use std::process::ExitCode;

/// How the program ends; scripts may rely on the numbers, see [`Exit::code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is done; with `send --wait`, every command was applied.
    Success,
    /// Something failed: the network, AWS, the disk. What could be told was told on stderr.
    Failure,
    /// The command line or the input is not right, and nothing was done.
    BadInput,
    /// What must always hold does not, or something could not be repaired.
    Violations,
    /// `send --wait`: some commands were rejected.
    Rejected,
    /// `send --wait`: some commands had no outcome in time.
    TimedOut,
    /// What was to be read is not there.
    NotFound,
    /// SIGINT or SIGTERM ended it before it was done: 128 and the number of SIGINT, as shells count it.
    Interrupted,
}

/// The codes for people, shown under `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done; with `send --wait`, every command was applied
  1  something failed: the network, AWS, the disk; `audit`: it can't tell; `reconcile`: it was stopped and can be resumed;
     `healthy`: the daemon does not do well
  2  the command line or the input is not right and nothing was done; `audit` and `demo`: an invariant does not hold;
     `reconcile` and `redrive`: something can't be repaired
  3  `send --wait`: some commands were rejected
  4  `send --wait`: some commands had no outcome in time
  5  what was to be read is not there
  130  a signal ended it before it was done";

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
            Self::BadInput | Self::Violations => 2,
            Self::Rejected => 3,
            Self::TimedOut => 4,
            Self::NotFound => 5,
            Self::Interrupted => 130,
        }
    }

    /// Returns how an error ends the program.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref() {
            Some(Failure::BadInput(_)) => Self::BadInput,
            Some(Failure::NotFound(_)) => Self::NotFound,
            Some(Failure::Interrupted(_)) => Self::Interrupted,
            None => Self::Failure,
        }
    }
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
    }
}
