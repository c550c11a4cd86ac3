use std::borrow::Cow;
use std::fmt;

use crate::CommandType;

/// Why the school says no to a command: a normal answer, stored and published (`RULES.md`, "Commands").
///
/// A rejection stands in the file of the command that it is of; what several commands share stands here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    code: &'static str,
    message: Cow<'static, str>,
}

pub(crate) const FORBIDDEN: Rejection = Rejection::new("FORBIDDEN", "the actor may not do this");
pub(crate) const FORBIDDEN_SOURCE: Rejection =
    Rejection::new("FORBIDDEN_SOURCE", "the source may not act for this actor");
pub(crate) const COURSE_NOT_FOUND: Rejection =
    Rejection::new("COURSE_NOT_FOUND", "there is no course with this id");
pub(crate) const SCHEDULE_EXHAUSTED: Rejection = Rejection::new(
    "SCHEDULE_EXHAUSTED",
    "the course's schedule has not enough dates left",
);
pub(crate) const INVALID_SCHEDULE: Rejection =
    Rejection::new("INVALID_SCHEDULE", "the schedule can't be used");
pub(crate) const INVALID_COST: Rejection = Rejection::new(
    "INVALID_COST",
    "the cost must be 0 to 1000000000000 minor units",
);
pub(crate) const INVALID_DURATION: Rejection =
    Rejection::new("INVALID_DURATION", "the duration must be 1 to 500 sessions");

impl Rejection {
    pub(crate) const fn new(code: &'static str, message: &'static str) -> Self {
        Self {
            code,
            message: Cow::Borrowed(message),
        }
    }

    /// Returns the same rejection with the particulars of a case.
    pub(crate) fn with(self, message: String) -> Self {
        Self {
            message: Cow::Owned(message),
            ..self
        }
    }

    /// Returns the code, for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Returns all codes: the two that every command has, then those of each command, in the order of the commands.
    pub fn codes() -> Vec<&'static str> {
        let mut codes = vec![FORBIDDEN.code, FORBIDDEN_SOURCE.code];
        for rejection in CommandType::ALL
            .into_iter()
            .flat_map(CommandType::rejections)
        {
            if !codes.contains(&rejection.code) {
                codes.push(rejection.code);
            }
        }
        codes
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Rejection {}
