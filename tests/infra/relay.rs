//! Stands between clients and the embedded stack, notes every call, and has the one operation that the stack has not.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One call of an API: the service and operation as in `X-Amz-Target`, and what it asks.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) body: Value,
}

/// A relay on a port of its own; it ends with the test.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) endpoint: String,
    link: Link,
    server: JoinHandle<()>,
}

#[derive(Debug, Clone)]
struct Link {
    to: String,
    http: Client<HttpConnector, Full<Bytes>>,
    calls: Arc<Mutex<Vec<Call>>>,
    /// The tables with point-in-time recovery, which the embedded stack does not have: kept here as DynamoDB would.
    recoverable: Arc<Mutex<BTreeSet<String>>>,
    /// The tables whose backups are available: as on AWS, not at once after they were made.
    available: Arc<Mutex<BTreeSet<String>>>,
}

impl Relay {
    pub(crate) async fn to(endpoint: &str) -> Self {
        let link = Link {
            to: endpoint.to_owned(),
            http: Client::builder(TokioExecutor::new()).build_http(),
            calls: Arc::default(),
            recoverable: Arc::default(),
            available: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(relay).with_state(link.clone());
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self {
            endpoint: format!("http://{address}"),
            link,
            server,
        }
    }

    /// Takes the calls that were noted since the last time.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut locked(&self.link.calls))
    }

    /// Calls an operation and reads its answer, which must be a success.
    pub(crate) async fn ask(&self, target: &str, body: &Value) -> Value {
        let request = Request::post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .body(Full::new(Bytes::from(body.to_string())));
        let request = request.expect("a request");
        let answer = self.link.http.request(request).await.expect("an answer");
        let (head, body) = answer.into_parts();
        let body = body.collect().await.expect("a whole answer").to_bytes();
        assert_eq!(head.status, StatusCode::OK, "{target}: {body:?}");
        serde_json::from_slice(&body).expect("JSON")
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn relay(State(link): State<Link>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let target = headers.get("x-amz-target").expect("a target");
    let target = target.to_str().expect("text").to_owned();
    let (service, operation) = target.split_once('.').expect("a service");
    let asked: Value = serde_json::from_slice(&body).expect("JSON");
    locked(&link.calls).push(Call {
        service: service.to_owned(),
        operation: operation.to_owned(),
        body: asked.clone(),
    });
    if operation.ends_with("ContinuousBackups") {
        return link.backups(operation, &asked);
    }
    let mut request = Request::post(&link.to);
    for (name, value) in headers.iter().filter(|(name, _)| *name != "host") {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(body)).expect("a request");
    let answer = link.http.request(request).await.expect("an answer");
    answer.map(Body::new)
}

impl Link {
    fn backups(&self, operation: &str, asked: &Value) -> Response<Body> {
        let table = asked["TableName"].as_str().expect("a table").to_owned();
        if operation == "UpdateContinuousBackups" && locked(&self.available).insert(table.clone()) {
            let body = json!({"__type": "com.amazonaws.dynamodb.v20120810#ContinuousBackupsUnavailableException"});
            let mut refusal = Response::new(Body::from(body.to_string()));
            *refusal.status_mut() = StatusCode::BAD_REQUEST;
            return refusal;
        }
        let mut recoverable = locked(&self.recoverable);
        let wanted = &asked["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
        match (operation, wanted) {
            ("UpdateContinuousBackups", Value::Bool(true)) => recoverable.insert(table.clone()),
            ("UpdateContinuousBackups", Value::Bool(false)) => recoverable.remove(&table),
            ("DescribeContinuousBackups", Value::Null) => false,
            _ => panic!("{operation}: {asked}"),
        };
        let enabled = recoverable.contains(&table);
        let status = if enabled { "ENABLED" } else { "DISABLED" };
        let body = json!({"ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
        }});
        Response::new(Body::from(body.to_string()))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
