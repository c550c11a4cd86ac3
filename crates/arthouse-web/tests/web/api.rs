use serde_json::{Value, json};

use crate::rig::{School, eventually};

#[tokio::test]
async fn a_system_upstream_reads_and_sends_all_it_needs() {
    let school = School::open().await;
    school.create("oils").await;
    school.create("pastels").await;
    school.enroll("ada", "oils").await;
    school.apply("ada", "pastels").await;
    let office = school.browser("admin:office");
    let json = async |path: &str| {
        let answer = office.get(path).await;
        answer.check(200, &[]);
        answer.json()
    };
    let courses = json("/api/courses").await;
    assert_eq!(courses["courses"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        json("/api/courses/oils").await["time_zone"],
        "Europe/London"
    );
    let taken = json("/api/students/ada/courses").await;
    assert_eq!(taken["courses"][0]["balance"], 9_000);
    assert_eq!(taken["courses"][0]["next_session"]["session_id"], "0001");
    assert_eq!(taken["courses"][1]["status"], "Applied");
    let progress = json("/api/students/ada/courses/oils").await;
    assert_eq!(progress["sessions"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        json("/api/applications").await["applications"][0]["course_id"],
        "pastels"
    );
    let roster = json("/api/courses/oils/sessions/1").await;
    assert_eq!(roster["sessions"][0]["user_id"], "ada");
    let day = &progress["sessions"][0]["local_start"]
        .as_str()
        .expect("a time")[..10];
    let of_day = json(&format!("/api/courses/oils/days/{day}")).await;
    assert_eq!(of_day["sessions"][0]["session_id"], "0001");

    let ada = school.browser("student:ada");
    let own = ada.get("/api/me/courses/oils").await;
    assert_eq!(own.json()["sessions"], progress["sessions"]);
    let skip = json!({"type": "session.skip", "idempotency_key": "once",
        "data": {"user_id": "ada", "course_id": "oils", "session_id": "0002"}});
    let first = ada.post_json("/api/commands", &skip).await;
    let again = ada.post_json("/api/commands", &skip).await;
    assert_eq!(first.json()["command_id"], again.json()["command_id"]);
    let settled = eventually(async || {
        let progress = ada.get("/api/me/courses/oils").await.json();
        (progress["balance"] == 6_000).then_some(progress)
    });
    assert_eq!(settled.await["statement"].as_array().map(Vec::len), Some(1));
    let id = first.json()["command_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let outcome = json(&format!(
        "/api/outcomes?source=urn:digitalarthouse:web&id={id}"
    ))
    .await;
    assert_eq!(outcome["state"], "applied");
}

#[tokio::test]
async fn lists_come_in_pages_whose_tokens_are_good_for_their_own_list_only() {
    let school = School::open().await;
    school.create("oils").await;
    for user_id in ["ada", "bea", "cleo"] {
        school.apply(user_id, "oils").await;
    }
    let office = school.browser("admin:office");
    let (mut found, mut page) = (Vec::new(), String::new());
    loop {
        let answer = office
            .get(&format!("/api/applications?limit=2{page}"))
            .await
            .json();
        let users = answer["applications"].as_array().expect("a list");
        found.extend(
            users
                .iter()
                .map(|of| of["user_id"].as_str().expect("an id").to_owned()),
        );
        match answer["next_page"].as_str() {
            Some(next) => page = format!("&page={next}"),
            None => break,
        }
    }
    assert_eq!(found, ["ada", "bea", "cleo"]);
    let first = office.get("/api/applications?limit=2").await.json();
    let token = first["next_page"]
        .as_str()
        .expect("there is more")
        .to_owned();
    for path in [
        format!("/api/courses?page={token}"),
        format!("/api/applications?page={token}x"),
        "/api/applications?page=AAAA.AAAA".to_owned(),
        "/api/applications?limit=0".to_owned(),
        "/api/applications?limit=101".to_owned(),
        "/api/applications?limit=x".to_owned(),
    ] {
        let answer = office.get(&path).await;
        answer.check(400, &["BAD_REQUEST"]);
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_known_is_not_sent_again() {
    let school = School::open().await;
    school.create("oils").await;
    let office = school.browser("admin:office");
    let tag = office.get("/api/courses/oils").await.header("etag");
    let again = office
        .get_with("/api/courses/oils", ("if-none-match", &tag))
        .await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(again.header("etag"), tag);
    school
        .carry_out("course.update", json!({"course_id": "oils", "open": false}))
        .await;
    let changed = office
        .get_with("/api/courses/oils", ("if-none-match", &tag))
        .await;
    changed.check(200, &["\"open\":false"]);
}

#[tokio::test]
async fn what_is_wrong_is_a_problem_with_a_code() {
    let school = School::open().await;
    let office = school.browser("admin:office");
    let post = async |body: Value| office.post_json("/api/commands", &body).await;
    for (answer, status, code) in [
        (office.get("/api/courses/none").await, 404, "NOT_FOUND"),
        (office.get("/api/courses/a%23b").await, 400, "BAD_REQUEST"),
        (office.get("/api/nothing").await, 404, "NOT_FOUND"),
        (office.get("/api/commands/none").await, 404, "NOT_FOUND"),
        (office.get("/api/outcomes?id=x").await, 400, "BAD_REQUEST"),
        (
            office.post("/api/courses", &[]).await,
            405,
            "METHOD_NOT_ALLOWED",
        ),
        (
            post(json!({"type": "session.erase", "data": {}})).await,
            422,
            "UNKNOWN_TYPE",
        ),
        (
            post(json!({"type": "session.skip", "data": {}})).await,
            422,
            "INVALID_DATA",
        ),
        (
            post(json!({"type": "session.skip"})).await,
            400,
            "BAD_REQUEST",
        ),
        (post(json!([])).await, 400, "BAD_REQUEST"),
    ] {
        let found = answer.json();
        assert_eq!(
            (answer.status, found["code"].as_str()),
            (status, Some(code)),
            "{found}"
        );
        assert_eq!(found["status"], status, "{found}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
}

#[tokio::test]
async fn every_described_operation_is_routed() {
    let school = School::open().await;
    let office = school.browser("admin:office");
    let document = office.get("/api/openapi.json").await.json();
    assert_eq!(document, arthouse_web::openapi());
    for path in document["paths"].as_object().expect("paths").keys() {
        let path = path
            .replace("{course_id}", "none")
            .replace("{session_id}", "1");
        let path = path
            .replace("{date}", "2026-10-01")
            .replace("{user_id}", "none");
        let answer = office.get(&path.replace("{command_id}", "none")).await;
        let unrouted = answer.text.contains("no such address");
        assert!(!unrouted, "{path}: {}", answer.text);
    }
}
