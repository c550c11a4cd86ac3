//! Client request tokens: a transaction happens once, also across a restart.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsError, TransactWriteItemsOutput,
};
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use local_aws::Pace;

use crate::local::{Local, create_table, eventually, n, put, s};

type Answer = Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError>>;

/// Adds `amount` to the item's `V`.
fn add(key: &str, amount: i64) -> TransactWriteItem {
    let update = Update::builder().table_name("Things");
    let update = update.key("PK", s(key)).key("SK", s("-"));
    let update = update.update_expression("ADD V :amount");
    let update = update.expression_attribute_values(":amount", n(amount));
    TransactWriteItem::builder()
        .update(update.build().unwrap())
        .build()
}

/// Puts an item on condition that there is none of its key.
fn create(key: &str) -> TransactWriteItem {
    let put = Put::builder().table_name("Things");
    let put = put.item("PK", s(key)).item("SK", s("-"));
    let put = put.condition_expression("attribute_not_exists(PK)");
    let old = ReturnValuesOnConditionCheckFailure::AllOld;
    let put = put.return_values_on_condition_check_failure(old);
    TransactWriteItem::builder()
        .put(put.build().unwrap())
        .build()
}

async fn transact(client: &Client, token: &str, actions: &[TransactWriteItem]) -> Answer {
    client
        .transact_write_items()
        .client_request_token(token)
        .set_transact_items(Some(actions.to_vec()))
        .send()
        .await
}

async fn value(client: &Client, key: &str) -> Option<AttributeValue> {
    let get = client.get_item().table_name("Things").consistent_read(true);
    let got = get
        .key("PK", s(key))
        .key("SK", s("-"))
        .send()
        .await
        .unwrap();
    got.item.and_then(|mut item| item.remove("V"))
}

fn is_mismatch(answer: Answer) -> bool {
    let error = answer.unwrap_err().into_service_error();
    error.is_idempotent_parameter_mismatch_exception()
}

async fn with_table() -> (Local, Client) {
    let local = Local::start().await;
    let client = local.dynamodb();
    create_table(&client, "Things", None).await;
    (local, client)
}

#[tokio::test]
async fn a_repeated_transaction_happens_once_before_and_after_a_restart() {
    let (local, client) = with_table().await;
    let actions = [add("a", 1), create("b")];
    transact(&client, "token", &actions).await.unwrap();
    transact(&client, "token", &actions).await.unwrap();

    let local = local.restart().await;
    let client = local.dynamodb();
    transact(&client, "token", &actions).await.unwrap();

    assert_eq!(value(&client, "a").await, Some(n(1)));
}

#[tokio::test]
async fn a_token_with_other_content_is_a_mismatch_before_and_after_a_restart() {
    let (local, client) = with_table().await;
    transact(&client, "token", &[add("a", 1)]).await.unwrap();
    assert!(is_mismatch(
        transact(&client, "token", &[add("a", 2)]).await
    ));

    let local = local.restart().await;
    let client = local.dynamodb();

    assert!(is_mismatch(
        transact(&client, "token", &[add("a", 2)]).await
    ));
    assert_eq!(value(&client, "a").await, Some(n(1)));
}

#[tokio::test]
async fn concurrent_repeats_of_a_transaction_all_succeed_and_happen_once() {
    let (_local, client) = with_table().await;
    let repeats = (0..16).map(|_| {
        let client = client.clone();
        async move { transact(&client, "token", &[add("a", 1)]).await }
    });
    let repeats: tokio::task::JoinSet<Answer> = repeats.collect();

    for answer in repeats.join_all().await {
        answer.unwrap();
    }

    assert_eq!(value(&client, "a").await, Some(n(1)));
}

#[tokio::test]
async fn a_cancelled_transaction_leaves_its_token_free() {
    let (_local, client) = with_table().await;
    put(&client, "Things", "b", n(7)).await;
    let actions = [add("a", 1), create("b")];

    let cancelled = transact(&client, "token", &actions).await;
    assert!(cancelled.is_err());
    assert_eq!(value(&client, "a").await, None);
    let delete = client.delete_item().table_name("Things");
    delete
        .key("PK", s("b"))
        .key("SK", s("-"))
        .send()
        .await
        .unwrap();
    transact(&client, "token", &actions).await.unwrap();

    assert_eq!(value(&client, "a").await, Some(n(1)));
}

#[tokio::test]
async fn a_cancellation_gives_a_reason_for_each_action_and_the_item_that_was_there() {
    let (_local, client) = with_table().await;
    put(&client, "Things", "b", n(7)).await;

    let actions = [add("a", 1), create("b"), create("c")];
    let error = transact(&client, "token", &actions).await.unwrap_err();

    let error = error.into_service_error();
    let message = error.meta().message().unwrap();
    assert!(
        message.ends_with("[None, ConditionalCheckFailed, None]"),
        "{message}"
    );
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("{error:?}");
    };
    let reasons = cancelled.cancellation_reasons();
    let codes: Vec<_> = reasons
        .iter()
        .map(|reason| reason.code().unwrap())
        .collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed", "None"]);
    assert_eq!(reasons[1].item().unwrap()["V"], n(7));
}

#[tokio::test]
async fn a_transaction_of_a_hundred_actions_passes_and_one_more_is_refused() {
    let (_local, client) = with_table().await;
    let actions: Vec<_> = (0..101)
        .map(|number| add(&format!("k{number}"), 1))
        .collect();

    transact(&client, "full", &actions[..100]).await.unwrap();
    transact(&client, "full", &actions[..100]).await.unwrap();
    assert_eq!(value(&client, "k99").await, Some(n(1)));

    let refused = transact(&client, "over", &actions).await;
    let refused = refused.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("ValidationException"));
}

#[tokio::test]
async fn the_table_of_tokens_shows_in_no_list_and_no_capacity() {
    let (_local, client) = with_table().await;
    let answer = client
        .transact_write_items()
        .client_request_token("token")
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .transact_items(add("a", 1))
        .send()
        .await
        .unwrap();

    let charged: Vec<_> = answer
        .consumed_capacity()
        .iter()
        .map(|of| (of.table_name().unwrap(), of.capacity_units().unwrap()))
        .collect();
    assert_eq!(charged, [("Things", 2.0)]);
    let listed = client.list_tables().send().await.unwrap();
    assert_eq!(listed.table_names(), ["Things"]);
}

#[tokio::test]
async fn a_token_is_free_again_after_its_life_and_forgotten() {
    let local = Local::start_with(Pace {
        token_life: Duration::from_millis(200),
        upkeep_every: Duration::from_millis(50),
        ..Pace::default()
    })
    .await;
    let client = local.dynamodb();
    create_table(&client, "Things", None).await;
    transact(&client, "token", &[add("a", 1)]).await.unwrap();

    eventually(async || {
        let answer = transact(&client, "token", &[add("a", 10)]).await;
        answer.is_ok().then_some(())
    })
    .await;
    assert_eq!(value(&client, "a").await, Some(n(11)));

    let file = local.dir.path().join("data").join("dynamodb.sqlite");
    let connection = rusqlite::Connection::open(file).unwrap();
    eventually(async || {
        let sql = "SELECT COUNT(*) FROM \"zzz.local-aws.request-tokens\"";
        let kept: i64 = connection.query_row(sql, [], |row| row.get(0)).ok()?;
        (kept == 0).then_some(())
    })
    .await;
}
