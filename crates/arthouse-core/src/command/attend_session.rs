use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::session::{NOT_SCHEDULED, settle};
use super::{ActorType, CommandData, Subject};
use crate::{
    CourseId, Refusal, Rejection, SessionId, SessionStatus, State, Timestamp, Transition, UserId,
};

/// Notes that the student came: the data of `session.attend`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttendSession {
    /// Whose session.
    pub user_id: UserId,
    /// Of which course.
    pub course_id: CourseId,
    /// Which one: its ordinal, such as `0003`.
    pub session_id: SessionId,
}

impl CommandData for AttendSession {
    const TYPE: &'static str = "com.digitalarthouse.session.attend.v1";
    const ROLES: &'static [ActorType] = &[
        ActorType::Student,
        ActorType::Instructor,
        ActorType::Admin,
        ActorType::System,
    ];
    const REJECTIONS: &'static [Rejection] = &NOT_SCHEDULED;

    fn subject(&self) -> Subject<'_> {
        Subject::Session(&self.user_id, &self.course_id, &self.session_id)
    }

    fn decide(&self, state: &State, now: Timestamp) -> Result<Transition, Refusal> {
        settle(state, &self.session_id, SessionStatus::Attended, now)
    }

    fn example() -> Value {
        json!({
            "actor": {"type": "instructor", "id": "frida"},
            "user_id": "ada", "course_id": "watercolour", "session_id": "0001",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_settled;
    use crate::SessionStatus;

    #[test]
    fn a_scheduled_session_is_attended() {
        check_settled("session.attend", SessionStatus::Attended);
    }
}
