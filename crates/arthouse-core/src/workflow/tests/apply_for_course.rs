use serde_json::{Value, json};

use super::{check, check_rejected};
use crate::samples::{NOW, application, at, course, enrollment};
use crate::{Application, Course, Rejection, State, Transition};

const APPLY: &str = "course.apply";

fn on_offer() -> State {
    State {
        course: Some(course()),
        ..State::default()
    }
}

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
        (State::default(), Rejection::CourseNotFound),
        (closed(), Rejection::CourseClosed),
        (applied(on_offer()), Rejection::AlreadyApplied),
        (applied(closed()), Rejection::AlreadyApplied),
        (enrolled(on_offer()), Rejection::AlreadyEnrolled),
        (enrolled(closed()), Rejection::AlreadyEnrolled),
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
        check_rejected(&on_offer(), (APPLY, changes), Rejection::InvalidContact);
    }
}
