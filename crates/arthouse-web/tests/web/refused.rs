//! What is refused, and to whom.

use std::num::NonZeroU32;

use arthouse_web::{Identity, Limiter};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::rig::{School, settings};
use crate::tokens::{Provider, claims, unsigned};

fn bearer(school: &School, token: &str) -> Browser {
    Browser::new(&school.address).with("authorization", &format!("Bearer {token}"))
}

async fn behind(provider: &Provider) -> School {
    let mut settings = settings(provider.identity());
    settings.hosts = vec!["127.0.0.1".to_owned()];
    School::with(settings).await
}

#[tokio::test]
async fn a_token_that_is_forged_expired_or_for_another_is_refused() {
    let provider = Provider::new();
    let school = behind(&provider).await;
    let good = claims("student", "ada");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        provider.sign(&claims)
    };
    let now = chrono::Utc::now().timestamp();
    let mut stolen = provider.token("student", "ada");
    let (head, signature) = stolen.rsplit_once('.').expect("a signature");
    let claims_of_bea = unsigned(
        &json!({"alg": "ES256", "kid": "one"}),
        &claims("admin", "bea"),
    );
    let forged = format!("{claims_of_bea}.{signature}");
    let cut = head.to_owned();
    stolen.truncate(stolen.len() - 2);
    let none = unsigned(&json!({"alg": "none"}), &good);
    let none_with_key = unsigned(&json!({"alg": "none", "kid": "one"}), &good);
    let symmetric = provider.sign_with(&json!({"alg": "HS256", "kid": "one"}), &good);
    let of_other = Provider::new().token("admin", "mallory");
    for (what, token) in [
        ("signed with another key", of_other),
        ("other claims", forged),
        ("a cut signature", stolen),
        ("no signature", cut),
        ("alg none", format!("{none}.")),
        ("alg none with a key's id", format!("{none_with_key}.")),
        ("a shared secret", symmetric),
        ("expired", with("exp", json!(now - 60))),
        ("never expires", with("exp", Value::Null)),
        ("not yet", with("nbf", json!(now + 600))),
        (
            "another issuer",
            with("iss", json!("https://evil.example.com")),
        ),
        ("another audience", with("aud", json!("shop"))),
        ("no audience", with("aud", Value::Null)),
        ("no role", with("roles", json!([]))),
        (
            "another key's id",
            provider.sign_with(&json!({"alg": "ES256", "kid": "two"}), &good),
        ),
        ("nothing", String::new()),
        ("no token", "ada".to_owned()),
    ] {
        let answer = bearer(&school, &token).get("/api/me/courses").await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (401, &json!("UNAUTHENTICATED")),
            "{what}"
        );
    }
    let of_ada = bearer(&school, &provider.token("student", "ada"));
    of_ada.get("/api/me/courses").await.check(200, &[]);
    // With a provider, the cookie of a chosen role means nothing.
    let chosen = Browser::new(&school.address).with_role("admin:office");
    chosen.get("/api/applications").await.check(401, &[]);
    chosen.get("/office").await.check(401, &["no valid token"]);
}

#[tokio::test]
async fn another_student_s_records_can_not_be_asked_for() {
    let provider = Provider::new();
    let school = School::open().await;
    school.create("oils").await;
    school.apply("bea", "oils").await;
    let mut behind = settings(provider.identity());
    behind.hosts = vec!["127.0.0.1".to_owned()];
    let address = school.also_with(behind).await;
    let ada =
        |token: String| Browser::new(&address).with("authorization", &format!("Bearer {token}"));
    let ada = ada(provider.token("student", "ada"));
    for path in [
        "/api/students/bea/courses",
        "/api/students/bea/courses/oils",
        "/api/students/ada/courses",
        "/api/applications",
        "/api/courses/oils/sessions/1",
        "/api/courses/oils/days/2026-10-01",
        "/api/outcomes?source=x&id=y",
        "/office",
        "/office/students/bea",
        "/office/students/bea/courses/oils",
        "/teaching",
        "/teaching/oils",
        "/operations",
        "/do/payment.confirm?course_id=oils&user_id=ada",
        "/do/course.create",
    ] {
        assert_eq!(ada.get(path).await.status, 403, "{path}");
    }
    // Hers are hers, whatever she adds.
    let mine = ada.get("/api/me/courses?user_id=bea&user=bea").await;
    assert_eq!(mine.json()["courses"], json!([]));
    ada.get("/api/me/courses/oils")
        .await
        .check(404, &["ada has not applied"]);
    ada.get("/my/courses/oils").await.check(404, &[]);
    // A command in her name is about her.
    let data = json!({"user_id": "bea", "course_id": "oils", "session_id": "0001"});
    let sent = ada
        .post_json(
            "/api/commands",
            &json!({"type": "session.skip", "data": data}),
        )
        .await;
    sent.check(202, &[]);
    let id = sent.json()["command_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let bea = Browser::new(&address);
    let bea = bea.with(
        "authorization",
        &format!("Bearer {}", provider.token("student", "bea")),
    );
    bea.get(&format!("/api/commands/{id}"))
        .await
        .check(404, &[]);
    bea.get(&format!("/commands?id={id}")).await.check(404, &[]);
    let state = crate::rig::eventually(async || {
        let state = ada.get(&format!("/api/commands/{id}")).await.json();
        (state["state"] != "waiting").then_some(state)
    });
    assert_eq!(state.await["code"], "ENROLLMENT_NOT_FOUND");
    // And one that is for others, she may not send.
    let confirm =
        json!({"type": "payment.confirm", "data": {"user_id": "ada", "course_id": "oils"}});
    ada.post_json("/api/commands", &confirm)
        .await
        .check(403, &[]);
}

#[tokio::test]
async fn contact_details_are_on_the_office_s_pages_and_nowhere_else() {
    let school = School::open().await;
    school.create("oils").await;
    school.apply("bea", "oils").await;
    let office = school.browser("admin:office");
    office
        .get("/office")
        .await
        .check(200, &["Name of bea", "bea@private.example"]);
    for path in [
        "/api/applications",
        "/api/students/bea/courses/oils",
        "/operations",
        "/courses/oils",
    ] {
        let answer = office.get(path).await;
        answer.check(200, &[]);
        assert!(!answer.text.contains("private.example"), "{path}");
    }
    let teacher = school.browser("instructor:tom").get("/teaching/oils").await;
    assert!(!teacher.text.contains("private.example"));
}

#[tokio::test]
async fn a_form_without_its_token_or_of_another_viewer_is_refused() {
    let school = School::open().await;
    school.create("oils").await;
    let ada = school.browser("student:ada");
    let form = ada.get("/do/course.apply?course_id=oils").await;
    let values = form.hidden();
    let contact = [
        ("contact_info.name", "Ada"),
        ("contact_info.email", "ada@example.com"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let with = |csrf: Option<&str>| {
        let mut sent: Vec<_> = values
            .iter()
            .filter(|(name, _)| name != "csrf")
            .cloned()
            .collect();
        sent.extend(contact.clone());
        sent.extend(csrf.map(|csrf| ("csrf".to_owned(), csrf.to_owned())));
        sent
    };
    let of_bea = school
        .browser("student:bea")
        .get("/do/course.apply?course_id=oils")
        .await
        .hidden();
    let of_bea = of_bea
        .iter()
        .find(|(name, _)| name == "csrf")
        .expect("a token")
        .1
        .clone();
    for csrf in [
        None,
        Some(""),
        Some("1.AAAAAAAAAAAAAAAAAAAAAA"),
        Some(of_bea.as_str()),
    ] {
        let answer = ada.post("/do/course.apply", &with(csrf)).await;
        answer.check(403, &["open the page again"]);
        ada.post("/teaching/oils", &with(csrf))
            .await
            .check(403, &[]);
        ada.post("/role", &with(csrf)).await.check(403, &[]);
    }
    let own = values
        .iter()
        .find(|(name, _)| name == "csrf")
        .expect("a token");
    let sent = ada.post("/do/course.apply", &with(Some(&own.1))).await;
    assert_eq!(sent.status, 303);
}

#[tokio::test]
async fn a_foreign_host_and_a_foreign_origin_are_refused() {
    let school = School::open().await;
    let office = || school.browser("admin:office");
    for host in [
        "evil.example.com",
        "127.0.0.1.evil.example.com",
        "school.example.com:80",
    ] {
        let answer = office().with("host", host).get("/api/courses").await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (421, &json!("FOREIGN_HOST")),
            "{host}"
        );
    }
    office()
        .with("host", "localhost:1")
        .get("/api/courses")
        .await
        .check(200, &[]);
    let command = json!({"type": "session.skip", "data": {"user_id": "a", "course_id": "b", "session_id": "1"}});
    for (name, value) in [
        ("origin", "https://evil.example.com"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let answer = office()
            .with(name, value)
            .post_json("/api/commands", &command)
            .await;
        answer.check(403, &["FOREIGN_ORIGIN"]);
    }
    let own = format!("http://{}", school.address);
    office()
        .with("origin", &own)
        .post_json("/api/commands", &command)
        .await
        .check(202, &[]);
    // A form of another site can't be JSON.
    let body = [("type".to_owned(), "session.skip".to_owned())];
    office().post("/api/commands", &body).await.check(400, &[]);
}

#[tokio::test]
async fn whoever_asks_too_often_waits_and_the_others_do_not() {
    let mut settings = settings(Identity::Chosen);
    settings.limiter = Limiter::new(NonZeroU32::new(5).expect("not zero"));
    let school = School::with(settings).await;
    let ada = school.browser("student:ada");
    for _ in 0..5 {
        ada.get("/api/courses").await.check(200, &[]);
    }
    ada.get("/api/courses")
        .await
        .check(429, &["TOO_MANY_REQUESTS"]);
    ada.get("/courses").await.check(429, &["too many requests"]);
    school
        .browser("student:bea")
        .get("/api/courses")
        .await
        .check(200, &[]);
}

#[tokio::test]
async fn every_answer_says_what_a_page_may_do() {
    let school = School::open().await;
    for path in [
        "/office",
        "/api/courses",
        "/static/page.js",
        "/nothing",
        "/healthz",
    ] {
        let answer = school.browser("admin:office").get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(
            !answer.text.contains("<script>") && !answer.text.contains(" style="),
            "{path}"
        );
    }
    let ada = school.browser("student:ada");
    let page = ada.get("/my").await;
    let csrf = page
        .text
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .expect("a token");
    let csrf = csrf.split('"').next().expect("its end").to_owned();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let chosen = [
        pair("csrf", &csrf),
        pair("role", "instructor"),
        pair("id", "tom"),
    ];
    let answer = ada.post("/role", &chosen).await;
    assert_eq!(
        (answer.status, answer.header("location").as_str()),
        (303, "/teaching")
    );
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
}
