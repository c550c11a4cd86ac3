use serde_json::{Value, json};

use super::check_rejected;
use crate::samples::{NOW, application, at, command, course, examples, first_session};
use crate::{Refusal, Rejection, State, decide};

/// Records on which each of the commands could be accepted.
fn state_for(event_type: &str) -> State {
    let course = (event_type != "course.create").then(course);
    let application = (event_type == "payment.confirm").then(application);
    State {
        course,
        application,
        session: Some(first_session()),
        enrollment: None,
    }
}

fn allowed(event_type: &str, actor: Value) -> bool {
    let decided = decide(
        &state_for(event_type),
        &command(event_type, json!({"actor": actor})),
        at(NOW),
    );
    match decided {
        Ok(_) => true,
        Err(Refusal::Rejected(Rejection::Forbidden)) => false,
        Err(other) => panic!("{event_type}: {other:?}"),
    }
}

#[test]
fn each_role_may_do_what_is_its_own() {
    for (event_type, _) in examples() {
        let for_the_office =
            ["course.create", "course.update", "payment.confirm"].contains(&event_type);
        for (role, id, expected) in [
            ("admin", "root", true),
            ("system", "webhook", true),
            ("instructor", "bob", !for_the_office),
            ("instructor", "ada", !for_the_office),
            ("student", "ada", !for_the_office),
            ("student", "ada2", false),
            ("student", "ad", false),
            ("student", "ADA", false),
        ] {
            let found = allowed(event_type, json!({"type": role, "id": id}));
            assert_eq!(found, expected, "{event_type} by {role} {id}");
        }
    }
}

#[test]
fn whoever_may_not_ask_learns_nothing_of_the_records() {
    for (event_type, _) in examples() {
        let stranger = json!({"actor": {"type": "student", "id": "eve"}});
        check_rejected(
            &State::default(),
            (event_type, stranger),
            Rejection::Forbidden,
        );
    }
}
