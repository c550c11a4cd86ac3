use super::*;

/// Sends this many messages in batches, in ten groups if the queue is FIFO.
async fn fill(sqs: &Running, url: &str, from: usize, count: usize) {
    for start in (from..from + count).step_by(10) {
        let entries: Vec<Value> = (start..start + 10)
            .map(|number| {
                let mut entry =
                    json!({ "Id": number.to_string(), "MessageBody": format!("body {number}") });
                if url.ends_with(".fifo") {
                    entry["MessageGroupId"] =
                        json!(format!("group {}", number % 10).replace(' ', "-"));
                    entry["MessageDeduplicationId"] = json!(number.to_string());
                }
                entry
            })
            .collect();
        let sent = sqs
            .call(
                "SendMessageBatch",
                json!({ "QueueUrl": url, "Entries": entries }),
            )
            .await;
        assert_eq!(sent["Successful"].as_array().map(Vec::len), Some(10));
    }
}

/// Receives and deletes this many messages in batches, and says how long that took.
async fn work(sqs: &Running, url: &str, count: usize) -> Duration {
    let start = Instant::now();
    let mut done = 0;
    while done < count {
        let messages = sqs.receive(url, json!({})).await;
        assert!(!messages.is_empty(), "{done} of {count}");
        let entries: Vec<Value> = messages
            .iter()
            .enumerate()
            .map(|(id, message)| json!({ "Id": id.to_string(), "ReceiptHandle": message["ReceiptHandle"] }))
            .collect();
        done += entries.len();
        sqs.call(
            "DeleteMessageBatch",
            json!({ "QueueUrl": url, "Entries": entries }),
        )
        .await;
    }
    start.elapsed()
}

/// The time that one message takes may grow with the logarithm of how many wait, not with their number.
#[tokio::test]
async fn receiving_stays_fast_with_many_messages_waiting() {
    const FEW: usize = 2_000;
    const MANY: usize = 100_000;
    let sqs = Running::start();
    for (name, attributes) in [("q", json!({})), ("q.fifo", json!({ "FifoQueue": "true" }))] {
        let url = sqs.create(name, attributes).await;
        fill(&sqs, &url, 0, FEW).await;
        let few = work(&sqs, &url, FEW).await;
        let start = Instant::now();
        fill(&sqs, &url, FEW, MANY).await;
        let filled = start.elapsed();
        let many = work(&sqs, &url, FEW).await;
        let rate = |count: usize, time: Duration| count as f64 / time.as_secs_f64();
        println!(
            "{name}: {:.0} sent/s; received and deleted {:.0}/s of {FEW}, {:.0}/s of {MANY}",
            rate(MANY, filled),
            rate(FEW, few),
            rate(FEW, many),
        );
        assert_eq!(
            sqs.count(&url, "ApproximateNumberOfMessages").await,
            (MANY - FEW).to_string()
        );
        assert!(
            many < few * 4 + Duration::from_millis(200),
            "{name}: {few:?} with few, {many:?} with many"
        );
    }
}

#[tokio::test]
async fn requests_made_at_once_are_all_answered_and_all_on_disk() {
    let sqs = Running::start();
    let url = sqs.create("q", json!({})).await;
    let sends: Vec<_> = (0..1_000)
        .map(|number| {
            let service = sqs.service.clone();
            let body = json!({ "QueueUrl": url, "MessageBody": number.to_string() }).to_string();
            tokio::spawn(async move { service.handle("SendMessage", body.as_bytes()).await.status })
        })
        .collect();
    for send in sends {
        assert_eq!(send.await.expect("the call ends"), 200);
    }
    let sqs = sqs.restart().await;
    assert_eq!(sqs.count(&url, "ApproximateNumberOfMessages").await, "1000");
}
