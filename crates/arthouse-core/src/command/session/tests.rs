use serde_json::json;

use super::super::tests::{check, check_rejected, with_session};
use super::{ENROLLMENT_NOT_FOUND, SESSION_NOT_FOUND, SESSION_NOT_SCHEDULED};
use crate::samples::{NOW, after, command, enrollment, first_session, initialised};
use crate::{CommandType, Refusal, State};

/// The types of all commands that are about a session.
fn of_sessions() -> Vec<&'static str> {
    let is_of_session = |name: &&str| {
        let command = command(name, json!({}));
        command.action.subject().session_id().is_some()
    };
    let all = CommandType::ALL.into_iter().map(CommandType::name);
    all.filter(is_of_session).collect()
}

#[test]
fn a_session_that_is_over_stays_as_it_is() {
    for over in ["session.attend", "session.skip"] {
        let over = with_session(after(first_session(), over, NOW));
        for event_type in of_sessions() {
            check_rejected(&over, (event_type, json!({})), SESSION_NOT_SCHEDULED);
        }
    }
}

#[test]
fn without_an_enrolment_there_are_no_sessions() {
    for event_type in of_sessions() {
        check_rejected(
            &State::default(),
            (event_type, json!({})),
            ENROLLMENT_NOT_FOUND,
        );
    }
}

#[test]
fn a_command_that_comes_before_its_session_is_tried_again() {
    let paid = State {
        enrollment: Some(enrollment()),
        ..State::default()
    };
    for event_type in of_sessions() {
        for session_id in ["0001", "0003", "3"] {
            check(
                &paid,
                (event_type, json!({"session_id": session_id})),
                Err(Refusal::SessionsNotInitialized),
            );
        }
    }
}

#[test]
fn a_session_that_will_never_be_is_not_found_at_once() {
    for enrollment in [enrollment(), initialised()] {
        let paid = State {
            enrollment: Some(enrollment),
            ..State::default()
        };
        for event_type in of_sessions() {
            for session_id in ["0000", "0004", "0500", "00001", "first", "99999"] {
                check_rejected(
                    &paid,
                    (event_type, json!({"session_id": session_id})),
                    SESSION_NOT_FOUND,
                );
            }
        }
    }
}

#[test]
fn a_session_that_is_missing_once_all_are_there_is_not_found() {
    let paid = State {
        enrollment: Some(initialised()),
        ..State::default()
    };
    for event_type in of_sessions() {
        check_rejected(&paid, (event_type, json!({})), SESSION_NOT_FOUND);
    }
}
