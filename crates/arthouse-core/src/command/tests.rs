//! What is read as a command, what is malformed, what a malformed message may tell of itself, and who may send what.

mod agreement;
mod authorisation;
mod malformed;
mod privacy;
mod reading;
mod wire;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::rejection::{FORBIDDEN, FORBIDDEN_SOURCE};
use crate::samples::{NOW, after, at, command, course, first_session};
use crate::{
    CommandType, Refusal, Rejection, Session, SessionStatus, State, Transition, decide,
    notification, schema,
};

static CONTRACTS: LazyLock<Vec<Validator>> = LazyLock::new(|| {
    let options = jsonschema::draft7::options().should_validate_formats(true);
    let build = |of| {
        options
            .build(&schema::command(of).to_value())
            .expect("a schema")
    };
    CommandType::ALL.map(build).into()
});

/// Says whether the contract of a command takes this body: of the one that its type names, which the others refuse.
fn keeps_a_contract(body: &str) -> bool {
    let Ok(event) = serde_json::from_str::<Value>(body) else {
        return false;
    };
    let named = CommandType::ALL
        .iter()
        .position(|of| event["type"] == of.as_str());
    named.is_some_and(|at| CONTRACTS[at].is_valid(&event))
}

/// The object with a field less.
fn without(mut object: Value, field: &str) -> Value {
    object
        .as_object_mut()
        .expect("an object")
        .remove(field)
        .expect(field);
    object
}

/// Given these records, when an admin's example command with these changes comes at [`NOW`], then this is decided.
#[track_caller]
pub(super) fn check(
    given: &State,
    (event_type, changes): (&str, Value),
    then: Result<Transition, Refusal>,
) {
    let when = command(event_type, changes);
    assert_eq!(
        decide(given, &when, at(NOW)),
        then,
        "{}",
        when.action.to_data(&when.actor)
    );
}

/// The same, and the rejection is one that the command says it has.
#[track_caller]
pub(super) fn check_rejected(given: &State, when: (&str, Value), then: Rejection) {
    let command_type = command(when.0, json!({})).action.command_type();
    let code = then.code();
    let stated = command_type.rejections().iter().map(Rejection::code);
    assert!(
        stated.chain([FORBIDDEN.code()]).any(|known| known == code),
        "{command_type} does not state {code}"
    );
    check(given, when, Err(then.into()));
}

/// The course is there.
pub(super) fn on_offer() -> State {
    State {
        course: Some(course()),
        ..State::default()
    }
}

/// The session is there.
pub(super) fn with_session(session: Session) -> State {
    State {
        session: Some(session),
        ..State::default()
    }
}

/// The command gives a scheduled session this status, whether it was moved or not.
#[track_caller]
pub(super) fn check_settled(event_type: &str, status: SessionStatus) {
    let moved = after(first_session(), "session.reschedule", NOW);
    for session in [first_session(), moved] {
        let expected = Session {
            status,
            status_changed_at: Some(at(NOW)),
            version: session.version + 1,
            ..session.clone()
        };
        check(
            &with_session(session),
            (event_type, json!({})),
            Ok(Transition::UpdateSession(expected)),
        );
    }
}

#[test]
fn every_code_is_of_one_rejection_and_every_name_is_of_one_command() {
    let stated = CommandType::ALL
        .into_iter()
        .flat_map(CommandType::rejections);
    let rejections: Vec<Rejection> = stated
        .cloned()
        .chain([FORBIDDEN, FORBIDDEN_SOURCE])
        .collect();
    for code in Rejection::codes() {
        let of_code = || rejections.iter().filter(|one| one.code() == code);
        assert!(
            of_code().all(|one| Some(one) == of_code().next()),
            "{code} is two rejections"
        );
    }
    let names: BTreeSet<_> = CommandType::ALL.map(CommandType::as_str).into();
    assert_eq!(names.len(), CommandType::ALL.len());
}

/// A file that no `mod` line names is not compiled, and nothing else would say so.
#[test]
fn no_command_and_no_notification_lies_forgotten_in_a_file() {
    let files_with = |folder: &str, sign: &str| {
        let folder = format!("{}/src/{folder}", env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(folder).expect("a folder");
        let paths = files.map(|file| file.expect("a file").path());
        let texts = paths.filter_map(|path| std::fs::read_to_string(path).ok());
        texts.filter(|text| text.contains(sign)).count()
    };
    let commands = files_with("command", "\nimpl CommandData for ");
    assert_eq!(commands, CommandType::ALL.len());
    let notifications = files_with("notification", "\nimpl NotificationData for ");
    assert_eq!(notifications, notification::KINDS.len());
}
