//! What each page costs, counted in requests to DynamoDB.

use std::collections::BTreeMap;

use serde_json::json;

use crate::rig::School;

fn requests(of: &[(&str, usize)]) -> BTreeMap<String, usize> {
    of.iter()
        .map(|(operation, count)| ((*operation).to_owned(), *count))
        .collect()
}

type Requests = &'static [(&'static str, usize)];

const NOTHING: Requests = &[];
const GET: Requests = &[("GetItem", 1)];
const QUERY: Requests = &[("Query", 1)];
const SCAN: Requests = &[("Scan", 1)];
const GET_AND_QUERY: Requests = &[("GetItem", 1), ("Query", 1)];
const QUERY_AND_BATCH: Requests = &[("Query", 1), ("BatchGetItem", 1)];
const FORM: Requests = &[("GetItem", 1), ("Query", 1), ("BatchGetItem", 1)];

/// Who asks for what, and what it costs.
const PAGES: [(&str, &str, Requests); 18] = [
    // The list of a student's courses is one Query, and their next sessions are one batch.
    ("student:ada", "/my", QUERY_AND_BATCH),
    ("student:ada", "/api/me/courses", QUERY_AND_BATCH),
    // Who has only applied, or nothing, has no sessions to read.
    ("student:cleo", "/my", QUERY),
    ("student:dana", "/api/me/courses", QUERY),
    ("student:ada", "/my/courses/oils", QUERY_AND_BATCH),
    ("student:ada", "/courses", SCAN),
    ("student:cleo", "/courses/oils", GET_AND_QUERY),
    ("instructor:tom", "/courses/oils", GET),
    ("instructor:tom", "/teaching", SCAN),
    ("instructor:tom", "/teaching/oils", GET_AND_QUERY),
    ("instructor:tom", "/api/courses/oils/sessions/1", QUERY),
    ("admin:office", "/office", QUERY),
    ("admin:office", "/office/students", NOTHING),
    ("admin:office", "/office/students/ada", QUERY_AND_BATCH),
    (
        "admin:office",
        "/office/students/ada/courses/oils",
        QUERY_AND_BATCH,
    ),
    ("admin:office", "/do/course.create", NOTHING),
    (
        "student:ada",
        "/do/session.skip?course_id=oils&session_id=0001",
        FORM,
    ),
    ("student:ada", "/static/style.css", NOTHING),
];

#[tokio::test]
async fn a_page_costs_what_it_shows() {
    let school = School::open().await;
    school.create("oils").await;
    school.create("pastels").await;
    for (user_id, course_id) in [("ada", "oils"), ("ada", "pastels"), ("bea", "oils")] {
        school.enroll(user_id, course_id).await;
    }
    school.apply("cleo", "oils").await;
    for (role, path, expected) in PAGES {
        let browser = school.browser(role);
        school.counter.take();
        browser.get(path).await.check(200, &[]);
        assert_eq!(school.counter.take(), requests(expected), "{role} {path}");
    }
    let ada = school.browser("student:ada");
    let feed = ada.get("/api/me/calendar").await.json();
    let feed = feed["path"].as_str().expect("a path");
    school.counter.take();
    ada.get(feed).await.check(200, &[]);
    let expected = [("Query", 1), ("BatchGetItem", 2)];
    assert_eq!(school.counter.take(), requests(&expected));
}

#[tokio::test]
async fn a_command_costs_nothing_here_and_its_outcome_one_read() {
    let school = School::open().await;
    let office = school.browser("admin:office");
    school.counter.take();
    let data = json!({"user_id": "ada", "course_id": "oils", "session_id": "1"});
    let sent = office
        .post_json(
            "/api/commands",
            &json!({"type": "session.skip", "data": data}),
        )
        .await;
    assert_eq!(school.counter.take(), requests(NOTHING));
    office.get(&sent.header("location")).await.check(200, &[]);
    assert_eq!(school.counter.take(), requests(GET));
}
