//! Items under `COURSE#c#STATUS#PAID`, as some text for this schema writes the key.

use arthouse_core::{Charge, ChargeId, ChargeKind, SessionId, Transition};
use arthouse_store::{Commit, Key, Table, WriteResult};

use crate::commands::{apply, attend, confirm, id, now};
use crate::school::{Item, School, application_key, enrollment_key, s};

fn long(key: &Key) -> Item {
    let sort_key = key.sk().expect("it has one");
    let mut attributes = key.attributes();
    attributes.insert(
        "SK".to_owned(),
        s(&sort_key.replace("#oils#", "#oils#STATUS#")),
    );
    attributes
}

/// Puts an item under its key's long form.
async fn lengthen(school: &School, key: &Key) {
    school.rewrite(key, |item| item.extend(long(key))).await;
}

#[tokio::test]
async fn an_application_is_found_and_paid() {
    let school = School::with_course(3).await;
    let key = application_key("ada");
    let applied = school.carry_out(&apply("apply", "ada")).await;
    lengthen(&school, &key).await;
    let state = school.state(&apply("again", "ada")).await;
    assert_eq!(
        Some(applied.transition),
        state.application.map(Transition::Apply)
    );
    assert_eq!(
        school.rejection(&apply("again", "ada")).await,
        "ALREADY_APPLIED"
    );

    school.carry_out(&confirm("confirm", "ada", "pay-1")).await;
    assert_eq!(school.item(Table::UsersCourses, long(&key)).await, None);
    let records = school
        .store
        .student(&id("ada"), &id("oils"))
        .await
        .expect("they read");
    assert!(records.application.is_none() && records.enrollment.is_some());
    let short = enrollment_key("ada").attributes();
    assert!(
        school.item(Table::UsersCourses, short).await.is_some(),
        "we write the short form"
    );
}

#[tokio::test]
async fn an_application_that_moved_on_is_not_paid() {
    let school = School::with_course(3).await;
    school.carry_out(&apply("apply", "ada")).await;
    lengthen(&school, &application_key("ada")).await;
    let late = school.decide(&confirm("late", "ada", "pay-2")).await;
    school.carry_out(&confirm("confirm", "ada", "pay-1")).await;
    assert_eq!(school.commit(&late).await, Commit::Moved);
}

#[tokio::test]
async fn an_enrolment_is_found_initialised_and_charged() {
    let school = School::with_course(3).await;
    let enrollment = school.pay("ada").await;
    let key = enrollment_key("ada");
    lengthen(&school, &key).await;
    assert_eq!(
        school.rejection(&apply("again", "ada")).await,
        "ALREADY_ENROLLED"
    );
    assert_eq!(
        school.rejection(&confirm("again", "ada", "pay-2")).await,
        "ALREADY_PAID"
    );
    let state = school.state(&attend("attend", "ada", "0001")).await;
    assert_eq!(
        (state.enrollment, state.session),
        (Some(enrollment.clone()), None)
    );

    school
        .store
        .initialise_sessions(&enrollment, now())
        .await
        .expect("they are put");
    school
        .store
        .initialise_sessions(&enrollment, now())
        .await
        .expect("they are there");
    let session = school.state(&attend("attend", "ada", "0001")).await.session;
    assert!(session.is_some(), "the sessions are there");

    let charge = Charge {
        amount: 3_334.try_into().expect("in range"),
        kind: ChargeKind::Attended,
        at: now(),
    };
    let charge_id = ChargeId::of_session(SessionId::from_ordinal(1));
    for expected in [WriteResult::Made, WriteResult::MadeBefore] {
        let made = school
            .store
            .charge(&id("ada"), &id("oils"), &charge_id, &charge)
            .await;
        assert_eq!(made.expect("an answer"), expected);
    }
    let charged = school.enrollment("ada").await;
    assert_eq!(
        (i64::from(charged.balance), charged.sessions_remaining),
        (6_666, 2)
    );
    assert_eq!(charged.sessions_initialized_at, Some(now()));
    assert_eq!(charged.version, 3);
    let short = key.attributes();
    assert_eq!(
        school.item(Table::UsersCourses, short).await,
        None,
        "no second one is made"
    );
}
