//! Someone of the office, a teacher and a student look at every page.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use arthouse_tests::student;
use arthouse_web::{Identity, Limiter, Secret, Settings, Web, serve};
use arthouse_worker::Clock;
use axum::body::Bytes;
use axum::http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::containers::enrol;
use super::part::Part;
use super::school::{Running, School};

#[tokio::test(flavor = "multi_thread")]
async fn the_web_server_may_do_what_its_pages_need_and_nothing_else() {
    let school = School::new().await;
    let producer = Part::of_policies(&school.aws, "a producer", &["ProducerPolicy"]).await;
    let mut running = Running::none();
    running.worker(&school.owner);
    running.streams(&school.owner);
    enrol(&school, &producer).await;
    // Pages show sessions once they are there.
    let ada = student("ada", "oils");
    school.apply(&producer, &ada.attends(1)).await;
    let moves = ada.reschedules(3, "2099-01-05T19:00:00Z");
    school.apply(&producer, &moves).await;
    let part = Box::pin(browse(&school)).await;
    running.stop().await;
    let streams = school.streams().await;
    part.check(&streams);
    school.aws.stop().await;
}

/// Looks at every kind of page, fills in forms, and sends a command.
async fn browse(school: &School) -> Part {
    let part = Part::of_role(&school.aws, "web", "WebRole").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let settings = Settings {
        identity: Identity::Chosen,
        hosts: Vec::new(),
        secret: Secret::random(),
        revoked_feeds: BTreeMap::new(),
        limiter: Limiter::new(NonZeroU32::MAX),
        clock: Clock::system(),
    };
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(
        Web::new(part.stack.clone(), settings),
        listener,
        stop.clone(),
    ));
    for (role, path) in [
        ("student:ada", "/my"),
        ("student:ada", "/my/courses/oils"),
        ("instructor:tom", "/teaching"),
        ("instructor:tom", "/teaching/oils"),
        ("admin:office", "/courses"),
        ("admin:office", "/courses/oils"),
        ("admin:office", "/office"),
        ("admin:office", "/operations"),
        (
            "admin:office",
            "/api/outcomes?source=urn:school:web&id=none",
        ),
    ] {
        let (status, text) = ask(&address, role, path, None).await;
        let is_answer = status.is_success() || status == StatusCode::NOT_FOUND;
        assert!(is_answer, "{path}: {status} {text}");
    }
    // The rules are foreseen on the same records as a command is decided on.
    for command in ["session.reschedule", "course.apply"] {
        let path = format!("/do/{command}?course_id=oils&session_id=0003");
        let (_, form) = ask(&address, "student:ada", &path, None).await;
        let csrf = form
            .rsplit("name=\"csrf\" value=\"")
            .next()
            .expect("a token");
        let csrf = csrf.split('"').next().expect("its end");
        let body = format!(
            "csrf={csrf}&course_id=oils&session_id=0003&new_session_date=2099-01-01T10%3A00\
             &contact_info.name=Ada&contact_info.email=ada%40example.com"
        );
        let form = Some(("application/x-www-form-urlencoded", body));
        let (status, text) = ask(&address, "student:ada", &format!("/do/{command}"), form).await;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{command}: {text}"
        );
    }
    let data = json!({"user_id": "ada", "course_id": "oils", "session_id": "0002"});
    let command = json!({"type": "session.attend", "data": data}).to_string();
    let command = Some(("application/json", command));
    let (status, _) = ask(&address, "admin:office", "/api/commands", command).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    stop.cancel();
    serving.await.expect("no panic").expect("it serves");
    part
}

async fn ask(
    address: &str,
    role: &str,
    path: &str,
    body: Option<(&str, String)>,
) -> (StatusCode, String) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut request = Request::builder().uri(format!("http://{address}{path}"));
    request = request.header("cookie", format!("arthouse_role={role}"));
    let body = match body {
        Some((kind, body)) => {
            request = request.method("POST").header("content-type", kind);
            body
        }
        None => String::new(),
    };
    let request = request
        .body(Full::new(Bytes::from(body)))
        .expect("a request");
    let response = client.request(request).await.expect("an answer");
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}
