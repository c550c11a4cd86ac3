use arthouse_core::{Enrollment, Session, initial_sessions};
use arthouse_store::{StoreError, Table, WriteResult};

use crate::commands::{attend, id, reschedule};
use crate::school::{School, enrollment_key, is_null, session_key};

const LATER: &str = "2026-09-21T08:00:00Z";

async fn sessions(school: &School) -> Vec<Session> {
    let records = school.store.student(&id("ada"), &id("oils")).await;
    records.expect("they read").sessions
}

#[tokio::test]
async fn an_enrolment_gets_the_sessions_of_its_timetable_and_a_note_of_it() {
    let school = School::with_course(3).await;
    let enrollment = school.pay("ada").await;
    school
        .store
        .initialise_sessions(&enrollment, id(LATER))
        .await
        .expect("they are put");
    let expected = initial_sessions(&enrollment).expect("dates enough");
    assert_eq!(sessions(&school).await, expected);
    let noted = Enrollment {
        sessions_initialized_at: Some(id(LATER)),
        version: 2,
        ..enrollment
    };
    assert_eq!(school.enrollment("ada").await, noted);
}

#[tokio::test]
async fn a_second_time_changes_nothing_not_even_sessions_that_have_moved_on() {
    let school = School::with_course(3).await;
    let enrollment = school.pay("ada").await;
    school
        .store
        .initialise_sessions(&enrollment, id(LATER))
        .await
        .expect("they are put");
    school.carry_out(&attend("attend", "ada", "0001")).await;
    school.carry_out(&reschedule("move", "ada", "0002")).await;
    let before = (sessions(&school).await, school.enrollment("ada").await);
    let again = school
        .store
        .initialise_sessions(&enrollment, id("2026-09-22T08:00:00Z"))
        .await;
    again.expect("nothing is to be done");
    assert_eq!(
        (sessions(&school).await, school.enrollment("ada").await),
        before
    );
}

#[tokio::test]
async fn what_was_left_half_done_is_finished() {
    let school = School::with_ada(20).await;
    school.carry_out(&attend("attend", "ada", "0001")).await;
    let whole = sessions(&school).await;
    // As if the writer had been stopped: the note and some sessions are missing.
    for ordinal in ["0002", "0011", "0020"] {
        school
            .delete(Table::Sessions, session_key("ada", ordinal).attributes())
            .await;
    }
    school
        .rewrite(&enrollment_key("ada"), |item| {
            drop(item.remove("SessionsInitializedAt"))
        })
        .await;
    assert_eq!(sessions(&school).await.len(), 17);
    let enrollment = school.enrollment("ada").await;
    school
        .store
        .initialise_sessions(&enrollment, id(LATER))
        .await
        .expect("they are put");
    assert_eq!(sessions(&school).await, whole);
    let noted = school.enrollment("ada").await.sessions_initialized_at;
    assert_eq!(noted, Some(id(LATER)));
}

/// The decoder reads NULL as absent, so the condition has to.
#[tokio::test]
async fn a_note_that_is_null_is_written() {
    let school = School::with_ada(3).await;
    school
        .rewrite(&enrollment_key("ada"), is_null("SessionsInitializedAt"))
        .await;
    let enrollment = school.enrollment("ada").await;
    assert_eq!(enrollment.sessions_initialized_at, None);
    for expected in [WriteResult::Made, WriteResult::MadeBefore] {
        let written = school
            .store
            .initialise_sessions(&enrollment, id(LATER))
            .await;
        assert_eq!(written.expect("an answer"), expected);
        let noted = school.enrollment("ada").await.sessions_initialized_at;
        assert_eq!(noted, Some(id(LATER)));
    }
}

#[tokio::test]
async fn two_who_do_it_at_the_same_time_do_it_once() {
    let school = School::with_course(30).await;
    let enrollment = school.pay("ada").await;
    let put = || school.store.initialise_sessions(&enrollment, id(LATER));
    let (a, b, c) = tokio::join!(put(), put(), put());
    for done in [a, b, c] {
        done.expect("they are put");
    }
    assert_eq!(sessions(&school).await.len(), 30);
    assert_eq!(school.enrollment("ada").await.version, 2);
}

#[tokio::test]
async fn without_the_enrolment_it_is_an_error() {
    let school = School::with_course(3).await;
    let enrollment = school.pay("ada").await;
    school
        .delete(Table::UsersCourses, enrollment_key("ada").attributes())
        .await;
    let failed = school
        .store
        .initialise_sessions(&enrollment, id(LATER))
        .await;
    assert!(
        matches!(failed, Err(StoreError::EnrollmentMissing(_))),
        "{failed:?}"
    );
    let key = enrollment_key("ada").attributes();
    assert_eq!(
        school.item(Table::UsersCourses, key).await,
        None,
        "none is made up"
    );
}

#[tokio::test]
async fn a_timetable_with_too_few_dates_is_an_error_and_puts_nothing() {
    let school = School::with_course(3).await;
    let enrollment = Enrollment {
        schedule: id("DTSTART:20261001T180000Z\nRRULE:FREQ=WEEKLY;COUNT=2"),
        ..school.pay("ada").await
    };
    let failed = school
        .store
        .initialise_sessions(&enrollment, id(LATER))
        .await;
    assert!(
        matches!(failed, Err(StoreError::ScheduleTooShort(_))),
        "{failed:?}"
    );
    assert_eq!(sessions(&school).await, []);
}
