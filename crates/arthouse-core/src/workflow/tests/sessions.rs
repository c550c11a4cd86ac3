use serde_json::json;

use super::{check, check_rejected};
use crate::samples::{NOW, after, at, enrollment, first_session, initialised};
use crate::{Refusal, Rejection, Rescheduled, Session, SessionStatus, State, Transition};

const COMMANDS: [&str; 3] = ["session.attend", "session.skip", "session.reschedule"];
const RESCHEDULE: &str = "session.reschedule";

fn given(session: Session) -> State {
    State {
        session: Some(session),
        ..State::default()
    }
}

/// The session takes place then.
fn dated(session_date: &str) -> State {
    given(Session {
        session_date: at(session_date),
        ..first_session()
    })
}

#[test]
fn a_scheduled_session_is_attended_or_skipped() {
    for (event_type, status) in [
        ("session.attend", SessionStatus::Attended),
        ("session.skip", SessionStatus::Skipped),
    ] {
        let expected = Session {
            status,
            status_changed_at: Some(at(NOW)),
            version: 2,
            ..first_session()
        };
        check(
            &given(first_session()),
            (event_type, json!({})),
            Ok(Transition::UpdateSession(expected)),
        );
    }
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
        &given(first_session()),
        (RESCHEDULE, json!({})),
        Ok(Transition::UpdateSession(expected.clone())),
    );
    let again = json!({"new_session_date": "2026-10-03T17:00:00Z"});
    check_rejected(
        &given(expected),
        (RESCHEDULE, again),
        Rejection::NotReschedulable,
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
        &given(again),
        (RESCHEDULE, when),
        Ok(Transition::UpdateSession(expected)),
    );
}

#[test]
fn a_session_that_is_over_stays_as_it_is() {
    for over in ["session.attend", "session.skip"] {
        let over = given(after(first_session(), over, NOW));
        for event_type in COMMANDS {
            check_rejected(
                &over,
                (event_type, json!({})),
                Rejection::SessionNotScheduled,
            );
        }
    }
}

#[test]
fn a_moved_session_is_attended_or_skipped_like_any_other() {
    let moved = after(first_session(), RESCHEDULE, NOW);
    for (event_type, status) in [
        ("session.attend", SessionStatus::Attended),
        ("session.skip", SessionStatus::Skipped),
    ] {
        let expected = Session {
            status,
            status_changed_at: Some(at(NOW)),
            version: 3,
            ..moved.clone()
        };
        check(
            &given(moved.clone()),
            (event_type, json!({})),
            Ok(Transition::UpdateSession(expected)),
        );
    }
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
            check_rejected(
                &dated(session_date),
                (RESCHEDULE, json!({})),
                Rejection::TooLate,
            );
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
        ("2026-09-20T11:59:59Z", Rejection::NewDateInPast),
        ("2026-09-20T12:00:00Z", Rejection::NewDateInPast),
        ("2026-10-01T17:00:00Z", Rejection::NewDateUnchanged),
        ("2026-10-01T18:00:00+01:00", Rejection::NewDateUnchanged),
    ] {
        let when = (RESCHEDULE, json!({"new_session_date": new_date}));
        check_rejected(&given(first_session()), when, rejection);
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
            &given(first_session()),
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
        &given(fixed),
        (RESCHEDULE, json!({})),
        Rejection::NotReschedulable,
    );
}

#[test]
fn without_an_enrolment_there_are_no_sessions() {
    for event_type in COMMANDS {
        check_rejected(
            &State::default(),
            (event_type, json!({})),
            Rejection::EnrollmentNotFound,
        );
    }
}

#[test]
fn a_command_that_comes_before_its_session_is_tried_again() {
    let paid = State {
        enrollment: Some(enrollment()),
        ..State::default()
    };
    for event_type in COMMANDS {
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
        for event_type in COMMANDS {
            for session_id in ["0000", "0004", "0500", "00001", "first", "99999"] {
                check_rejected(
                    &paid,
                    (event_type, json!({"session_id": session_id})),
                    Rejection::SessionNotFound,
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
    for event_type in COMMANDS {
        check_rejected(&paid, (event_type, json!({})), Rejection::SessionNotFound);
    }
}
