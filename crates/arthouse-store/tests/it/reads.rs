use arthouse_core::Outcome;
use arthouse_store::Table;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::commands::{apply, attend, confirm, create, id, reschedule};
use crate::counter::requests;
use crate::school::{School, names, s, session_key};

/// More than a third and less than half of the 1 MB that the service puts on a page.
fn padding() -> AttributeValue {
    s(&"x".repeat(380_000))
}

/// Reads all pages of the pending applications and returns their students, page by page.
async fn pending(school: &School, limit: i32) -> Vec<Vec<String>> {
    let (mut pages, mut start) = (Vec::new(), None);
    loop {
        let page = school.store.pending(limit, start).await.expect("it reads");
        let users = page
            .items
            .iter()
            .map(|application| application.user_id.to_string());
        pages.push(users.collect());
        start = page.next;
        if start.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn applications_wait_oldest_first_page_by_page_until_they_are_paid() {
    let school = School::with_course(3).await;
    for (user_id, at) in [
        ("cleo", "2026-09-03T10:00:00Z"),
        ("ada", "2026-09-05T10:00:00Z"),
        ("eve", "2026-09-01T10:00:00Z"),
        ("bea", "2026-09-04T10:00:00Z"),
        ("dana", "2026-09-02T10:00:00Z"),
    ] {
        let applied = school.decide_at(&apply(user_id, user_id), id(at)).await;
        school.commit(&applied).await;
    }
    let pages = pending(&school, 2).await;
    assert_eq!(pages.concat(), ["eve", "dana", "cleo", "bea", "ada"]);
    assert!(
        pages.len() >= 3 && pages.iter().all(|page| page.len() <= 2),
        "{pages:?}"
    );
    school.carry_out(&confirm("pay", "cleo", "pay-1")).await;
    assert_eq!(
        pending(&school, 100).await.concat(),
        ["eve", "dana", "bea", "ada"]
    );
}

async fn roster(school: &School, course_id: &str, session_id: &str) -> Vec<(String, String)> {
    let (mut found, mut start) = (Vec::new(), None);
    loop {
        let page = school
            .store
            .roster(&id(course_id), &id(session_id), start)
            .await;
        let page = page.expect("it reads");
        found.extend(
            page.items
                .into_iter()
                .map(|session| (session.user_id.to_string(), session.session_id.to_string())),
        );
        start = page.next;
        if start.is_none() {
            return found;
        }
    }
}

#[tokio::test]
async fn a_roster_is_that_session_of_every_student_of_that_course_and_nobody_else() {
    let school = School::with_course(31).await;
    for user_id in ["u10", "u1", "u100"] {
        school.enroll(user_id).await;
    }
    let expected = ["u1", "u10", "u100"].map(|user_id| (user_id.to_owned(), "0003".to_owned()));
    assert_eq!(roster(&school, "oils", "0003").await, expected);
    assert_eq!(
        roster(&school, "oils", "3").await,
        expected,
        "a short ordinal is padded"
    );
    for (course_id, session_id) in [
        ("oils", "000"),
        ("oils", "0032"),
        ("oil", "0003"),
        ("oils2", "0003"),
    ] {
        assert_eq!(
            roster(&school, course_id, session_id).await,
            [],
            "{course_id} {session_id}"
        );
    }
}

#[tokio::test]
async fn a_long_roster_comes_in_pages() {
    let school = School::with_course(1).await;
    let users = ["ada", "bea", "cleo", "dana", "eve"];
    for user_id in users {
        school.enroll(user_id).await;
        school
            .rewrite(&session_key(user_id, "0001"), |item| {
                drop(item.insert("Padding".to_owned(), padding()))
            })
            .await;
    }
    school.counter.take();
    let expected = users.map(|user_id| (user_id.to_owned(), "0001".to_owned()));
    assert_eq!(roster(&school, "oils", "0001").await, expected);
    let queries = school.counter.take().requests["Query"];
    assert!(queries > 1, "{queries} pages");
}

#[tokio::test]
async fn a_student_s_records_are_the_student_s_own() {
    let school = School::with_course(3).await;
    school.carry_out(&create("create-2", "oils-2", 3)).await;
    school.enroll("u1").await;
    school.enroll("u10").await;
    school.carry_out(&attend("attend", "u10", "0001")).await;
    school.carry_out(&apply("apply-u2", "u2")).await;

    let read = async |user_id: &str, course_id: &str| {
        let records = school.store.student(&id(user_id), &id(course_id)).await;
        records.expect("they read")
    };
    let u1 = read("u1", "oils").await;
    assert!(u1.application.is_none());
    assert_eq!(u1.enrollment.expect("it is paid").user_id, id("u1"));
    assert_eq!(u1.sessions.len(), 3);
    assert!(
        u1.sessions
            .iter()
            .all(|session| session.user_id == id("u1") && session.version == 1)
    );
    let u2 = read("u2", "oils").await;
    assert!(u2.application.is_some() && u2.enrollment.is_none() && u2.sessions.is_empty());
    for (user_id, course_id) in [("u", "oils"), ("u1", "oils-2"), ("u1", "oil")] {
        assert_eq!(
            read(user_id, course_id).await,
            Default::default(),
            "{user_id} {course_id}"
        );
    }
}

#[tokio::test]
async fn many_sessions_are_read_a_hundred_at_a_time_in_their_order() {
    let school = School::with_ada(250).await;
    school.carry_out(&reschedule("move", "ada", "0001")).await;
    school.counter.take();
    let records = school
        .store
        .student(&id("ada"), &id("oils"))
        .await
        .expect("they read");
    assert_eq!(
        school.counter.take().requests,
        requests([("Query", 1), ("BatchGetItem", 3)])
    );
    let ordinals = records
        .sessions
        .iter()
        .filter_map(|session| session.session_id.ordinal());
    assert!(ordinals.eq(1..=250));
}

#[tokio::test]
async fn a_course_and_a_command_s_outcome_are_read_by_their_ids() {
    let school = School::with_course(3).await;
    let course = school
        .store
        .course(&id("oils"))
        .await
        .expect("it reads")
        .expect("it is there");
    assert_eq!(course.title.as_str(), "Oil painting");
    assert_eq!(
        school.store.course(&id("oil")).await.expect("it reads"),
        None
    );
    let receipt = school.receipt_of("create").await.expect("it is there");
    assert_eq!(
        (receipt.outcome, receipt.command_id),
        (Outcome::Applied, id("create"))
    );
    let of_another_source = school.store.receipt(&id("/other"), &id("create")).await;
    assert_eq!(of_another_source.expect("it reads"), None);
}

#[tokio::test]
async fn all_tables_are_reached_by_one_request_and_a_missing_one_is_told() {
    let school = School::open().await;
    school.counter.take();
    school.store.reach().await.expect("the tables are there");
    let sent = school.counter.take().requests;
    assert_eq!(sent, requests([("BatchGetItem", 1)]));
    let missing = school
        .client
        .delete_table()
        .table_name(names().name(Table::Commands));
    missing.send().await.expect("it is deleted");
    assert!(school.store.reach().await.is_err());
}
