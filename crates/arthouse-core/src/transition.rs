//! What a command is decided on, and what it changes.

use crate::{Application, Course, Enrollment, Rejection, Session};

/// What was found of the records of a command's [subject](crate::Subject): an absent record is `None`, and so is one that is not needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The course.
    pub course: Option<Course>,
    /// The student's application for it.
    pub application: Option<Application>,
    /// The student's paid enrolment in it.
    pub enrollment: Option<Enrollment>,
    /// The session.
    pub session: Option<Session>,
    /// The enrolment's other sessions.
    pub other_sessions: Vec<Session>,
}

/// What an accepted command changes, to be written in one transaction on condition that the versions that were read still stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// Nothing: what is asked for is so already.
    Unchanged,
    /// A new course.
    CreateCourse(Course),
    /// A course's next version.
    UpdateCourse(Course),
    /// A new application; there is no enrolment.
    Apply(Application),
    /// The application becomes an enrolment.
    Enroll {
        /// The application that is taken away.
        application: Box<Application>,
        /// The enrolment that takes its place.
        enrollment: Box<Enrollment>,
    },
    /// A session's next version.
    UpdateSession(Session),
}

/// Why a command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The school says no, for good.
    Rejected(Rejection),
    /// The enrolment's sessions are being written; the command is to be tried again.
    SessionsNotInitialized,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}
