//! What a stream tells of, and how a record looks.

use std::time::Duration;

use crate::local::{Local, create_table, eventually, n, put, s};
use crate::reading::{id, iterator, only_shard, read_all, sequence, told};
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, StreamViewType, TimeToLiveSpecification, TransactWriteItem,
};
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use local_aws::Pace;

const BOTH: StreamViewType = StreamViewType::NewAndOldImages;

async fn streamed() -> (
    Local,
    aws_sdk_dynamodb::Client,
    aws_sdk_dynamodbstreams::Client,
    String,
) {
    let local = Local::start().await;
    let client = local.dynamodb();
    let stream = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    let streams = local.streams();
    (local, client, streams, stream)
}

#[tokio::test]
async fn an_open_shard_has_no_ending_sequence_number() {
    let (_local, client, streams, stream) = streamed().await;
    put(&client, "Things", "a", n(1)).await;

    let shard = only_shard(&streams, &stream).await;

    let range = shard.sequence_number_range().unwrap();
    assert_eq!(range.ending_sequence_number(), None);
    assert!(range.starting_sequence_number().is_some());
}

#[tokio::test]
async fn a_shard_id_is_between_28_and_65_characters_long() {
    let (_local, _client, streams, stream) = streamed().await;
    let shard = only_shard(&streams, &stream).await;
    assert!((28..=65).contains(&id(&shard).len()), "{}", id(&shard));
}

#[tokio::test]
async fn a_write_that_changes_nothing_is_not_told_of() {
    let (_local, client, streams, stream) = streamed().await;
    let value = || {
        AttributeValue::M(
            [
                (
                    "Set".to_owned(),
                    AttributeValue::Ns(vec!["2".into(), "1".into()]),
                ),
                ("Text".to_owned(), s("x")),
                ("List".to_owned(), AttributeValue::L(vec![n(1), s("y")])),
            ]
            .into(),
        )
    };
    put(&client, "Things", "a", value()).await;

    put(&client, "Things", "a", value()).await;
    let update = client.update_item().table_name("Things");
    let update = update.key("PK", s("a")).key("SK", s("-"));
    let update = update.update_expression("SET V.#t = :x");
    let update = update.expression_attribute_names("#t", "Text");
    update
        .expression_attribute_values(":x", s("x"))
        .send()
        .await
        .unwrap();
    let again = Put::builder().table_name("Things");
    let again = again
        .item("PK", s("a"))
        .item("SK", s("-"))
        .item("V", value());
    let again = TransactWriteItem::builder()
        .put(again.build().unwrap())
        .build();
    client
        .transact_write_items()
        .transact_items(again)
        .send()
        .await
        .unwrap();
    put(&client, "Things", "a", n(2)).await;

    let records = read_all(&streams, &stream).await;
    assert_eq!(told(&records), ["INSERT a", "MODIFY a"]);
}

#[tokio::test]
async fn a_record_carries_both_images_keys_numbers_and_time() {
    let (_local, client, streams, stream) = streamed().await;
    put(&client, "Things", "a", n(1)).await;
    put(&client, "Things", "a", n(2)).await;
    let delete = client.delete_item().table_name("Things");
    delete
        .key("PK", s("a"))
        .key("SK", s("-"))
        .send()
        .await
        .unwrap();

    let records = read_all(&streams, &stream).await;

    assert_eq!(told(&records), ["INSERT a", "MODIFY a", "REMOVE a"]);
    let numbers: Vec<_> = records.iter().map(sequence).collect();
    assert!(
        numbers.is_sorted() && numbers.iter().all(|n| n.len() == 21),
        "{numbers:?}"
    );
    let images: Vec<_> = records
        .iter()
        .map(|record| {
            let change = record.dynamodb().unwrap();
            (change.old_image().is_some(), change.new_image().is_some())
        })
        .collect();
    assert_eq!(images, [(false, true), (true, true), (true, false)]);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    for record in &records {
        let change = record.dynamodb().unwrap();
        let at = change.approximate_creation_date_time().unwrap().secs();
        assert!(now.as_secs().abs_diff(at.unsigned_abs()) < 60, "{at}");
        assert_eq!(change.keys().unwrap().len(), 2);
        assert_eq!(
            change.stream_view_type().unwrap().as_str(),
            "NEW_AND_OLD_IMAGES"
        );
        assert!(record.user_identity().is_none());
        assert_eq!(record.event_id().unwrap().len(), 32);
    }
}

#[tokio::test]
async fn an_expired_item_is_removed_by_the_service_and_the_record_says_so() {
    let local = Local::start_with(Pace {
        upkeep_every: Duration::from_millis(50),
        ..Pace::default()
    })
    .await;
    let (client, streams) = (local.dynamodb(), local.streams());
    let stream = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    let specification = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name("V");
    let enable = client.update_time_to_live().table_name("Things");
    let enable = enable.time_to_live_specification(specification.build().unwrap());
    enable.clone().send().await.unwrap();
    let again = enable.send().await.unwrap_err().into_service_error();
    assert_eq!(
        again.meta().message(),
        Some("TimeToLive is already enabled")
    );
    put(&client, "Things", "gone", n(1_700_000_000)).await;
    put(&client, "Things", "stays", n(4_000_000_000_u64)).await;

    let removal = eventually(async || {
        let records = read_all(&streams, &stream).await;
        records
            .into_iter()
            .find(|record| told(std::slice::from_ref(record)) == ["REMOVE gone"])
    })
    .await;

    let identity = removal.user_identity().unwrap();
    assert_eq!(identity.principal_id(), Some("dynamodb.amazonaws.com"));
    assert_eq!(identity.r#type(), Some("Service"));
    let described = client
        .describe_time_to_live()
        .table_name("Things")
        .send()
        .await
        .unwrap();
    let described = described.time_to_live_description.unwrap();
    assert_eq!(described.attribute_name(), Some("V"));
    assert_eq!(described.time_to_live_status().unwrap().as_str(), "ENABLED");
    let left = client.scan().table_name("Things").send().await.unwrap();
    assert_eq!(left.items()[0]["PK"], s("stays"));
    assert_eq!(left.count(), 1);
}

#[tokio::test]
async fn a_page_holds_a_thousand_records_and_its_limit_if_that_is_less() {
    let (_local, client, streams, stream) = streamed().await;
    for number in 0..1_010 {
        put(&client, "Things", "a", n(number)).await;
    }
    let shard = only_shard(&streams, &stream).await;
    let horizon = ShardIteratorType::TrimHorizon;
    let start = iterator(&streams, &stream, &shard, horizon, None).await;

    let page = streams
        .get_records()
        .shard_iterator(&start)
        .send()
        .await
        .unwrap();
    assert_eq!(page.records().len(), 1_000);
    let next = page.next_shard_iterator().unwrap();
    let rest = streams
        .get_records()
        .shard_iterator(next)
        .send()
        .await
        .unwrap();
    assert_eq!(rest.records().len(), 10);
    let few = streams
        .get_records()
        .shard_iterator(&start)
        .limit(3)
        .send()
        .await
        .unwrap();
    assert_eq!(few.records().len(), 3);
    let refused = streams
        .get_records()
        .shard_iterator(&start)
        .limit(1_001)
        .send()
        .await;
    let refused = refused.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("ValidationException"));
}

#[tokio::test]
async fn a_page_holds_a_megabyte_unless_its_first_record_is_larger() {
    let (_local, client, streams, stream) = streamed().await;
    let text = |letter: &str| s(letter.repeat(300_000));
    for letter in ["x", "y", "z"] {
        put(&client, "Things", "a", text(letter)).await;
    }
    let shard = only_shard(&streams, &stream).await;
    let horizon = ShardIteratorType::TrimHorizon;
    let mut next = iterator(&streams, &stream, &shard, horizon, None).await;
    let mut pages = Vec::new();
    while pages.iter().sum::<usize>() < 3 {
        let page = streams
            .get_records()
            .shard_iterator(&next)
            .send()
            .await
            .unwrap();
        pages.push(page.records().len());
        next = page.next_shard_iterator.unwrap();
    }
    // One image of 300 kB, then two records with two images each.
    assert_eq!(pages, [2, 1]);
}

#[tokio::test]
async fn changes_of_one_item_are_told_in_their_order_under_concurrent_writers() {
    let (_local, client, streams, stream) = streamed().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let client = client.clone();
        writers.spawn(async move {
            for number in 0..20 {
                put(&client, "Things", &format!("w{writer}"), n(number)).await;
            }
        });
    }
    writers.join_all().await;

    let records = read_all(&streams, &stream).await;

    assert_eq!(records.len(), 160);
    for writer in 0..8 {
        let of_writer = records
            .iter()
            .filter(|r| crate::reading::key(r) == format!("w{writer}"));
        let values: Vec<_> = of_writer
            .map(|r| r.dynamodb().unwrap().new_image().unwrap()["V"].clone())
            .collect();
        let expected: Vec<_> = (0..20)
            .map(|n| aws_sdk_dynamodbstreams::types::AttributeValue::N(n.to_string()))
            .collect();
        assert_eq!(values, expected);
    }
}
