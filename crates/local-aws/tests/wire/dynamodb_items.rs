//! What the school relies on: conditions under concurrency, batches, indexes, scans.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, ConditionCheck, CreateGlobalSecondaryIndexAction, Get,
    GlobalSecondaryIndexUpdate, KeySchemaElement, KeyType, KeysAndAttributes, Projection,
    ProjectionType, Put, PutRequest, ReturnValuesOnConditionCheckFailure, ScalarAttributeType,
    TransactGetItem, TransactWriteItem, Update, WriteRequest,
};
use tokio::task::JoinSet;

use crate::local::{Local, create_table, n, put, s};

async fn with_table() -> (Local, Client) {
    let local = Local::start().await;
    let client = local.dynamodb();
    create_table(&client, "Things", None).await;
    (local, client)
}

async fn number(client: &Client, key: &str) -> i64 {
    let get = client.get_item().table_name("Things").consistent_read(true);
    let got = get
        .key("PK", s(key))
        .key("SK", s("-"))
        .send()
        .await
        .unwrap();
    got.item.unwrap()["V"].as_n().unwrap().parse().unwrap()
}

/// Reads the number and adds one on condition that it hasn't moved, until that succeeds.
async fn add_one_optimistically(client: Client) {
    loop {
        let seen = number(&client, "counter").await;
        let update = client.update_item().table_name("Things");
        let update = update.key("PK", s("counter")).key("SK", s("-"));
        let moved = update
            .update_expression("SET V = :next")
            .condition_expression("V = :seen")
            .expression_attribute_values(":next", n(seen + 1))
            .expression_attribute_values(":seen", n(seen))
            .send()
            .await;
        match moved {
            Ok(_) => return,
            Err(error) => {
                let error = error.into_service_error();
                assert!(error.is_conditional_check_failed_exception(), "{error:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_concurrent_conditional_updates_lose_nothing() {
    let (_local, client) = with_table().await;
    put(&client, "Things", "counter", n(0)).await;
    let writers: JoinSet<()> = (0..64)
        .map(|_| add_one_optimistically(client.clone()))
        .collect();
    writers.join_all().await;
    assert_eq!(number(&client, "counter").await, 64);
}

/// Adds one to the counter on condition of the number read and notes it, both or neither.
async fn add_one_in_a_transaction(client: Client, writer: usize) {
    loop {
        let seen = number(&client, "counter").await;
        let update = Update::builder().table_name("Things");
        let update = update.key("PK", s("counter")).key("SK", s("-"));
        let update = update
            .update_expression("SET V = :next")
            .condition_expression("V = :seen")
            .expression_attribute_values(":next", n(seen + 1))
            .expression_attribute_values(":seen", n(seen));
        let note = Put::builder().table_name("Things");
        let note = note.item("PK", s(format!("note{seen}"))).item("SK", s("-"));
        let note = note
            .item("Writer", n(writer))
            .condition_expression("attribute_not_exists(PK)");
        let answer = client
            .transact_write_items()
            .transact_items(
                TransactWriteItem::builder()
                    .update(update.build().unwrap())
                    .build(),
            )
            .transact_items(
                TransactWriteItem::builder()
                    .put(note.build().unwrap())
                    .build(),
            )
            .send()
            .await;
        match answer {
            Ok(_) => return,
            Err(error) => {
                let error = error.into_service_error();
                assert!(error.is_transaction_canceled_exception(), "{error:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_concurrent_transactions_lose_nothing() {
    let (_local, client) = with_table().await;
    put(&client, "Things", "counter", n(0)).await;
    let writers: JoinSet<()> = (0..64)
        .map(|writer| add_one_in_a_transaction(client.clone(), writer))
        .collect();
    writers.join_all().await;
    assert_eq!(number(&client, "counter").await, 64);
    let all = client.scan().table_name("Things").send().await.unwrap();
    assert_eq!(all.count(), 65);
    let writers: BTreeSet<_> = all
        .items()
        .iter()
        .filter_map(|item| item.get("Writer")?.as_n().ok())
        .collect();
    assert_eq!(writers.len(), 64);
}

#[tokio::test]
async fn a_failed_condition_gives_the_item_that_was_there() {
    let (_local, client) = with_table().await;
    put(&client, "Things", "a", n(7)).await;
    let old = ReturnValuesOnConditionCheckFailure::AllOld;

    let put = client
        .put_item()
        .table_name("Things")
        .item("PK", s("a"))
        .item("SK", s("-"));
    let put = put.condition_expression("attribute_not_exists(PK)");
    let put = put
        .return_values_on_condition_check_failure(old.clone())
        .send()
        .await;
    let update = client
        .update_item()
        .table_name("Things")
        .key("PK", s("a"))
        .key("SK", s("-"));
    let update = update
        .update_expression("SET V = :v")
        .condition_expression("V = :v");
    let update = update.expression_attribute_values(":v", n(8));
    let update = update
        .return_values_on_condition_check_failure(old)
        .send()
        .await;

    use aws_sdk_dynamodb::operation::{put_item::PutItemError, update_item::UpdateItemError};
    let PutItemError::ConditionalCheckFailedException(put) = put.unwrap_err().into_service_error()
    else {
        panic!("the put's condition fails");
    };
    assert_eq!(put.item().unwrap()["V"], n(7));
    let UpdateItemError::ConditionalCheckFailedException(update) =
        update.unwrap_err().into_service_error()
    else {
        panic!("the update's condition fails");
    };
    assert_eq!(update.item().unwrap()["V"], n(7));
}

#[tokio::test]
async fn a_batch_reads_a_hundred_keys_and_refuses_one_more() {
    let (_local, client) = with_table().await;
    for chunk in (0..100).collect::<Vec<_>>().chunks(25) {
        let write = |number: &i32| {
            let item = PutRequest::builder().item("PK", s(format!("k{number}")));
            let item = item
                .item("SK", s("-"))
                .item("V", n(number))
                .build()
                .unwrap();
            WriteRequest::builder().put_request(item).build()
        };
        let requests = chunk.iter().map(write).collect();
        let written = client
            .batch_write_item()
            .request_items("Things", requests)
            .send()
            .await;
        assert!(
            written
                .unwrap()
                .unprocessed_items()
                .is_none_or(|left| left.is_empty())
        );
    }
    let read = |count: usize| {
        let keys = (0..count).map(|number| {
            [
                ("PK".to_owned(), s(format!("k{number}"))),
                ("SK".to_owned(), s("-")),
            ]
            .into()
        });
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys.collect()))
            .consistent_read(true);
        client
            .batch_get_item()
            .request_items("Things", keys.build().unwrap())
            .send()
    };

    let got = read(100).await.unwrap();
    assert_eq!(got.responses().unwrap()["Things"].len(), 100);
    assert!(got.unprocessed_keys().is_none_or(|left| left.is_empty()));

    let refused = read(101).await.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("ValidationException"));
}

#[tokio::test]
async fn a_batch_that_would_exceed_16_megabytes_leaves_keys_unprocessed() {
    let (_local, client) = with_table().await;
    let text = "x".repeat(390_000);
    let mut keys = Vec::new();
    for number in 0..50 {
        let key = format!("k{number}");
        put(&client, "Things", &key, s(text.as_str())).await;
        keys.push([("PK".to_owned(), s(key)), ("SK".to_owned(), s("-"))].into());
    }
    let keys = KeysAndAttributes::builder()
        .set_keys(Some(keys))
        .build()
        .unwrap();

    let got = client
        .batch_get_item()
        .request_items("Things", keys)
        .send()
        .await
        .unwrap();

    let read = got.responses().unwrap()["Things"].len();
    let left = got.unprocessed_keys().unwrap()["Things"].keys().len();
    assert_eq!(read + left, 50);
    assert!((1..50).contains(&left), "{left}");
}

#[tokio::test]
async fn a_transactional_read_sees_both_items_or_neither_of_a_transaction() {
    let (_local, client) = with_table().await;
    let get = |key: &str| {
        let get = Get::builder()
            .table_name("Things")
            .key("PK", s(key))
            .key("SK", s("-"));
        TransactGetItem::builder().get(get.build().unwrap()).build()
    };
    let write = |number: i32| {
        let put = move |key: &str| {
            let put = Put::builder()
                .table_name("Things")
                .item("PK", s(key))
                .item("SK", s("-"));
            let put = put.item("V", n(number)).build().unwrap();
            TransactWriteItem::builder().put(put).build()
        };
        let request = client.transact_write_items().transact_items(put("a"));
        request.transact_items(put("b")).send()
    };
    write(0).await.unwrap();
    let writing = async {
        for number in 1..50 {
            write(number).await.unwrap();
        }
    };
    let reading = async {
        for _ in 0..50 {
            let request = client.transact_get_items().transact_items(get("a"));
            let got = request.transact_items(get("b")).send().await.unwrap();
            let values: Vec<_> = got
                .responses()
                .iter()
                .map(|r| r.item().unwrap()["V"].clone())
                .collect();
            assert_eq!(values[0], values[1]);
        }
    };
    tokio::join!(writing, reading);
}

#[tokio::test]
async fn a_check_in_a_transaction_guards_the_others() {
    let (_local, client) = with_table().await;
    let check = ConditionCheck::builder()
        .table_name("Things")
        .key("PK", s("a"))
        .key("SK", s("-"));
    let check = check
        .condition_expression("attribute_exists(PK)")
        .build()
        .unwrap();
    let put = Put::builder()
        .table_name("Things")
        .item("PK", s("b"))
        .item("SK", s("-"));
    let request = client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().condition_check(check).build())
        .transact_items(
            TransactWriteItem::builder()
                .put(put.build().unwrap())
                .build(),
        );

    let refused = request.send().await.unwrap_err().into_service_error();

    assert!(refused.is_transaction_canceled_exception());
    let all = client.scan().table_name("Things").send().await.unwrap();
    assert_eq!(all.count(), 0);
}

/// Gives the table an index of the items that have `Pending`, in the order of `Applied`.
async fn index_pending(client: &Client) {
    let attribute = |name: &str| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        let attribute = attribute.attribute_type(ScalarAttributeType::S);
        attribute.build().unwrap()
    };
    let key = |name: &str, kind| {
        let key = KeySchemaElement::builder().attribute_name(name);
        key.key_type(kind).build().unwrap()
    };
    let all = Projection::builder().projection_type(ProjectionType::All);
    let index = CreateGlobalSecondaryIndexAction::builder()
        .index_name("pending")
        .key_schema(key("Pending", KeyType::Hash))
        .key_schema(key("Applied", KeyType::Range))
        .projection(all.build())
        .build()
        .unwrap();
    let attributes = ["PK", "SK", "Pending", "Applied"].map(attribute);
    client
        .update_table()
        .table_name("Things")
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.into()))
        .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(index).build())
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_sparse_index_lists_only_items_with_its_key_in_order() {
    let (_local, client) = with_table().await;
    index_pending(&client).await;
    for (name, applied, pending) in [("a", "2", true), ("b", "1", true), ("c", "0", false)] {
        let put = client
            .put_item()
            .table_name("Things")
            .item("PK", s(name))
            .item("SK", s("-"));
        let put = put.item("Applied", s(applied));
        let put = if pending {
            put.item("Pending", s("yes"))
        } else {
            put
        };
        put.send().await.unwrap();
    }
    let names = async || {
        let found = client
            .query()
            .table_name("Things")
            .index_name("pending")
            .key_condition_expression("Pending = :yes")
            .expression_attribute_values(":yes", s("yes"))
            .send()
            .await
            .unwrap();
        let names: Vec<_> = found
            .items()
            .iter()
            .map(|item| item["PK"].as_s().unwrap().clone())
            .collect();
        names
    };
    assert_eq!(names().await, ["b", "a"]);

    let update = client
        .update_item()
        .table_name("Things")
        .key("PK", s("b"))
        .key("SK", s("-"));
    update
        .update_expression("REMOVE Pending")
        .send()
        .await
        .unwrap();
    assert_eq!(names().await, ["a"]);
}

#[tokio::test]
async fn the_segments_of_a_parallel_scan_are_the_table_without_overlap() {
    let (_local, client) = with_table().await;
    for number in 0..60 {
        put(&client, "Things", &format!("k{number}"), n(number)).await;
    }
    let mut seen = BTreeSet::new();
    let mut count = 0;
    for segment in 0..4 {
        let mut pages = client
            .scan()
            .table_name("Things")
            .segment(segment)
            .total_segments(4)
            .limit(7)
            .into_paginator()
            .items()
            .send();
        while let Some(item) = pages.try_next().await.unwrap() {
            seen.insert(item["PK"].as_s().unwrap().clone());
            count += 1;
        }
    }
    assert_eq!((seen.len(), count), (60, 60));
}
