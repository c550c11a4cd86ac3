use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::session::{ENROLLMENT_NOT_FOUND, SESSION_NOT_FOUND, SESSION_NOT_SCHEDULED, scheduled};
use super::{ActorType, CommandData, Subject};
use crate::{
    CourseId, Refusal, Rejection, Rescheduled, Session, SessionId, SessionStatus, State, Timestamp,
    Transition, UserId,
};

const NOT_RESCHEDULABLE: Rejection = Rejection::new(
    "NOT_RESCHEDULABLE",
    "the session has been rescheduled before",
);
const TOO_LATE: Rejection = Rejection::new("TOO_LATE", "the session is 24 hours away or less");
const NEW_DATE_IN_PAST: Rejection =
    Rejection::new("NEW_DATE_IN_PAST", "the new date is not in the future");
const NEW_DATE_UNCHANGED: Rejection = Rejection::new(
    "NEW_DATE_UNCHANGED",
    "the new date is the one that the session has",
);
const SESSION_CONFLICT: Rejection = Rejection::new(
    "SESSION_CONFLICT",
    "the student has another session of this course at the new date",
);

/// Moves a session: the data of `session.reschedule`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RescheduleSession {
    /// Whose session.
    pub user_id: UserId,
    /// Of which course.
    pub course_id: CourseId,
    /// Which one: its ordinal, such as `0003`.
    pub session_id: SessionId,
    /// The date that it is to have.
    pub new_session_date: Timestamp,
}

impl CommandData for RescheduleSession {
    const TYPE: &'static str = "com.digitalarthouse.session.reschedule.v1";
    const ROLES: &'static [ActorType] = &[
        ActorType::Student,
        ActorType::Instructor,
        ActorType::Admin,
        ActorType::System,
    ];
    const REJECTIONS: &'static [Rejection] = &[
        ENROLLMENT_NOT_FOUND,
        SESSION_NOT_FOUND,
        SESSION_NOT_SCHEDULED,
        NOT_RESCHEDULABLE,
        TOO_LATE,
        NEW_DATE_IN_PAST,
        NEW_DATE_UNCHANGED,
        SESSION_CONFLICT,
    ];

    fn subject(&self) -> Subject<'_> {
        Subject::SessionMove(&self.user_id, &self.course_id, &self.session_id)
    }

    /// A student may move a session once, more than 24 hours ahead, to another date in the future at which the enrolment has no other
    /// session. It costs nothing.
    fn decide(&self, state: &State, now: Timestamp) -> Result<Transition, Refusal> {
        let session = scheduled(state, &self.session_id)?;
        if !session.reschedulable {
            return Err(NOT_RESCHEDULABLE.into());
        }
        if !session.leaves_notice(now) {
            return Err(TOO_LATE.into());
        }
        if self.new_session_date <= now {
            return Err(NEW_DATE_IN_PAST.into());
        }
        if self.new_session_date == session.session_date {
            return Err(NEW_DATE_UNCHANGED.into());
        }
        self.conflict(state)?;
        let original_session_date = session
            .rescheduled
            .map_or(session.session_date, |moved| moved.original_session_date);
        Ok(Transition::UpdateSession(Session {
            session_date: self.new_session_date,
            rescheduled: Some(Rescheduled {
                original_session_date,
                at: now,
            }),
            reschedulable: false,
            sequence: session.sequence + 1,
            version: session.version + 1,
            ..session.clone()
        }))
    }

    fn example() -> Value {
        json!({
            "actor": {"type": "student", "id": "ada"},
            "user_id": "ada", "course_id": "watercolour", "session_id": "0003", "new_session_date": "2026-10-20T17:30:00Z",
        })
    }
}

impl RescheduleSession {
    /// Refuses a date at which another session is scheduled. That is known once all sessions of the enrolment are there.
    fn conflict(&self, state: &State) -> Result<(), Refusal> {
        let enrollment = state.enrollment.as_ref();
        if enrollment.is_some_and(|enrollment| enrollment.sessions_initialized_at.is_none()) {
            return Err(Refusal::SessionsNotInitialized);
        }
        let conflicts = |other: &Session| {
            other.status == SessionStatus::Scheduled && other.session_date == self.new_session_date
        };
        if state.other_sessions.iter().any(conflicts) {
            return Err(SESSION_CONFLICT.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{check, check_rejected, with_session};
    use super::{
        NEW_DATE_IN_PAST, NEW_DATE_UNCHANGED, NOT_RESCHEDULABLE, SESSION_CONFLICT, TOO_LATE,
    };
    use crate::samples::{NOW, after, at, enrollment, first_session, initialised, sessions};
    use crate::{Refusal, Rescheduled, Session, State, Transition};

    const RESCHEDULE: &str = "session.reschedule";

    /// The session takes place then.
    fn dated(session_date: &str) -> State {
        with_session(Session {
            session_date: at(session_date),
            ..first_session()
        })
    }

    #[test]
    fn a_session_is_moved_once_and_keeps_its_first_date() {
        let expected = Session {
            session_date: at("2026-10-02T17:00:00Z"),
            rescheduled: Some(Rescheduled {
                original_session_date: at("2026-10-01T17:00:00Z"),
                at: at(NOW),
            }),
            reschedulable: false,
            sequence: 1,
            version: 2,
            ..first_session()
        };
        check(
            &with_session(first_session()),
            (RESCHEDULE, json!({})),
            Ok(Transition::UpdateSession(expected.clone())),
        );
        let again = json!({"new_session_date": "2026-10-03T17:00:00Z"});
        check_rejected(
            &with_session(expected),
            (RESCHEDULE, again),
            NOT_RESCHEDULABLE,
        );
    }

    #[test]
    fn a_session_that_the_school_lets_move_again_keeps_its_very_first_date() {
        let first = after(first_session(), RESCHEDULE, NOW);
        let again = Session {
            reschedulable: true,
            ..first.clone()
        };
        let expected = Session {
            session_date: at("2026-10-03T17:00:00Z"),
            sequence: 2,
            version: 3,
            ..first
        };
        let when = json!({"new_session_date": "2026-10-03T17:00:00Z"});
        check(
            &with_session(again),
            (RESCHEDULE, when),
            Ok(Transition::UpdateSession(expected)),
        );
    }

    #[test]
    fn a_session_exactly_24_hours_away_is_not_rescheduled() {
        for (session_date, too_late) in [
            ("2026-09-21T12:00:01Z", false),
            ("2026-09-21T12:00:00Z", true),
            ("2026-09-21T11:59:59Z", true),
            ("2026-09-20T12:00:00Z", true),
            ("2026-09-01T12:00:00Z", true),
        ] {
            if too_late {
                check_rejected(&dated(session_date), (RESCHEDULE, json!({})), TOO_LATE);
            } else {
                let moved = after(
                    dated(session_date).session.expect("a session"),
                    RESCHEDULE,
                    NOW,
                );
                check(
                    &dated(session_date),
                    (RESCHEDULE, json!({})),
                    Ok(Transition::UpdateSession(moved)),
                );
            }
        }
    }

    #[test]
    fn the_24_hours_are_elapsed_time_when_the_clocks_change() {
        // London's clocks go back on 25 October 2026: from 18:00 to 18:00 on the wall it is 25 hours.
        let session = Session {
            session_date: at("2026-10-25T18:00:00Z"),
            ..first_session()
        };
        assert!(session.leaves_notice(at("2026-10-24T17:00:00Z")));
        assert!(session.leaves_notice(at("2026-10-24T17:59:59Z")));
        assert!(!session.leaves_notice(at("2026-10-24T18:00:00Z")));
    }

    #[test]
    fn the_new_date_is_in_the_future_and_another_one() {
        for (new_date, rejection) in [
            ("2026-09-20T11:59:59Z", NEW_DATE_IN_PAST),
            ("2026-09-20T12:00:00Z", NEW_DATE_IN_PAST),
            ("2026-10-01T17:00:00Z", NEW_DATE_UNCHANGED),
            ("2026-10-01T18:00:00+01:00", NEW_DATE_UNCHANGED),
        ] {
            let when = (RESCHEDULE, json!({"new_session_date": new_date}));
            check_rejected(&with_session(first_session()), when, rejection);
        }
        for new_date in [
            "2026-09-20T12:00:01Z",
            "2026-10-01T17:00:01Z",
            "2031-01-01T00:00:00Z",
        ] {
            let moved = Session {
                session_date: at(new_date),
                ..after(first_session(), RESCHEDULE, NOW)
            };
            let when = (RESCHEDULE, json!({"new_session_date": new_date}));
            check(
                &with_session(first_session()),
                when,
                Ok(Transition::UpdateSession(moved)),
            );
        }
    }

    #[test]
    fn a_session_that_can_not_be_moved_is_refused_before_its_date_is_looked_at() {
        let fixed = Session {
            reschedulable: false,
            session_date: at("2026-09-20T13:00:00Z"),
            ..first_session()
        };
        check_rejected(
            &with_session(fixed),
            (RESCHEDULE, json!({})),
            NOT_RESCHEDULABLE,
        );
    }

    /// Ada's first session among the other two, on 8 and 15 October at 17:00 UTC.
    fn among_others() -> State {
        State {
            enrollment: Some(initialised()),
            other_sessions: sessions().split_off(1),
            ..with_session(first_session())
        }
    }

    #[test]
    fn a_student_has_one_session_of_a_course_at_a_time() {
        let onto = |new_date: &str| (RESCHEDULE, json!({"new_session_date": new_date}));
        for taken in ["2026-10-08T17:00:00Z", "2026-10-15T18:00:00+01:00"] {
            check_rejected(&among_others(), onto(taken), SESSION_CONFLICT);
        }
        let free = "2026-10-08T17:00:01Z";
        let moved = |new_date: &str| Session {
            session_date: at(new_date),
            ..after(first_session(), RESCHEDULE, NOW)
        };
        let then = |new_date: &str| Ok(Transition::UpdateSession(moved(new_date)));
        check(&among_others(), onto(free), then(free));
        let mut given = among_others();
        for over in ["session.attend", "session.skip"] {
            let other = given.other_sessions.remove(0);
            let date = other.session_date.to_string();
            given.other_sessions.push(after(other, over, NOW));
            check(&given, onto(&date), then(&date));
        }
    }

    #[test]
    fn a_date_is_compared_once_all_sessions_are_there() {
        let given = State {
            enrollment: Some(enrollment()),
            other_sessions: Vec::new(),
            ..among_others()
        };
        let when = (RESCHEDULE, json!({}));
        check(&given, when, Err(Refusal::SessionsNotInitialized));
        let past = json!({"new_session_date": "2026-09-20T11:59:59Z"});
        check_rejected(&given, (RESCHEDULE, past), NEW_DATE_IN_PAST);
    }
}
