use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ApplyForCourse, ConfirmPayment, CreateCourse, RescheduleSession, SessionTarget, SkipSession,
    UpdateCourse,
};
use crate::{CourseId, UserId};

/// Who posts a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// In which role.
    pub r#type: ActorType,
    /// The user's id in that role; for a student the same as `user_id`.
    #[schemars(extend("minLength" = 1, "maxLength" = 128))]
    pub id: String,
}

/// The roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActorType {
    /// Someone who takes courses.
    Student,
    /// Someone who teaches.
    Instructor,
    /// Someone who runs the school.
    Admin,
    /// Another system, such as the payment provider's webhook.
    System,
}

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Offer a course.
    CreateCourse(CreateCourse),
    /// Change a course on offer.
    UpdateCourse(UpdateCourse),
    /// Apply for a course.
    ApplyForCourse(ApplyForCourse),
    /// Turn an application into a paid enrolment.
    ConfirmPayment(ConfirmPayment),
    /// Note that the student came.
    AttendSession(SessionTarget),
    /// Note that the student did not come.
    SkipSession(SkipSession),
    /// Move a session.
    RescheduleSession(RescheduleSession),
}

/// The commands' types on the wire, `com.digitalarthouse.<noun>.<verb>.v1`; each is the action of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommandType {
    /// `course.create`
    CreateCourse,
    /// `course.update`
    UpdateCourse,
    /// `course.apply`
    ApplyForCourse,
    /// `payment.confirm`
    ConfirmPayment,
    /// `session.attend`
    AttendSession,
    /// `session.skip`
    SkipSession,
    /// `session.reschedule`
    RescheduleSession,
}

impl CommandType {
    /// All of them, in the order of `RULES.md`, "Commands".
    pub const ALL: [Self; 7] = [
        Self::CreateCourse,
        Self::UpdateCourse,
        Self::ApplyForCourse,
        Self::ConfirmPayment,
        Self::AttendSession,
        Self::SkipSession,
        Self::RescheduleSession,
    ];

    /// Returns the type on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateCourse => "com.digitalarthouse.course.create.v1",
            Self::UpdateCourse => "com.digitalarthouse.course.update.v1",
            Self::ApplyForCourse => "com.digitalarthouse.course.apply.v1",
            Self::ConfirmPayment => "com.digitalarthouse.payment.confirm.v1",
            Self::AttendSession => "com.digitalarthouse.session.attend.v1",
            Self::SkipSession => "com.digitalarthouse.session.skip.v1",
            Self::RescheduleSession => "com.digitalarthouse.session.reschedule.v1",
        }
    }

    /// Returns the type with a name on the wire.
    pub fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

impl fmt::Display for CommandType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Action {
    /// Returns the type on the wire.
    pub fn command_type(&self) -> CommandType {
        match self {
            Self::CreateCourse(_) => CommandType::CreateCourse,
            Self::UpdateCourse(_) => CommandType::UpdateCourse,
            Self::ApplyForCourse(_) => CommandType::ApplyForCourse,
            Self::ConfirmPayment(_) => CommandType::ConfirmPayment,
            Self::AttendSession(_) => CommandType::AttendSession,
            Self::SkipSession(_) => CommandType::SkipSession,
            Self::RescheduleSession(_) => CommandType::RescheduleSession,
        }
    }

    /// Returns the course that it is about.
    pub fn course_id(&self) -> &CourseId {
        match self {
            Self::CreateCourse(data) => &data.course_id,
            Self::UpdateCourse(data) => &data.course_id,
            Self::ApplyForCourse(data) => &data.course_id,
            Self::ConfirmPayment(data) => &data.course_id,
            Self::AttendSession(target) => &target.course_id,
            Self::SkipSession(data) => &data.target.course_id,
            Self::RescheduleSession(data) => &data.target.course_id,
        }
    }

    /// Returns the student that it is about; a command for a course has none.
    pub fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::CreateCourse(_) | Self::UpdateCourse(_) => None,
            Self::ApplyForCourse(data) => Some(&data.user_id),
            Self::ConfirmPayment(data) => Some(&data.user_id),
            Self::AttendSession(_) | Self::SkipSession(_) | Self::RescheduleSession(_) => {
                self.session().map(|target| &target.user_id)
            }
        }
    }

    /// Returns the session that it is about, if it is about one.
    pub fn session(&self) -> Option<&SessionTarget> {
        match self {
            Self::CreateCourse(_)
            | Self::UpdateCourse(_)
            | Self::ApplyForCourse(_)
            | Self::ConfirmPayment(_) => None,
            Self::AttendSession(target) => Some(target),
            Self::SkipSession(data) => Some(&data.target),
            Self::RescheduleSession(data) => Some(&data.target),
        }
    }

    /// Returns the queue's message group: the student, or for a course's own commands the course.
    pub fn message_group(&self) -> &str {
        self.user_id()
            .map_or(self.course_id().as_str(), UserId::as_str)
    }
}
