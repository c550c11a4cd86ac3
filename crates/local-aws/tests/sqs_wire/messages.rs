use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, MessageAttributeValue, MessageSystemAttributeName,
    QueueAttributeName, SendMessageBatchRequestEntry,
};

use crate::local::{Local, create};

#[tokio::test]
async fn a_message_arrives_with_its_attributes_of_every_kind() {
    let local = Local::start().await;
    let url = create(&local.client, "q", &[]).await;
    let text = |kind: &str, value: &str| {
        MessageAttributeValue::builder()
            .data_type(kind)
            .string_value(value)
            .build()
            .unwrap()
    };
    let picture = Blob::new([0_u8, 255, 7]);
    let binary = MessageAttributeValue::builder()
        .data_type("Binary")
        .binary_value(picture.clone());
    let sent = local
        .client
        .send_message()
        .queue_url(&url)
        .message_body("{\"title\":\"Ölfarben\"}")
        .message_attributes("kind", text("String", "course"))
        .message_attributes("count", text("Number", "3"))
        .message_attributes("picture", binary.build().unwrap())
        .send()
        .await
        .unwrap();
    let received = local
        .client
        .receive_message()
        .queue_url(&url)
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.body(), Some("{\"title\":\"Ölfarben\"}"));
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(message.md5_of_body(), sent.md5_of_message_body());
    assert_eq!(
        message.md5_of_message_attributes(),
        sent.md5_of_message_attributes()
    );
    let attributes = message.message_attributes().unwrap();
    assert_eq!(attributes["picture"].binary_value(), Some(&picture));
    assert_eq!(attributes["count"].string_value(), Some("3"));
    let system = message.attributes().unwrap();
    assert_eq!(
        system[&MessageSystemAttributeName::ApproximateReceiveCount],
        "1"
    );
    assert!(
        system[&MessageSystemAttributeName::SentTimestamp]
            .parse::<u64>()
            .unwrap()
            > 0
    );
}

#[tokio::test]
async fn batches_say_what_was_done_and_what_was_not() {
    let local = Local::start().await;
    let url = create(&local.client, "q", &[]).await;
    let entry = |id: &str, body: &str| {
        SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(body)
            .build()
            .unwrap()
    };
    let sent = local
        .client
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("good", "a"))
        .entries(entry("bad", "\u{1}"))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.successful()[0].id(), "good");
    let failed = &sent.failed()[0];
    assert_eq!(
        (failed.id(), failed.code(), failed.sender_fault()),
        ("bad", "InvalidMessageContents", true)
    );

    let received = local
        .client
        .receive_message()
        .queue_url(&url)
        .send()
        .await
        .unwrap();
    let deletion = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder()
            .id(id)
            .receipt_handle(handle)
            .build()
            .unwrap()
    };
    let deleted = local
        .client
        .delete_message_batch()
        .queue_url(&url)
        .entries(deletion(
            "good",
            received.messages()[0].receipt_handle().unwrap(),
        ))
        .entries(deletion("bad", "garbage"))
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.successful()[0].id(), "good");
    assert_eq!(deleted.failed()[0].code(), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn a_fifo_queue_keeps_order_and_takes_each_message_once() {
    let local = Local::start().await;
    let attributes = [
        (QueueAttributeName::FifoQueue, "true"),
        (QueueAttributeName::ContentBasedDeduplication, "true"),
    ];
    let url = create(&local.client, "commands.fifo", &attributes).await;
    let mut numbers = Vec::new();
    for body in ["1", "2", "2", "3"] {
        let send = local
            .client
            .send_message()
            .queue_url(&url)
            .message_body(body);
        let sent = send.message_group_id("student").send().await.unwrap();
        numbers.push(sent.sequence_number.unwrap());
    }
    assert_eq!(numbers[1], numbers[2]);
    assert!(numbers.is_sorted());
    let receive = local
        .client
        .receive_message()
        .queue_url(&url)
        .max_number_of_messages(10);
    let received = receive.send().await.unwrap();
    let bodies: Vec<&str> = received
        .messages()
        .iter()
        .filter_map(|message| message.body())
        .collect();
    assert_eq!(bodies, ["1", "2", "3"]);
}
