use std::fmt;

use super::Invariant;
use crate::{CommandId, CourseId, SessionId, Source, Timestamp, UserId};

/// An invariant that does not hold, or not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// Of which record.
    pub subject: AuditSubject,
    /// What is so instead.
    pub detail: String,
    /// Whether it may be a reaction that is still under way: the invariant holds "in the end".
    pub pending: bool,
    /// What is pending follows from a command that the queue took then.
    pub since: Option<Timestamp>,
}

/// What a violation is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuditSubject {
    /// A student in a course: the application, the enrolment, the sessions as a whole.
    Enrollment {
        /// The student.
        user_id: UserId,
        /// The course.
        course_id: CourseId,
    },
    /// One session.
    Session {
        /// The student.
        user_id: UserId,
        /// The course.
        course_id: CourseId,
        /// The session.
        session_id: SessionId,
    },
    /// The receipt of a command.
    Command {
        /// Where the command came from.
        source: Source,
        /// The command.
        command_id: CommandId,
    },
}

impl AuditSubject {
    pub(super) fn session(user_id: &UserId, course_id: &CourseId, session_id: &SessionId) -> Self {
        Self::Session {
            user_id: user_id.clone(),
            course_id: course_id.clone(),
            session_id: session_id.clone(),
        }
    }
}

impl Violation {
    /// Says that an invariant does not hold, whatever is under way.
    pub fn new(invariant: Invariant, subject: AuditSubject, detail: String) -> Self {
        Self {
            invariant,
            subject,
            detail,
            pending: false,
            since: None,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.pending {
            "not settled"
        } else {
            "violated"
        };
        let (number, subject, detail) = (self.invariant.number(), &self.subject, &self.detail);
        write!(f, "invariant {number} {state}: {subject}: {detail}")
    }
}

impl fmt::Display for AuditSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enrollment { user_id, course_id } => write!(f, "{user_id}/{course_id}"),
            Self::Session {
                user_id,
                course_id,
                session_id,
            } => write!(f, "{user_id}/{course_id}/{session_id}"),
            Self::Command { source, command_id } => write!(f, "command {source} {command_id}"),
        }
    }
}
