//! A queue that takes connections and never answers.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use sqs_consumer::{Consumer, Disposition, Settings, handler_fn};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::rig::{ms, secs};

/// Accepts connections, keeps them and never writes.
async fn listen() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.push(connection);
        }
    });
    url
}

fn client(endpoint_url: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint_url)
        .build();
    Client::from_conf(config)
}

#[tokio::test]
async fn a_shutdown_ends_within_its_timeout_although_the_queue_answers_nothing_at_all() {
    let endpoint = listen().await;
    let settings = Settings::default()
        .with_wait_time(secs(2))
        .with_request_timeout(secs(2))
        .with_visibility_timeout(secs(6))
        .with_shutdown_timeout(secs(4))
        .with_cancellation_notice(secs(1));
    let consumer = Consumer::builder(client(&endpoint), format!("{endpoint}/000000000000/silent"))
        .settings(settings)
        .build()
        .unwrap();
    let (mut monitor, shutdown) = (consumer.monitor(), CancellationToken::new());
    let handler = handler_fn(|_, _| async { Disposition::Done });
    let run = tokio::spawn(consumer.run(handler, shutdown.clone()));
    monitor
        .wait_for(|snapshot| snapshot.counters.receive_requests == 1)
        .await;
    tokio::time::sleep(ms(100)).await;
    shutdown.cancel();
    let began = std::time::Instant::now();
    let ended = tokio::time::timeout(secs(6), run).await;
    let snapshot = ended.expect("the run ends").unwrap().unwrap();
    assert!(began.elapsed() < ms(4_500), "{:?}", began.elapsed());
    assert_eq!(snapshot.answered_at, None);
}

#[tokio::test]
async fn a_receive_that_is_never_answered_is_tried_again_when_its_time_is_over() {
    let endpoint = listen().await;
    let settings = Settings::default()
        .with_wait_time(secs(1))
        .with_request_timeout(secs(1));
    let consumer = Consumer::builder(client(&endpoint), format!("{endpoint}/000000000000/silent"))
        .settings(settings)
        .build()
        .unwrap();
    let mut monitor = consumer.monitor();
    let handler = handler_fn(|_, _| async { Disposition::Done });
    let run = tokio::spawn(consumer.run(handler, CancellationToken::new()));
    let again = monitor.wait_for(|snapshot| snapshot.counters.receive_requests == 2);
    tokio::time::timeout(secs(10), again).await.unwrap();
    run.abort();
}
