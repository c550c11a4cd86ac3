//! Items without the attributes that came later are not only read but changed.

use arthouse_core::{Charge, ChargeId, ChargeKind, Course, SessionId};
use arthouse_store::{Commit, Table, WriteResult};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;

use crate::commands::{apply, attend, confirm, id, now, skip, update};
use crate::counter::requests;
use crate::school::{
    Item, School, application_key, course_key, enrollment_key, is_null, n, session_key,
};

#[tokio::test]
async fn records_without_a_version_are_at_their_first_one() {
    check_first_version(|item| drop(item.remove("Version"))).await;
}

#[tokio::test]
async fn records_with_a_version_that_is_null_are_at_their_first_one() {
    check_first_version(is_null("Version")).await;
}

/// Changes records of every kind, each without its version.
async fn check_first_version(unversioned: impl Fn(&mut Item)) {
    let school = School::with_course(3).await;
    school.rewrite(&course_key(), &unversioned).await;
    school
        .carry_out(&update("update", json!({"title": "Oils"})))
        .await;
    let course = school
        .item(Table::Courses, course_key().attributes())
        .await
        .expect("it is there");
    assert_eq!(course.get("Version"), Some(&n(2)));

    school.carry_out(&apply("apply", "ada")).await;
    school.rewrite(&application_key("ada"), &unversioned).await;
    school.carry_out(&confirm("confirm", "ada", "pay-1")).await;

    school.rewrite(&enrollment_key("ada"), &unversioned).await;
    let enrollment = school.enrollment("ada").await;
    school
        .store
        .initialise_sessions(&enrollment, now())
        .await
        .expect("they are put");
    assert_eq!(school.enrollment("ada").await.version, 2);

    school
        .rewrite(&session_key("ada", "0001"), &unversioned)
        .await;
    school.carry_out(&attend("attend", "ada", "0001")).await;
    let key = session_key("ada", "0001").attributes();
    let session = school
        .item(Table::Sessions, key)
        .await
        .expect("it is there");
    assert_eq!(session.get("Version"), Some(&n(2)));

    school.rewrite(&enrollment_key("ada"), &unversioned).await;
    let charge = Charge {
        amount: 3_334.try_into().expect("in range"),
        kind: ChargeKind::Attended,
        at: now(),
    };
    let charge_id = ChargeId::of_session(SessionId::from_ordinal(1));
    let made = school
        .store
        .charge(&id("ada"), &id("oils"), &charge_id, &charge)
        .await;
    assert_eq!(made.expect("an answer"), WriteResult::Made);
    assert_eq!(school.enrollment("ada").await.version, 2);
}

#[tokio::test]
async fn a_record_without_a_version_that_moved_on_or_is_gone_has_moved() {
    let school = School::with_ada(3).await;
    let key = session_key("ada", "0001");
    school
        .rewrite(&key, |item| drop(item.remove("Version")))
        .await;
    let late = school.decide(&skip("late", "ada", "0001")).await;
    school.carry_out(&attend("early", "ada", "0001")).await;
    assert_eq!(school.commit(&late).await, Commit::Moved);
    school.delete(Table::Sessions, key.attributes()).await;
    assert_eq!(school.commit(&late).await, Commit::Moved);
    assert_eq!(
        school.item(Table::Sessions, key.attributes()).await,
        None,
        "none is made up"
    );
}

/// A way out of what was done to a course by hand.
#[tokio::test]
async fn a_course_that_can_not_be_read_is_mended_by_an_update_of_what_is_wrong() {
    let school = School::with_course(3).await;
    let key = course_key();
    let read = async || {
        let found = school.store.course(&id("oils")).await;
        found.expect("it reads").expect("it is there")
    };
    let before = read().await;
    for (name, changes) in [
        ("Title", json!({"title": before.title})),
        ("Description", json!({"description": before.description})),
        ("Cost", json!({"cost": before.cost})),
        ("Currency", json!({"currency": before.currency})),
        ("Duration", json!({"duration": before.duration})),
        ("PaymentMethod", json!({"payment_method": "card"})),
        ("PaymentLink", json!({"payment_link": before.payment_link})),
        ("Schedule", json!({"schedule": before.schedule})),
        ("SessionMinutes", json!({"session_minutes": 60})),
        ("Open", json!({"open": true})),
        ("Version", json!({})),
    ] {
        let broken = |item: &mut Item| drop(item.insert(name.to_owned(), list()));
        school.rewrite(&key, broken).await;
        let other = update(&format!("other-{name}"), json!({}));
        if name != "Version" {
            let failed = school.store.load_for(&other.action).await;
            let told = failed.expect_err(name).to_string();
            assert!(
                told.contains(name) && told.contains("`course.update`"),
                "{told}"
            );
        }
        school.counter.take();
        school.carry_out(&update(name, changes)).await;
        let expected = requests([("GetItem", 1), ("TransactWriteItems", 1)]);
        assert_eq!(school.counter.take().requests, expected);
        let after = read().await;
        let version = after.version;
        assert_eq!(
            after,
            Course {
                version,
                ..before.clone()
            },
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_mended_course_is_held_to_the_rules_and_to_what_was_read() {
    let school = School::with_course(3).await;
    let broken = |item: &mut Item| {
        item.insert("Duration".to_owned(), list());
        item.insert("Version".to_owned(), list());
    };
    school.rewrite(&course_key(), broken).await;
    for (changes, code) in [
        (json!({"duration": 0}), "INVALID_DURATION"),
        (json!({"duration": 3, "cost": -1}), "INVALID_COST"),
        (json!({"duration": 3, "schedule": ""}), "INVALID_SCHEDULE"),
    ] {
        assert_eq!(school.rejection(&update(code, changes)).await, code);
    }
    let late = school.decide(&update("late", json!({"duration": 3}))).await;
    school
        .carry_out(&update("early", json!({"duration": 2})))
        .await;
    assert_eq!(school.commit(&late).await, Commit::Moved);
}

fn list() -> AttributeValue {
    AttributeValue::L(vec![n(1)])
}
