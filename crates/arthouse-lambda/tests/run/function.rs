//! One execution environment: the binary, and the Runtime API that it asks for work.
//!
//! Source: "Using the Lambda runtime API for custom runtimes", AWS Lambda developer guide.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use arthouse_tests::World;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};
use tokio::task::JoinHandle;

/// A function with one execution environment.
pub(crate) struct Function {
    invocations: mpsc::UnboundedSender<Invocation>,
    timeout: Duration,
    log: Arc<Mutex<String>>,
    server: JoinHandle<()>,
    _process: Child,
}

/// Why an invocation failed, as the function reported it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failed {
    pub(crate) error_type: String,
    pub(crate) body: Value,
}

type Answer = Result<Value, Failed>;

struct Invocation {
    event: Value,
    answer: oneshot::Sender<Answer>,
}

struct Api {
    waiting: AsyncMutex<mpsc::UnboundedReceiver<Invocation>>,
    answers: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    timeout: Duration,
}

impl Function {
    /// Starts the binary on a world's stack, logging all that it can.
    pub(crate) async fn start(world: &World, timeout: Duration) -> Self {
        let (invocations, waiting) = mpsc::unbounded_channel();
        let api = Arc::new(Api {
            waiting: AsyncMutex::new(waiting),
            answers: Mutex::default(),
            timeout,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(respond),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(fail))
            .with_state(api);
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let mut process = Command::new(env!("CARGO_BIN_EXE_arthouse-lambda"))
            .env_clear()
            .envs(world.environment())
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "arthouse")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("ARTHOUSE_LOG", "trace")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut stderr, kept) = (process.stderr.take().unwrap(), Arc::clone(&log));
        tokio::spawn(async move {
            let mut buffer = [0; 8_192];
            while let Ok(read @ 1..) = stderr.read(&mut buffer).await {
                let text = String::from_utf8_lossy(&buffer[..read]);
                kept.lock().unwrap().push_str(&text);
            }
        });
        Self {
            invocations,
            timeout,
            log,
            server,
            _process: process,
        }
    }

    /// Invokes the function; a second call waits for the first, as there is one environment.
    pub(crate) async fn invoke(&self, event: Value) -> Answer {
        let (answer, answered) = oneshot::channel();
        assert!(self.invocations.send(Invocation { event, answer }).is_ok());
        match tokio::time::timeout(2 * self.timeout, answered).await {
            Ok(answer) => answer.unwrap(),
            Err(_) => panic!(
                "the function has not answered in time; its log:\n{}",
                self.log()
            ),
        }
    }

    /// What the function has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(api): State<Arc<Api>>) -> impl IntoResponse {
    let Some(invocation) = api.waiting.lock().await.recv().await else {
        return Err(StatusCode::INTERNAL_SERVER_ERROR); // the test is over
    };
    let mut answers = api.answers.lock().unwrap();
    let id = format!("8476a536-e9f4-11e8-9739-{:012}", answers.len());
    answers.insert(id.clone(), invocation.answer);
    let deadline = SystemTime::now() + api.timeout;
    let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let headers = [
        ("Lambda-Runtime-Aws-Request-Id", id),
        (
            "Lambda-Runtime-Deadline-Ms",
            deadline.as_millis().to_string(),
        ),
        (
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:eu-west-1:000000000000:function:arthouse".to_owned(),
        ),
        (
            "Lambda-Runtime-Trace-Id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_owned(),
        ),
        ("Content-Type", "application/json".to_owned()),
    ];
    Ok((headers, invocation.event.to_string()))
}

async fn respond(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    api.answered(&id, Ok(json(&body)))
}

async fn fail(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    assert!(headers.contains_key("lambda-runtime-function-error-type"));
    let body = json(&body);
    let error_type = body["errorType"].as_str().unwrap_or_default().to_owned();
    api.answered(&id, Err(Failed { error_type, body }))
}

impl Api {
    fn answered(&self, id: &str, answer: Answer) -> StatusCode {
        // A place stays taken, so that ids stay different.
        let (taken, _) = oneshot::channel();
        let known = self.answers.lock().unwrap().insert(id.to_owned(), taken);
        match known {
            Some(waiting) => {
                let _ = waiting.send(answer); // whoever invoked it may have given up
                StatusCode::ACCEPTED
            }
            None => StatusCode::BAD_REQUEST,
        }
    }
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}
