use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ActorType, CommandData, Subject};
use crate::rejection::{COURSE_NOT_FOUND, SCHEDULE_EXHAUSTED};
use crate::{
    Application, ContactInfo, CourseId, Quote, Refusal, Rejection, State, Timestamp, Transition,
    UserId,
};

const COURSE_CLOSED: Rejection =
    Rejection::new("COURSE_CLOSED", "the course does not take applications now");
const ALREADY_APPLIED: Rejection = Rejection::new(
    "ALREADY_APPLIED",
    "the student has applied for this course already",
);
const ALREADY_ENROLLED: Rejection = Rejection::new(
    "ALREADY_ENROLLED",
    "the student is enrolled in this course already",
);
const INVALID_CONTACT: Rejection = Rejection::new(
    "INVALID_CONTACT",
    "the contact needs a name, an email address and, if any, a phone number that can be used",
);

/// The data of `course.apply`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplyForCourse {
    /// Who applies.
    pub user_id: UserId,
    /// For which course.
    pub course_id: CourseId,
    /// How to reach the student.
    pub contact_info: ContactInfo,
}

impl CommandData for ApplyForCourse {
    const TYPE: &'static str = "com.digitalarthouse.course.apply.v1";
    const ROLES: &'static [ActorType] = &[
        ActorType::Student,
        ActorType::Instructor,
        ActorType::Admin,
        ActorType::System,
    ];
    const REJECTIONS: &'static [Rejection] = &[
        COURSE_NOT_FOUND,
        COURSE_CLOSED,
        ALREADY_APPLIED,
        ALREADY_ENROLLED,
        INVALID_CONTACT,
        SCHEDULE_EXHAUSTED,
    ];

    fn subject(&self) -> Subject<'_> {
        Subject::Enrollment(&self.user_id, &self.course_id)
    }

    /// A student applies once for an open course, and is quoted its price as it is now.
    fn decide(&self, state: &State, now: Timestamp) -> Result<Transition, Refusal> {
        let course = state.course.as_ref().ok_or(COURSE_NOT_FOUND)?;
        if state.enrollment.is_some() {
            return Err(ALREADY_ENROLLED.into());
        }
        if state.application.is_some() {
            return Err(ALREADY_APPLIED.into());
        }
        if !course.open {
            return Err(COURSE_CLOSED.into());
        }
        if !self.contact_info.is_valid() {
            return Err(INVALID_CONTACT.into());
        }
        if !course.schedule.has_at_least(course.duration, now) {
            return Err(SCHEDULE_EXHAUSTED.into());
        }
        Ok(Transition::Apply(Application {
            user_id: self.user_id.clone(),
            course_id: self.course_id.clone(),
            applied_date: now,
            contact_info: self.contact_info.clone(),
            quote: Quote::of(course),
            version: 1,
        }))
    }

    fn example() -> Value {
        json!({
            "actor": {"type": "student", "id": "ada"},
            "user_id": "ada", "course_id": "watercolour",
            "contact_info": {"name": "Ada Byron", "email": "ada@example.com", "phone": "+44 20 7946 0999"},
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{check, check_rejected, on_offer};
    use super::{ALREADY_APPLIED, ALREADY_ENROLLED, COURSE_CLOSED, INVALID_CONTACT};
    use crate::rejection::{COURSE_NOT_FOUND, SCHEDULE_EXHAUSTED};
    use crate::samples::{NOW, application, at, course, enrollment, id};
    use crate::{Application, Course, State, Transition};

    const APPLY: &str = "course.apply";

    fn closed() -> State {
        State {
            course: Some(Course {
                open: false,
                ..course()
            }),
            ..State::default()
        }
    }

    #[test]
    fn a_student_who_applies_is_quoted_the_course_as_it_is() {
        let applied = Application {
            applied_date: at(NOW),
            ..application()
        };
        check(
            &on_offer(),
            (APPLY, json!({})),
            Ok(Transition::Apply(applied)),
        );
    }

    #[test]
    fn a_student_applies_for_an_open_course_once() {
        let applied = |course: State| State {
            application: Some(application()),
            ..course
        };
        let enrolled = |course: State| State {
            enrollment: Some(enrollment()),
            ..course
        };
        for (given, rejection) in [
            (State::default(), COURSE_NOT_FOUND),
            (closed(), COURSE_CLOSED),
            (applied(on_offer()), ALREADY_APPLIED),
            (applied(closed()), ALREADY_APPLIED),
            (enrolled(on_offer()), ALREADY_ENROLLED),
            (enrolled(closed()), ALREADY_ENROLLED),
        ] {
            check_rejected(&given, (APPLY, json!({})), rejection);
        }
    }

    #[test]
    fn a_contact_that_can_not_be_used_is_refused() {
        let contact = |name: &str, email: &str, phone: Value| json!({"contact_info": {"name": name, "email": email, "phone": phone}});
        for changes in [
            contact(" ", "ada@example.com", Value::Null),
            contact("Ada", "", Value::Null),
            contact("Ada", "ada.example.com", Value::Null),
            contact("Ada", "ada@", Value::Null),
            contact("Ada", "ada@example.com", json!("")),
        ] {
            check_rejected(&on_offer(), (APPLY, changes), INVALID_CONTACT);
        }
    }

    #[test]
    fn nobody_applies_for_a_timetable_with_fewer_dates_left_than_sessions() {
        let offered = |schedule: &str| State {
            course: Some(Course {
                schedule: id(schedule),
                ..course()
            }),
            ..State::default()
        };
        // It is noon on 20 September, 13:00 in London, and the course has three sessions.
        for exhausted in [
            "DTSTART;TZID=Europe/London:20240101T180000\nRRULE:FREQ=WEEKLY;COUNT=9",
            "DTSTART;TZID=Europe/London:20260920T130000\nRRULE:FREQ=WEEKLY;COUNT=3",
        ] {
            check_rejected(&offered(exhausted), (APPLY, json!({})), SCHEDULE_EXHAUSTED);
        }
        let applied = Application {
            applied_date: at(NOW),
            ..application()
        };
        let enough = "DTSTART;TZID=Europe/London:20260920T130001\nRRULE:FREQ=WEEKLY;COUNT=3";
        let applied = Ok(Transition::Apply(applied));
        check(&offered(enough), (APPLY, json!({})), applied);
    }
}
