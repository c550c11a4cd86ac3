//! A DynamoDB that takes connections and never answers.

use std::time::{Duration, Instant};

use dynamo_streams::{Disposition, Processor, handler_fn};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::local::clients;

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

#[tokio::test]
async fn a_shutdown_ends_in_time_although_dynamodb_answers_nothing_at_all() {
    let (dynamo, streams) = clients(&listen().await);
    let processor = Processor::builder(streams, dynamo)
        .stream_of_table("Courses")
        .lease_table("Leases")
        .application("test")
        .build()
        .unwrap();
    let shutdown = CancellationToken::new();
    let handler = handler_fn(|_, _| async { Disposition::Done });
    let run = tokio::spawn(processor.run(handler, shutdown.clone()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    shutdown.cancel();
    let began = Instant::now();
    let ended = tokio::time::timeout(Duration::from_secs(10), run).await;
    ended.expect("the run ends").unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_millis(5_500));
}
