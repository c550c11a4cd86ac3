//! Requests by chance, in their bytes and in their structure: none of them ends the process, hangs, or has an answer of 500 or more.
//!
//! The seeds are fixed, so a failure repeats. With `LOCAL_AWS_FUZZ_SECONDS` set, it goes on for so long with further seeds.

mod corpus;
mod mutation;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::local::Local;
use crate::raw::dynamodb;
use mutation::Chance;

/// The seeds of a run without a duration, and how many requests each makes.
const SEEDS: u64 = 12;
const REQUESTS: usize = 150;
/// How long an answer may take. A receive that waits does so for a second at most.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn no_request_ends_or_hangs_the_services_or_fails_in_them() {
    let seconds = std::env::var("LOCAL_AWS_FUZZ_SECONDS");
    let seconds = seconds.ok().map(|seconds| seconds.parse().unwrap());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut seed = 0;
    while until.map_or(seed < SEEDS, |until| Instant::now() < until) {
        // A stack of its own for some seeds each, so that no run fills the disk.
        let local = stack().await;
        for _ in 0..SEEDS {
            run(&local, seed).await;
            seed += 1;
        }
        local.aws.shutdown().await.unwrap();
        if until.is_some() {
            eprintln!("{seed} seeds, {} requests", seed as usize * REQUESTS);
        }
    }
}

/// A stack with what the requests of the corpus name.
async fn stack() -> Local {
    let local = Local::start().await;
    for (target, request) in corpus::made_before() {
        let (status, answer) = crate::raw::call(&local.aws, target, request).await;
        assert_eq!(status, 200, "{target}: {answer}");
    }
    dynamodb(
        &local.aws,
        "DescribeTable",
        json!({ "TableName": "Things" }),
    )
    .await;
    local
}

async fn run(local: &Local, seed: u64) {
    let mut chance = Chance::new(seed);
    let address = local.aws.endpoint_url().strip_prefix("http://").unwrap();
    let url = local.aws.endpoint_url();
    for number in 0..REQUESTS {
        let (target, request) = corpus::request(&mut chance, url);
        let (target, body) = mutation::of(&mut chance, target, request);
        let shown = String::from_utf8_lossy(&body[..body.len().min(2_000)]).into_owned();
        let what = format!("seed {seed}, request {number}, {target}: {shown}");
        let status = timeout(PATIENCE, answered(address, &target, &body));
        let status = status
            .await
            .unwrap_or_else(|_| panic!("no answer to {what}"));
        assert!((200..500).contains(&status), "{status} to {what}");
    }
    let alive = dynamodb(&local.aws, "ListTables", json!({})).await;
    assert!(alive["TableNames"].is_array());
}

/// Sends a request and returns the status of its answer.
async fn answered(address: &str, target: &str, body: &[u8]) -> u16 {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-amz-target: {target}\r\ncontent-length: {length}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    // An answer may come before all of the body is read.
    let _ = socket.write_all(body).await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| {
        panic!(
            "no answer to {target}: {:?}",
            String::from_utf8_lossy(&body[..body.len().min(2_000)])
        )
    })
}

#[test]
fn a_seed_makes_the_same_requests() {
    let made = |seed| {
        let mut chance = Chance::new(seed);
        let requests = (0..20).map(|_| {
            let (target, request) = corpus::request(&mut chance, "http://localhost");
            mutation::of(&mut chance, target, request)
        });
        requests.collect::<Vec<_>>()
    };
    assert_eq!(made(7), made(7));
    assert_ne!(made(7), made(8));
}

/// The parts of a value, the value itself first.
fn parts(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(parts).sum(),
        Value::Object(members) => members.values().map(parts).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
