//! The real SDK clients on the services: what they make of replies, errors and checksums.

mod connector;

use std::time::Duration;

use arthouse_store::{TableNames, provision};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem};
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};

use super::{Adversity, Aws, Behaviour, only};
use connector::Clients;

const TABLE: &str = "UsersCourses";

/// Clients of services that have the tables of the school.
async fn provisioned() -> Clients {
    let clients = Clients::new(Aws::new(1, Adversity::none()));
    provision(&clients.dynamodb, &TableNames::default())
        .await
        .expect("the tables are made");
    clients
}

fn put(sk: &str) -> Put {
    Put::builder()
        .table_name(TABLE)
        .item("PK", AttributeValue::S("USER#u".into()))
        .item("SK", AttributeValue::S(sk.into()))
        .item("Cost", AttributeValue::N("12".into()))
        .condition_expression("attribute_not_exists(PK)")
        .build()
        .expect("all is set")
}

async fn transact(clients: &Clients) -> Result<(), aws_sdk_dynamodb::Error> {
    let item = |sk| TransactWriteItem::builder().put(put(sk)).build();
    let request = clients.dynamodb.transact_write_items();
    request
        .transact_items(item("a"))
        .transact_items(item("b"))
        .send()
        .await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_tables_of_the_school_are_made_and_found_as_they_should_be() {
    let clients = provisioned().await;
    provision(&clients.dynamodb, &TableNames::default())
        .await
        .expect("they are there");
    let table = clients
        .dynamodb
        .describe_table()
        .table_name(TABLE)
        .send()
        .await;
    let table = table
        .ok()
        .and_then(|answer| answer.table)
        .expect("the table is described");
    assert!(table.latest_stream_arn.is_some());
    assert_eq!(table.global_secondary_indexes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_transaction_has_its_reasons_whether_conditions_or_conflicts_cancelled_it() {
    let clients = provisioned().await;
    let codes = |result: Result<(), aws_sdk_dynamodb::Error>| match result {
        Err(aws_sdk_dynamodb::Error::TransactionCanceledException(cancelled)) => {
            let reasons = cancelled.cancellation_reasons().iter();
            reasons
                .filter_map(|reason| reason.code.clone())
                .collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    clients
        .aws
        .set_adversity(only(Behaviour::TransactionConflict));
    let conflict = codes(transact(&clients).await);
    assert!(
        conflict.contains(&"TransactionConflict".to_owned()),
        "{conflict:?}"
    );
    clients.aws.heal();
    transact(&clients).await.expect("nothing is there");
    let condition = codes(transact(&clients).await);
    assert_eq!(
        condition,
        ["ConditionalCheckFailed", "ConditionalCheckFailed"]
    );
}

#[tokio::test(start_paused = true)]
async fn refusals_are_known_by_their_codes() {
    let cases = [
        (
            Behaviour::WriteConflict,
            &["TransactionConflictException"][..],
        ),
        (Behaviour::InternalError, &["InternalServerError"]),
        (
            Behaviour::Throttled,
            &[
                "RequestLimitExceeded",
                "ThrottlingException",
                "ProvisionedThroughputExceededException",
            ],
        ),
    ];
    let clients = provisioned().await;
    for (behaviour, expected) in cases {
        clients.aws.set_adversity(only(behaviour));
        let deleted = clients.dynamodb.delete_item().table_name(TABLE);
        let deleted = deleted.key("PK", AttributeValue::S("a".into()));
        let deleted = deleted
            .key("SK", AttributeValue::S("b".into()))
            .send()
            .await;
        let error = deleted.expect_err("it is refused");
        let code = error.code().unwrap_or_default();
        assert!(expected.contains(&code), "{behaviour:?}: {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn unprocessed_keys_can_be_asked_for_again_as_they_are() {
    let clients = provisioned().await;
    transact(&clients).await.expect("nothing is there");
    clients
        .aws
        .set_adversity(Adversity::none().with(Behaviour::UnprocessedKeys, 0.8));
    let key = |sk: &str| {
        let pairs = [("PK", "USER#u"), ("SK", sk)];
        pairs
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
            .into()
    };
    let keys = KeysAndAttributes::builder()
        .keys(key("a"))
        .keys(key("b"))
        .consistent_read(true);
    let mut wanted = Some([(TABLE.to_owned(), keys.build().expect("keys are set"))].into());
    let mut found = 0;
    while let Some(requested) = wanted.take() {
        let batch = clients
            .dynamodb
            .batch_get_item()
            .set_request_items(Some(requested));
        let answer = batch.send().await.expect("it is answered");
        found += answer
            .responses()
            .into_iter()
            .flatten()
            .map(|(_, items)| items.len())
            .sum::<usize>();
        wanted = answer.unprocessed_keys.filter(|keys| !keys.is_empty());
    }
    assert_eq!(found, 2);
    assert!(
        clients
            .aws
            .struck()
            .contains_key(&Behaviour::UnprocessedKeys)
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_read_from_its_list_to_its_records() {
    let clients = provisioned().await;
    transact(&clients).await.expect("nothing is there");
    let streams = &clients.streams;
    let listed = streams
        .list_streams()
        .table_name(TABLE)
        .send()
        .await
        .expect("a list");
    let arn = listed.streams()[0].stream_arn().expect("an ARN").to_owned();
    let described = streams
        .describe_stream()
        .stream_arn(&arn)
        .send()
        .await
        .expect("shards");
    let description = described.stream_description.expect("a description");
    let shard = description.shards()[0]
        .shard_id()
        .expect("an id")
        .to_owned();
    let iterator = streams
        .get_shard_iterator()
        .stream_arn(&arn)
        .shard_id(&shard);
    let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon);
    let iterator = iterator.send().await.expect("an iterator").shard_iterator;
    let read = || {
        streams
            .get_records()
            .set_shard_iterator(iterator.clone())
            .send()
    };

    let page = read().await.expect("records");
    assert!(page.next_shard_iterator.is_some());
    assert_eq!(page.records().len(), 2);
    let change = page.records()[0].dynamodb().expect("a change");
    assert!(
        change
            .sequence_number()
            .is_some_and(|number| number.len() >= 21)
    );
    let image = change.new_image().expect("an image");
    assert_eq!(image["Cost"].as_n().map(String::as_str), Ok("12"));

    clients.aws.set_adversity(only(Behaviour::IteratorExpired));
    let error = read().await.expect_err("it expired").into_service_error();
    assert!(error.is_expired_iterator_exception(), "{error:?}");

    clients.aws.heal();
    clients.aws.set_now(Duration::from_secs(2));
    clients.aws.trim_stream(TABLE, Duration::from_secs(1));
    let error = read()
        .await
        .expect_err("it was trimmed")
        .into_service_error();
    assert!(error.is_trimmed_data_access_exception(), "{error:?}");
}

/// The message attribute `reason`.
fn reason() -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String");
    let attribute = attribute.string_value("why").build();
    attribute.expect("all is set")
}

#[tokio::test(start_paused = true)]
async fn messages_arrive_with_their_attributes_and_the_checksums_that_the_sender_got() {
    let clients = Clients::new(Aws::new(1, Adversity::none()));
    let created = clients.sqs.create_queue().queue_name("q").send().await;
    let url = created.expect("a queue").queue_url.expect("a URL");
    let sent = clients
        .sqs
        .send_message()
        .queue_url(&url)
        .message_body("one");
    let sent = sent
        .message_attributes("reason", reason())
        .send()
        .await
        .expect("it is sent");
    let entry = SendMessageBatchRequestEntry::builder()
        .id("0")
        .message_body("two");
    let entry = entry
        .message_attributes("reason", reason())
        .build()
        .expect("all is set");
    let batch = clients
        .sqs
        .send_message_batch()
        .queue_url(&url)
        .entries(entry)
        .send()
        .await;
    assert_eq!(batch.expect("it is sent").successful().len(), 1);

    let received = clients
        .sqs
        .receive_message()
        .queue_url(&url)
        .max_number_of_messages(10);
    let received = received.message_attribute_names("All");
    let received = received.message_system_attribute_names(MessageSystemAttributeName::All);
    let received = received.send().await.expect("messages");
    let bodies = [
        ("one", "f97c5d29941bfb1b2fdab0874906ab82"),
        ("two", "b8a9f715dbb64fd5c56e7783c6820a61"),
    ];
    assert_eq!(received.messages().len(), 2);
    for (message, (body, md5)) in received.messages().iter().zip(bodies) {
        assert_eq!(
            (message.body(), message.md5_of_body()),
            (Some(body), Some(md5))
        );
        let attributes = message.message_attributes().expect("attributes");
        assert_eq!(attributes["reason"], reason());
        assert!(sent.md5_of_message_attributes().is_some());
        assert_eq!(
            message.md5_of_message_attributes(),
            sent.md5_of_message_attributes()
        );
        let system = message.attributes().expect("system attributes");
        assert_eq!(
            system[&MessageSystemAttributeName::SentTimestamp],
            "1767603600000"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_s_errors_are_known_by_their_codes() {
    let clients = Clients::new(Aws::new(1, Adversity::none()));
    let found = clients.sqs.get_queue_url().queue_name("none").send().await;
    let error = found.expect_err("there is none").into_service_error();
    assert!(error.is_queue_does_not_exist(), "{error:?}");

    let created = clients.sqs.create_queue().queue_name("q.fifo");
    let created = created
        .attributes(QueueAttributeName::FifoQueue, "true")
        .send()
        .await;
    let url = created.expect("a queue").queue_url.expect("a URL");
    clients.aws.set_adversity(only(Behaviour::QueueThrottled));
    let received = clients.sqs.receive_message().queue_url(&url).send().await;
    let error = received.expect_err("it is refused");
    assert!(
        matches!(
            error.code(),
            Some("RequestThrottled" | "ServiceUnavailable")
        ),
        "{error:?}"
    );
}
