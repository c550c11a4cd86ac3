use super::*;

/// Sends this many messages in batches, in ten groups if the queue is FIFO.
async fn fill(sqs: &Running, url: &str, count: usize) {
    for start in (0..count).step_by(10) {
        let entries: Vec<Value> = (start..start + 10)
            .map(|number| {
                let mut entry =
                    json!({ "Id": number.to_string(), "MessageBody": format!("body {number}") });
                if url.ends_with(".fifo") {
                    entry["MessageGroupId"] = json!(format!("group-{}", number % 10));
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

/// The time that a message takes may grow with the logarithm of how many wait, not with their number. The quickest of
/// several rounds are compared, taken in turns, so that whatever else the machine does tells little.
#[tokio::test]
async fn receiving_stays_fast_with_many_messages_waiting() {
    const FEW: usize = 2_000;
    const MANY: usize = 100_000;
    const ROUNDS: usize = 8;
    const EACH: usize = 200;
    let sqs = Running::start();
    for (suffix, attributes) in [("", json!({})), (".fifo", json!({ "FifoQueue": "true" }))] {
        let few = sqs
            .create(&format!("few{suffix}"), attributes.clone())
            .await;
        let many = sqs.create(&format!("many{suffix}"), attributes).await;
        fill(&sqs, &few, FEW).await;
        let start = Instant::now();
        fill(&sqs, &many, MANY).await;
        let filled = start.elapsed();
        let (mut with_few, mut with_many) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            with_few = with_few.min(work(&sqs, &few, EACH).await);
            with_many = with_many.min(work(&sqs, &many, EACH).await);
        }
        let rate = |count: usize, time: Duration| count as f64 / time.as_secs_f64();
        println!(
            "many{suffix}: {:.0} sent/s; received and deleted {:.0}/s of {FEW}, {:.0}/s of {MANY}",
            rate(MANY, filled),
            rate(EACH, with_few),
            rate(EACH, with_many),
        );
        let left = sqs.count(&many, "ApproximateNumberOfMessages").await;
        assert_eq!(left, (MANY - ROUNDS * EACH).to_string());
        assert!(
            with_many < with_few * 5,
            "{with_few:?} with few, {with_many:?} with many{suffix}"
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
            tokio::spawn(async move {
                service
                    .handle("SendMessage", body.as_bytes(), &at(BASE_URL), None)
                    .await
                    .status
            })
        })
        .collect();
    for send in sends {
        assert_eq!(send.await.expect("the call ends"), 200);
    }
    let sqs = sqs.restart().await;
    assert_eq!(sqs.count(&url, "ApproximateNumberOfMessages").await, "1000");
}
