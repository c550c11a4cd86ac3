//! What a command needs to see, and what it changes.

use crate::{
    Action, Application, Course, CourseId, Enrollment, Rejection, Session, SessionTarget, UserId,
};

/// Which records a command is decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needs {
    /// A course.
    Course(CourseId),
    /// A course, and a student's application and enrolment, all as they were at one moment.
    Enrolling(UserId, CourseId),
    /// A session; where it is absent, its enrolment, and then the session once more if that is initialised.
    Session(SessionTarget),
}

impl Action {
    /// Returns which records the command is decided on.
    pub fn needs(&self) -> Needs {
        match self {
            Self::CreateCourse(data) => Needs::Course(data.course_id.clone()),
            Self::UpdateCourse(data) => Needs::Course(data.course_id.clone()),
            Self::ApplyForCourse(data) => {
                Needs::Enrolling(data.user_id.clone(), data.course_id.clone())
            }
            Self::ConfirmPayment(data) => {
                Needs::Enrolling(data.user_id.clone(), data.course_id.clone())
            }
            Self::AttendSession(target) => Needs::Session(target.clone()),
            Self::SkipSession(data) => Needs::Session(data.target.clone()),
            Self::RescheduleSession(data) => Needs::Session(data.target.clone()),
        }
    }
}

/// What was found of what a command [needs](Needs): an absent record is `None`, and so is one that it does not need.
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
