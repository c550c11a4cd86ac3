use std::fmt;

use crate::{CourseId, SessionId, UserId};

/// What a command is about. Its message group, the fields of its logs and of its outcome and the records that it is decided on follow
/// from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A course. The command is decided on the course.
    Course(&'a CourseId),
    /// A student in a course. The command is decided on the course, the application and the enrolment, all as they were at one moment.
    Enrollment(&'a UserId, &'a CourseId),
    /// A session. The command is decided on the session; where it is absent, on its enrolment, and on the session read once more if the
    /// enrolment is initialised.
    Session(&'a UserId, &'a CourseId, &'a SessionId),
    /// A session that is to be moved. The command is decided on its enrolment and, once that is initialised, on all sessions of the enrolment, read
    /// after it.
    SessionMove(&'a UserId, &'a CourseId, &'a SessionId),
}

impl<'a> Subject<'a> {
    /// Returns the course.
    pub fn course_id(self) -> &'a CourseId {
        match self {
            Self::Course(course_id)
            | Self::Enrollment(_, course_id)
            | Self::Session(_, course_id, _)
            | Self::SessionMove(_, course_id, _) => course_id,
        }
    }

    /// Returns the student; a course has none.
    pub fn user_id(self) -> Option<&'a UserId> {
        match self {
            Self::Course(_) => None,
            Self::Enrollment(user_id, _)
            | Self::Session(user_id, _, _)
            | Self::SessionMove(user_id, _, _) => Some(user_id),
        }
    }

    /// Returns the session, if it is one.
    pub fn session_id(self) -> Option<&'a SessionId> {
        match self {
            Self::Course(_) | Self::Enrollment(..) => None,
            Self::Session(_, _, session_id) | Self::SessionMove(_, _, session_id) => {
                Some(session_id)
            }
        }
    }

    /// Returns the queue's message group: the student, or for a course's own commands the course.
    pub fn message_group(self) -> &'a str {
        self.user_id()
            .map_or(self.course_id().as_str(), UserId::as_str)
    }
}

/// Writes the `subject` of an event: `<user_id>/<course_id>`, or the course alone.
impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.user_id() {
            Some(user_id) => write!(f, "{user_id}/{}", self.course_id()),
            None => write!(f, "{}", self.course_id()),
        }
    }
}
