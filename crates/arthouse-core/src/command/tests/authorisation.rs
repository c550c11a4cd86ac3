use serde_json::{Value, json};

use super::check_rejected;
use crate::rejection::FORBIDDEN;
use crate::samples::{NOW, application, at, command, course, examples, first_session};
use crate::{CommandType, Refusal, State, decide};

/// Records on which each of the commands could be accepted.
fn state_for(event_type: &str) -> State {
    let course = (event_type != "course.create").then(course);
    let application = (event_type == "payment.confirm").then(application);
    State {
        course,
        application,
        session: Some(first_session()),
        ..State::default()
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
        Err(Refusal::Rejected(rejection)) if rejection == FORBIDDEN => false,
        Err(other) => panic!("{event_type}: {other:?}"),
    }
}

/// Who may send a command, as `RULES.md` has it, beside admins; a student for themselves.
fn roles(command_type: CommandType) -> &'static [&'static str] {
    match command_type {
        CommandType::CreateCourse | CommandType::UpdateCourse | CommandType::ConfirmPayment => {
            &["system"]
        }
        CommandType::ApplyForCourse
        | CommandType::AttendSession
        | CommandType::SkipSession
        | CommandType::RescheduleSession => &["student", "instructor", "system"],
    }
}

#[test]
fn each_role_may_do_what_is_its_own() {
    for command_type in CommandType::ALL {
        let (event_type, roles) = (command_type.name(), roles(command_type));
        for (role, id, expected) in [
            ("admin", "root", true),
            ("system", "webhook", roles.contains(&"system")),
            ("instructor", "bob", roles.contains(&"instructor")),
            ("instructor", "ada", roles.contains(&"instructor")),
            ("student", "ada", roles.contains(&"student")),
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
        check_rejected(&State::default(), (event_type, stranger), FORBIDDEN);
    }
}
