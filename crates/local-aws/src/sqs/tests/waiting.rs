use super::*;

const PATIENT: u64 = 20;

/// Waits for messages in the background, and says when they came.
fn poll(sqs: &Running, url: &str) -> tokio::task::JoinHandle<(Vec<String>, Instant)> {
    let service = sqs.service.clone();
    let body = json!({ "QueueUrl": url, "WaitTimeSeconds": PATIENT }).to_string();
    tokio::spawn(async move {
        let response = service
            .handle("ReceiveMessage", body.as_bytes(), &at(BASE_URL), None)
            .await;
        let answer: Value = serde_json::from_slice(&response.body).expect("the answer is JSON");
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        (
            bodies(&messages).into_iter().map(str::to_owned).collect(),
            Instant::now(),
        )
    })
}

/// Lets the calls made so far reach the queues: the thread answers in order.
async fn settle(sqs: &Running) {
    for _ in 0..3 {
        tokio::task::yield_now().await;
        sqs.call("ListQueues", json!({})).await;
    }
}

#[tokio::test]
async fn a_call_that_waits_gets_what_is_sent_at_once() {
    let sqs = Running::start();
    let url = sqs.create("q", json!({})).await;
    let poll = poll(&sqs, &url);
    settle(&sqs).await;
    let sent = Instant::now();
    sqs.send(&url, "news").await;
    let (messages, came) = poll.await.expect("the call ends");
    assert_eq!(messages, ["news"]);
    assert!(came - sent < Duration::from_secs(1), "{:?}", came - sent);
}

#[tokio::test]
async fn a_call_that_waits_gets_what_a_visibility_or_a_delay_gives_free() {
    let sqs = Running::start();
    for (name, attributes, taken) in [
        ("visible", json!({ "VisibilityTimeout": "1" }), true),
        ("delayed", json!({ "DelaySeconds": "1" }), false),
    ] {
        let url = sqs.create(name, attributes).await;
        let start = Instant::now();
        sqs.send(&url, "later").await;
        if taken {
            assert_eq!(sqs.receive(&url, json!({})).await.len(), 1);
        }
        let (messages, came) = poll(&sqs, &url).await.expect("the call ends");
        assert_eq!(messages, ["later"], "{name}");
        let after = came - start;
        assert!(
            (Duration::from_millis(990)..Duration::from_secs(3)).contains(&after),
            "{name}: {after:?}"
        );
    }
}

#[tokio::test]
async fn who_waits_longest_is_served_first_and_each_message_goes_to_one() {
    let sqs = Running::start();
    let url = sqs.create("q", json!({})).await;
    let mut polls = Vec::new();
    for _ in 0..3 {
        polls.push(poll(&sqs, &url));
        settle(&sqs).await;
    }
    for body in ["1", "2", "3"] {
        sqs.send(&url, body).await;
    }
    for (poll, expected) in polls.into_iter().zip(["1", "2", "3"]) {
        assert_eq!(poll.await.expect("the call ends").0, [expected]);
    }
}

#[tokio::test]
async fn a_call_that_was_given_up_takes_no_message() {
    let sqs = Running::start();
    let url = sqs.create("q", json!({})).await;
    let gone = poll(&sqs, &url);
    settle(&sqs).await;
    gone.abort();
    assert!(gone.await.is_err_and(|error| error.is_cancelled()));
    sqs.send(&url, "kept").await;
    assert_eq!(bodies(&sqs.receive(&url, json!({})).await), ["kept"]);
}

#[tokio::test]
async fn a_deleted_queue_sends_home_who_waits_there() {
    let sqs = Running::start();
    let url = sqs.create("q", json!({})).await;
    let service = sqs.service.clone();
    let body = json!({ "QueueUrl": url, "WaitTimeSeconds": PATIENT }).to_string();
    let poll = tokio::spawn(async move {
        service
            .handle("ReceiveMessage", body.as_bytes(), &at(BASE_URL), None)
            .await
            .status
    });
    settle(&sqs).await;
    sqs.call("DeleteQueue", json!({ "QueueUrl": url })).await;
    assert_eq!(poll.await.expect("the call ends"), 400);
}

#[tokio::test]
async fn a_wait_that_is_over_ends_with_nothing() {
    let sqs = Running::start();
    let url = sqs
        .create("q", json!({ "ReceiveMessageWaitTimeSeconds": "1" }))
        .await;
    let start = Instant::now();
    assert_eq!(sqs.receive(&url, json!({})).await.len(), 0);
    assert!(
        start.elapsed() >= Duration::from_millis(990),
        "the queue's own wait"
    );
    let start = Instant::now();
    assert_eq!(
        sqs.receive(&url, json!({ "WaitTimeSeconds": 0 }))
            .await
            .len(),
        0
    );
    assert!(
        start.elapsed() < Duration::from_millis(900),
        "the call's own wait"
    );
}

#[tokio::test]
async fn closing_sends_home_who_waits_and_refuses_who_comes_later() {
    let sqs = Running::start();
    let url = sqs.create("q", json!({})).await;
    let poll = poll(&sqs, &url);
    settle(&sqs).await;
    let start = Instant::now();
    sqs.service.close().await;
    assert_eq!(poll.await.expect("the call ends").0, [""; 0]);
    assert!(start.elapsed() < Duration::from_secs(PATIENT / 2));
    let refused = sqs
        .service
        .handle("ListQueues", b"{}", &at(BASE_URL), None)
        .await;
    assert_eq!(refused.status, 503);
    sqs.service.close().await;
}

#[tokio::test]
async fn a_message_that_dies_reaches_who_waits_at_the_dead_letter_queue() {
    let sqs = Running::start();
    let dead = sqs.create("dlq", json!({})).await;
    let policy =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dlq","maxReceiveCount":1}"#;
    let url = sqs
        .create(
            "q",
            json!({ "RedrivePolicy": policy, "VisibilityTimeout": "0" }),
        )
        .await;
    let poll = poll(&sqs, &dead);
    settle(&sqs).await;
    sqs.send(&url, "poison").await;
    assert_eq!(sqs.receive(&url, json!({})).await.len(), 1);
    assert_eq!(sqs.receive(&url, json!({})).await.len(), 0);
    assert_eq!(poll.await.expect("the call ends").0, ["poison"]);
}

#[tokio::test]
async fn a_message_that_is_never_hidden_goes_to_each_who_waits_and_holds_up_nobody() {
    let sqs = Running::start();
    let url = sqs.create("q", json!({ "VisibilityTimeout": "0" })).await;
    let polls = [poll(&sqs, &url), poll(&sqs, &url)];
    settle(&sqs).await;
    sqs.send(&url, "again").await;
    for poll in polls {
        assert_eq!(poll.await.expect("the call ends").0, ["again"]);
    }
    settle(&sqs).await;
}
