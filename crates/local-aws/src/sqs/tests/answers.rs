use super::*;

#[tokio::test]
async fn everything_is_there_after_a_restart_under_another_address() {
    let sqs = Running::start();
    let attributes = json!({ "FifoQueue": "true", "VisibilityTimeout": "600" });
    let url = sqs.create("q.fifo", attributes).await;
    sqs.call(
        "TagQueue",
        json!({ "QueueUrl": url, "Tags": { "team": "art" } }),
    )
    .await;
    let send = |body: &str| {
        json!({
            "QueueUrl": url, "MessageBody": body, "MessageGroupId": "g", "MessageDeduplicationId": body,
            "MessageAttributes": { "kind": { "DataType": "String", "StringValue": body } },
        })
    };
    let first = sqs.call("SendMessage", send("held")).await;
    let held = sqs.receive(&url, json!({})).await;
    sqs.call("SendMessage", send("next")).await;

    let sqs = sqs.restart().await;
    assert_eq!(
        sqs.receive(&url, json!({})).await.len(),
        0,
        "its group is in flight still"
    );
    let duplicate = sqs.call("SendMessage", send("held")).await;
    assert_eq!(duplicate["MessageId"], first["MessageId"]);
    let handle = held[0]["ReceiptHandle"].clone();
    sqs.call(
        "DeleteMessage",
        json!({ "QueueUrl": url, "ReceiptHandle": handle }),
    )
    .await;
    let next = sqs
        .receive(&url, json!({ "MessageAttributeNames": ["All"] }))
        .await;
    assert_eq!(bodies(&next), ["next"]);
    assert_eq!(next[0]["MessageAttributes"]["kind"]["StringValue"], "next");
    let tags = sqs.call("ListQueueTags", json!({ "QueueUrl": url })).await;
    assert_eq!(tags["Tags"]["team"], "art");
    let found = sqs
        .call("GetQueueUrl", json!({ "QueueName": "q.fifo" }))
        .await;
    assert_eq!(found["QueueUrl"], "http://127.0.0.1:1/000000000000/q.fifo");
}

#[tokio::test]
async fn attributes_of_a_message_are_shown_only_if_asked_for() {
    let sqs = Running::start();
    let url = sqs.create("q", json!({ "VisibilityTimeout": "0" })).await;
    let attribute = |value: &str| json!({ "DataType": "String", "StringValue": value });
    let sent = sqs
        .call(
            "SendMessage",
            json!({
                "QueueUrl": url, "MessageBody": "msg",
                "MessageAttributes": { "Hello": attribute("There"), "General": attribute("Kenobi"), "Help.Me": attribute("Me") },
                "MessageSystemAttributes": { "AWSTraceHeader": attribute("Root=1") },
            }),
        )
        .await;
    assert_eq!(sent["MD5OfMessageBody"], "6e2baaf3b97dbeef01c0043275f9a0e7");
    assert_eq!(
        sent["MD5OfMessageAttributes"],
        "4c360f3fdafd970e05fae2f149d997f5"
    );
    assert!(sent["MD5OfMessageSystemAttributes"].is_string());

    let plain = &sqs.receive(&url, json!({})).await[0];
    let keys: Vec<&str> = plain
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, ["Body", "MD5OfBody", "MessageId", "ReceiptHandle"]);

    let all = json!({ "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"] });
    let full = &sqs.receive(&url, all).await[0];
    assert_eq!(
        full["MD5OfMessageAttributes"],
        sent["MD5OfMessageAttributes"]
    );
    assert_eq!(full["Attributes"]["AWSTraceHeader"], "Root=1");
    assert_eq!(full["Attributes"]["ApproximateReceiveCount"], "2");

    let some = json!({ "MessageAttributeNames": ["Help.*"], "AttributeNames": ["SenderId"] });
    let part = &sqs.receive(&url, some).await[0];
    assert_eq!(
        part["MessageAttributes"],
        json!({ "Help.Me": attribute("Me") })
    );
    assert_eq!(part["Attributes"], json!({ "SenderId": "000000000000" }));
    let md5 = &part["MD5OfMessageAttributes"];
    assert!(
        md5.is_string() && *md5 != sent["MD5OfMessageAttributes"],
        "of those that are shown"
    );
}

#[tokio::test]
async fn a_list_is_turned_page_by_page() {
    let sqs = Running::start();
    for name in ["a", "b", "c"] {
        sqs.create(name, json!({})).await;
    }
    let mut seen = Vec::new();
    let mut page = json!({ "MaxResults": 2 });
    loop {
        let listed = sqs.call("ListQueues", page.clone()).await;
        seen.extend(listed["QueueUrls"].as_array().cloned().unwrap_or_default());
        match listed.get("NextToken") {
            Some(token) => page["NextToken"] = token.clone(),
            None => break,
        }
    }
    let urls = ["a", "b", "c"].map(|name| json!(format!("{BASE_URL}/000000000000/{name}")));
    assert_eq!(seen, urls);
}

#[tokio::test]
async fn the_trace_header_of_a_request_is_that_of_messages_that_have_none() {
    let sqs = Running::start();
    let url = sqs.create("q", json!({})).await;
    let own = json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": "Root=own" } });
    let entries = json!([
        { "Id": "a", "MessageBody": "with", "MessageSystemAttributes": own },
        { "Id": "b", "MessageBody": "without" },
    ]);
    for (operation, request) in [
        (
            "SendMessage",
            json!({ "QueueUrl": url, "MessageBody": "alone" }),
        ),
        (
            "SendMessageBatch",
            json!({ "QueueUrl": url, "Entries": entries }),
        ),
    ] {
        let body = request.to_string();
        let answer = sqs
            .service
            .handle(
                operation,
                body.as_bytes(),
                &at(BASE_URL),
                Some("Root=header"),
            )
            .await;
        assert_eq!(answer.status, 200);
        // The digest is that of what was sent as an attribute.
        let digests = String::from_utf8_lossy(&answer.body)
            .matches("MD5OfMessageSystemAttributes")
            .count();
        assert_eq!(digests, usize::from(operation == "SendMessageBatch"));
    }
    let received = sqs
        .receive(&url, json!({ "AttributeNames": ["AWSTraceHeader"] }))
        .await;
    let mut shown: Vec<String> = received
        .iter()
        .map(|message| {
            format!(
                "{} {}",
                message["Body"], message["Attributes"]["AWSTraceHeader"]
            )
        })
        .collect();
    shown.sort();
    assert_eq!(
        shown,
        [
            "\"alone\" \"Root=header\"",
            "\"with\" \"Root=own\"",
            "\"without\" \"Root=header\"",
        ]
    );
}
