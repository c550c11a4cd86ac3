use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::QueueAttributeName;

use crate::local::{Local, create};

#[tokio::test]
async fn modelled_errors_are_known_by_their_types() {
    let local = Local::start().await;
    let client = &local.client;
    let url = create(client, "q", &[]).await;
    let absent = url.replace("/q", "/absent");

    let error = client
        .get_queue_url()
        .queue_name("absent")
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_queue_does_not_exist());
    let error = client
        .send_message()
        .queue_url(&absent)
        .message_body("a")
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_queue_does_not_exist());
    let create = client.create_queue().queue_name("q");
    let error = create
        .attributes(QueueAttributeName::DelaySeconds, "1")
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_queue_name_exists());
    let delete = client
        .delete_message()
        .queue_url(&url)
        .receipt_handle("garbage");
    let error = delete.send().await.unwrap_err();
    assert!(error.into_service_error().is_receipt_handle_is_invalid());
    let error = client
        .send_message()
        .queue_url(&url)
        .message_body("\u{0}")
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_invalid_message_contents());
    let batch = client
        .send_message_batch()
        .queue_url(&url)
        .set_entries(Some(Vec::new()));
    let error = batch.send().await.unwrap_err();
    assert!(error.into_service_error().is_empty_batch_request());
}

#[tokio::test]
async fn other_errors_have_the_codes_of_the_older_protocol() {
    let local = Local::start().await;
    let url = create(&local.client, "q", &[]).await;
    let receive = local
        .client
        .receive_message()
        .queue_url(&url)
        .max_number_of_messages(11);
    let error = receive.send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    let expected = "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.";
    assert_eq!(error.message(), Some(expected));
}
