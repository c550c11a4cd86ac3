//! Batches of the streams.

use std::sync::Arc;

use arthouse_store::Table;
use arthouse_tests::{Letter, World, eventually};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types::{Record, ShardIteratorType};
use dynamo_streams::Operations;
use serde_json::{Value, json};

use crate::TIMEOUT;
use crate::function::Function;
use crate::mapping::{StreamMapping, record_event};

/// Puts an item that no code of ours has written.
async fn put(world: &World, user: &str, attributes: &[(&str, &str)]) {
    let table = world.stack.names.tables.name(Table::UsersCourses);
    let mut request = world.stack.clients.dynamodb.put_item().table_name(table);
    let key = [
        ("PK", format!("USER#{user}")),
        ("SK", "COURSE#w1#PAID".to_owned()),
    ];
    let own = attributes
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    for (name, value) in key.into_iter().chain(own) {
        request = request.item(name, AttributeValue::S(value));
    }
    request.send().await.unwrap();
}

async fn remove(world: &World, user: &str) {
    let table = world.stack.names.tables.name(Table::UsersCourses);
    let request = world.stack.clients.dynamodb.delete_item().table_name(table);
    let request = request.key("PK", AttributeValue::S(format!("USER#{user}")));
    let request = request.key("SK", AttributeValue::S("COURSE#w1#PAID".to_owned()));
    request.send().await.unwrap();
}

/// Reads the first records of the stream of UsersCourses and writes the event of them.
async fn records(world: &World, count: usize) -> Vec<Value> {
    let client = &world.stack.clients.streams;
    let table = world.stack.names.tables.name(Table::UsersCourses);
    let streams = client
        .list_streams()
        .table_name(table)
        .send()
        .await
        .unwrap();
    let arn = streams.streams.unwrap().remove(0).stream_arn.unwrap();
    let stream = client
        .describe_stream()
        .stream_arn(&arn)
        .send()
        .await
        .unwrap();
    let shard = stream.stream_description.unwrap().shards.unwrap().remove(0);
    let request = client.get_shard_iterator().stream_arn(&arn);
    let request = request.shard_id(shard.shard_id.unwrap());
    let request = request.shard_iterator_type(ShardIteratorType::TrimHorizon);
    let iterator = request.send().await.unwrap().shard_iterator.unwrap();
    let records: Vec<Record> = eventually("the records", || async {
        let page = client
            .get_records()
            .shard_iterator(&iterator)
            .send()
            .await
            .unwrap();
        page.records.filter(|records| records.len() == count)
    })
    .await;
    records
        .iter()
        .map(|record| record_event(&arn, record))
        .collect()
}

fn number(record: &Value) -> Value {
    record["dynamodb"]["SequenceNumber"].clone()
}

fn operations(world: &World) -> Operations {
    let client = world.stack.clients.dynamodb.clone();
    let leases = world.stack.names.tables.leases();
    Operations::new(client, &leases, arthouse_worker::APPLICATION).unwrap()
}

/// What comes to the stream's dead-letter queue.
async fn notices(world: &World, count: usize) -> Vec<Value> {
    let (client, url) = (
        world.stack.clients.sqs.clone(),
        world.stack.queues.stream_dlq.clone(),
    );
    let inbox = arthouse_tests::Inbox::of(client, url);
    let all = |letters: &[Letter]| {
        let events = || letters.iter().map(|letter| letter.event.clone()).collect();
        (letters.len() >= count).then(events)
    };
    inbox.wait("notices", all).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_reacted_to_is_parked_with_what_follows_and_blocks_nothing() {
    let world = World::idle().await;
    let function = Function::start(&world, TIMEOUT).await;
    put(&world, "zoe", &[("ContactInfo", "zoe@contact.example")]).await;
    put(
        &world,
        "zoe",
        &[("ContactInfo", "zoe@contact.example"), ("Balance", "none")],
    )
    .await;
    remove(&world, "nobody").await;
    put(&world, "eve", &[]).await;
    remove(&world, "eve").await;
    let batch = records(&world, 4).await;

    let response = function.invoke(json!({ "Records": batch })).await.unwrap();

    assert_eq!(response, json!({"batchItemFailures": []}));
    let items = operations(&world).parked_items().await.unwrap();
    assert_eq!(items.len(), 2);
    let mut parked = Vec::new();
    for item in &items {
        parked.extend(
            operations(&world)
                .parked_records(item.item_id, 10)
                .await
                .unwrap(),
        );
    }
    let mut kept: Vec<_> = parked
        .iter()
        .map(|parked| (parked.record.sequence_number.clone(), parked.behind))
        .collect();
    kept.sort();
    let kept: Vec<_> = kept
        .into_iter()
        .map(|(number, behind)| (json!(number), behind))
        .collect();
    let expected = [false, true, false, true];
    let expected: Vec<_> = batch.iter().map(number).zip(expected).collect();
    assert_eq!(kept, expected);
    let notices = notices(&world, 4).await;
    assert!(
        notices.iter().all(|notice| notice["kind"] == "parked"),
        "{notices:?}"
    );
    let told = format!("{notices:?} {}", function.log());
    assert!(!told.contains("contact.example"), "{told}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_before_one_that_cannot_be_read_are_done_and_its_number_is_the_answer() {
    let world = World::idle().await;
    let function = Function::start(&world, TIMEOUT).await;
    for user in ["a", "b", "c"] {
        put(&world, user, &[]).await;
    }
    let mut batch = records(&world, 3).await;
    batch[1]["dynamodb"]["NewImage"]["Title"] = json!({"Z": "?"});

    let response = function.invoke(json!({ "Records": batch })).await.unwrap();

    let expected = json!({"batchItemFailures": [{"itemIdentifier": number(&batch[1])}]});
    assert_eq!(response, expected);
    let items = operations(&world).parked_items().await.unwrap();
    assert_eq!(
        items.len(),
        1,
        "the first was handled, as far as it can be, and the third not begun"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_tried_again_from_the_first_failure_on() {
    let world = World::idle().await;
    let function = Arc::new(Function::start(&world, TIMEOUT).await);
    put(&world, "a", &[]).await;
    remove(&world, "a").await;
    let batch = records(&world, 2).await;
    // Without the lease table nobody knows whether an item has parked records.
    let leases = world.stack.names.tables.leases();
    let delete = world
        .stack
        .clients
        .dynamodb
        .delete_table()
        .table_name(&leases);
    delete.send().await.unwrap();
    let response = function.invoke(json!({ "Records": batch })).await.unwrap();
    let expected = json!({"batchItemFailures": [{"itemIdentifier": number(&batch[0])}]});
    assert_eq!(response, expected);

    // The mapping gives up on each and tells where they are.
    let mapping = StreamMapping::new(&world, &function, Table::UsersCourses);
    let running = mapping.run();
    let pointers = notices(&world, 2).await;
    drop(running);
    for (pointer, record) in pointers.iter().zip(&batch) {
        assert_eq!(
            pointer["DDBStreamBatchInfo"]["startSequenceNumber"],
            number(record)
        );
    }

    dynamo_streams::create_lease_table(&world.stack.clients.dynamodb, &leases)
        .await
        .unwrap();
    let response = function.invoke(json!({ "Records": batch })).await.unwrap();
    assert_eq!(response, json!({"batchItemFailures": []}));
    world.stop().await;
}
