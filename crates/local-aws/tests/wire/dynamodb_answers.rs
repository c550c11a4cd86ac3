//! What DynamoDB answers where dynoxide alone would answer otherwise.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use local_aws::Pace;
use serde_json::{Value, json};

use crate::local::{Local, eventually};
use crate::raw::{dynamodb, refused};

const INVALID: &str = "ValidationException";

/// A stack with the table `T`: partition key `pk`, both images in its stream, the index `gix` on `g`.
async fn stack() -> Local {
    let local = Local::start().await;
    make(&local, "Tab", "NEW_AND_OLD_IMAGES").await;
    local
}

async fn make(local: &Local, table: &str, view: &str) {
    let key = |name: &str| json!([{ "AttributeName": name, "KeyType": "HASH" }]);
    let table_of = json!({
        "TableName": table, "KeySchema": key("pk"), "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }, { "AttributeName": "g", "AttributeType": "S" }],
        "GlobalSecondaryIndexes": [{ "IndexName": "gix", "KeySchema": key("g"), "Projection": { "ProjectionType": "ALL" } }],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": view },
    });
    dynamodb(&local.aws, "CreateTable", table_of).await;
    dynamodb(&local.aws, "DescribeTable", json!({ "TableName": table })).await;
}

fn key(pk: &str) -> Value {
    json!({ "pk": { "S": pk } })
}

async fn put(local: &Local, item: Value) {
    dynamodb(
        &local.aws,
        "PutItem",
        json!({ "TableName": "Tab", "Item": item }),
    )
    .await;
}

async fn item(local: &Local, pk: &str) -> Option<Value> {
    let get = json!({ "TableName": "Tab", "Key": key(pk), "ConsistentRead": true });
    dynamodb(&local.aws, "GetItem", get)
        .await
        .get("Item")
        .cloned()
}

/// An update of the item `pk`, with further members.
fn update(pk: &str, expression: &str, more: Value) -> Value {
    let mut update = json!({ "TableName": "Tab", "Key": key(pk), "UpdateExpression": expression });
    update
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    update
}

/// The names of the events in the stream of a table.
async fn events(local: &Local, table: &str) -> Vec<String> {
    let records = crate::reading::read_all(&local.streams(), &stream(local, table).await).await;
    records
        .iter()
        .map(|record| record.event_name().unwrap().as_str().to_owned())
        .collect()
}

async fn stream(local: &Local, table: &str) -> String {
    let described = dynamodb(&local.aws, "DescribeTable", json!({ "TableName": table })).await;
    described["Table"]["LatestStreamArn"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn an_update_that_only_removes_makes_no_item_and_no_record() {
    let local = stack().await;
    let set = json!({ "ExpressionAttributeValues": { ":s": { "SS": ["1"] } } });
    for (pk, expression, more) in [
        ("a", "REMOVE x", json!({})),
        ("b", "DELETE x :s", set.clone()),
        ("c", "REMOVE x, y DELETE z :s", set),
        (
            "d",
            "REMOVE x",
            json!({ "ReturnValues": "ALL_OLD", "ConditionExpression": "(attribute_not_exists(x))" }),
        ),
    ] {
        let answer = dynamodb(&local.aws, "UpdateItem", update(pk, expression, more)).await;
        assert_eq!(answer, json!({}), "{pk}");
        assert_eq!(item(&local, pk).await, None, "{pk}");
    }
    let legacy = json!({ "TableName": "Tab", "Key": key("e"), "AttributeUpdates": { "x": { "Action": "DELETE" } } });
    dynamodb(&local.aws, "UpdateItem", legacy).await;
    assert_eq!(item(&local, "e").await, None);
    assert_eq!(events(&local, "Tab").await, [""; 0]);
    let capacity = update(
        "a",
        "REMOVE x",
        json!({ "ReturnConsumedCapacity": "TOTAL" }),
    );
    let answer = dynamodb(&local.aws, "UpdateItem", capacity).await;
    assert_eq!(
        answer["ConsumedCapacity"],
        json!({ "TableName": "Tab", "CapacityUnits": 1.0 })
    );
}

#[tokio::test]
async fn an_update_that_only_removes_removes_from_an_item_and_keeps_its_own_condition() {
    let local = stack().await;
    put(
        &local,
        json!({ "pk": { "S": "a" }, "x": { "N": "1" }, "y": { "N": "2" } }),
    )
    .await;
    let condition = |holds: bool, more: Value| {
        let mut members = json!({ "ConditionExpression": if holds { "x = :one" } else { "x > :one" }, "ExpressionAttributeValues": { ":one": { "N": "1" } } });
        members
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        members
    };
    let failed = update("a", "REMOVE y", condition(false, json!({})));
    let (code, _) = refused(&local.aws, "UpdateItem", failed).await;
    assert_eq!(code, "ConditionalCheckFailedException");
    let absent = update("b", "REMOVE y", condition(true, json!({})));
    let (code, _) = refused(&local.aws, "UpdateItem", absent).await;
    assert_eq!(code, "ConditionalCheckFailedException");
    let done = update(
        "a",
        "REMOVE y",
        condition(true, json!({ "ReturnValues": "UPDATED_OLD" })),
    );
    let answer = dynamodb(&local.aws, "UpdateItem", done).await;
    assert_eq!(answer["Attributes"], json!({ "y": { "N": "2" } }));
    assert_eq!(
        item(&local, "a").await,
        Some(json!({ "pk": { "S": "a" }, "x": { "N": "1" } }))
    );
}

#[tokio::test]
async fn a_transaction_that_removes_from_an_absent_item_does_the_rest() {
    let local = stack().await;
    put(&local, json!({ "pk": { "S": "there" }, "x": { "N": "1" } })).await;
    let transaction = json!({ "ClientRequestToken": "once", "TransactItems": [
        { "Update": update("gone", "REMOVE x", json!({})) },
        { "Update": update("there", "REMOVE x", json!({})) },
        { "Put": { "TableName": "Tab", "Item": key("new") } },
    ]});
    for _ in 0..2 {
        dynamodb(&local.aws, "TransactWriteItems", transaction.clone()).await;
    }
    assert_eq!(item(&local, "gone").await, None);
    assert_eq!(item(&local, "there").await, Some(key("there")));
    assert_eq!(item(&local, "new").await, Some(key("new")));
    assert_eq!(events(&local, "Tab").await, ["INSERT", "MODIFY", "INSERT"]);
    let values = json!({ "ConditionExpression": "x = :x", "ExpressionAttributeValues": { ":x": { "N": "1" } } });
    let conditional = json!({ "TransactItems": [{ "Update": update("gone", "REMOVE x", values) }, { "Put": { "TableName": "Tab", "Item": key("never") } }] });
    let (code, message) = refused(&local.aws, "TransactWriteItems", conditional).await;
    assert_eq!(code, "TransactionCanceledException");
    assert!(
        message.contains("[ConditionalCheckFailed, None]"),
        "{message}"
    );
    assert_eq!(item(&local, "never").await, None);
}

#[tokio::test]
async fn a_query_for_an_empty_key_is_refused() {
    let local = stack().await;
    let empty = json!({ ":p": { "S": "" } });
    let table = json!({ "TableName": "Tab", "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": empty });
    let (code, message) = refused(&local.aws, "Query", table).await;
    assert_eq!(code, INVALID);
    assert!(
        message.ends_with("empty string value. Key: pk"),
        "{message}"
    );
    let index = json!({ "TableName": "Tab", "IndexName": "gix", "KeyConditionExpression": "g = :p", "ExpressionAttributeValues": empty });
    let (code, message) = refused(&local.aws, "Query", index).await;
    assert_eq!(code, INVALID);
    assert!(
        message.ends_with("IndexName: gix, IndexKey: g"),
        "{message}"
    );
}

#[tokio::test]
async fn a_key_of_an_index_is_no_larger_than_one_of_a_table() {
    let local = stack().await;
    let item = |size: usize| json!({ "pk": { "S": "a" }, "g": { "S": "x".repeat(size) } });
    put(&local, item(2_048)).await;
    let large = item(2_049);
    let value = json!({ "ExpressionAttributeValues": { ":g": large["g"] } });
    for (operation, request) in [
        ("PutItem", json!({ "TableName": "Tab", "Item": large })),
        ("UpdateItem", update("a", "SET g = :g", value.clone())),
        (
            "BatchWriteItem",
            json!({ "RequestItems": { "Tab": [{ "PutRequest": { "Item": large } }] } }),
        ),
        (
            "TransactWriteItems",
            json!({ "TransactItems": [{ "Update": update("a", "SET g = :g", value) }] }),
        ),
    ] {
        let (code, message) = refused(&local.aws, operation, request).await;
        assert_eq!(code, INVALID, "{operation}");
        assert!(message.contains("IndexKey: g"), "{operation}: {message}");
    }
    let other = json!({ "pk": { "S": "b" }, "h": { "S": "x".repeat(3_000) } });
    put(&local, other).await;
}

#[tokio::test]
async fn all_old_of_a_created_item_is_nothing_and_of_another_the_item() {
    let local = stack().await;
    let set = |pk: &str| {
        let more = json!({ "ReturnValues": "ALL_OLD", "ExpressionAttributeValues": { ":a": { "S": "x" } } });
        update(pk, "SET a = :a", more)
    };
    assert_eq!(
        dynamodb(&local.aws, "UpdateItem", set("n")).await,
        json!({})
    );
    assert_eq!(
        item(&local, "n").await,
        Some(json!({ "pk": { "S": "n" }, "a": { "S": "x" } }))
    );
    // An item that has nothing but its key is an item.
    put(&local, key("bare")).await;
    let answer = dynamodb(&local.aws, "UpdateItem", set("bare")).await;
    assert_eq!(answer["Attributes"], key("bare"));
    let mut failing = set("none");
    failing["ConditionExpression"] = json!("attribute_exists(pk)");
    let (code, _) = refused(&local.aws, "UpdateItem", failing).await;
    assert_eq!(code, "ConditionalCheckFailedException");
    assert_eq!(item(&local, "none").await, None);
}

#[tokio::test]
async fn an_updated_element_of_a_list_is_returned_alone() {
    let local = stack().await;
    put(&local, json!({ "pk": { "S": "1" }, "a": { "M": { "b": { "S": "dog" }, "c": { "L": [{ "N": "1" }, { "N": "2" }] } } } })).await;
    for (kind, value, expected) in [("UPDATED_OLD", "7", "2"), ("UPDATED_NEW", "8", "8")] {
        let more =
            json!({ "ReturnValues": kind, "ExpressionAttributeValues": { ":v": { "N": value } } });
        let answer = dynamodb(
            &local.aws,
            "UpdateItem",
            update("1", "SET a.c[1] = :v", more),
        )
        .await;
        assert_eq!(
            answer["Attributes"],
            json!({ "a": { "M": { "c": { "L": [{ "N": expected }] } } } }),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_transactional_read_returns_just_what_is_projected() {
    let local = stack().await;
    put(
        &local,
        json!({ "pk": { "S": "1" }, "x": { "N": "1" }, "y": { "N": "2" } }),
    )
    .await;
    let get =
        json!({ "Get": { "TableName": "Tab", "Key": key("1"), "ProjectionExpression": "x" } });
    let answer = dynamodb(
        &local.aws,
        "TransactGetItems",
        json!({ "TransactItems": [get] }),
    )
    .await;
    assert_eq!(
        answer["Responses"],
        json!([{ "Item": { "x": { "N": "1" } } }])
    );
}

#[tokio::test]
async fn invalid_expressions_are_refused_by_name() {
    let local = stack().await;
    put(&local, json!({ "pk": { "S": "1" }, "a": { "N": "1" } })).await;
    let many: Vec<String> = (0..101).map(|number| format!(":v{number}")).collect();
    let values: serde_json::Map<String, Value> = many
        .iter()
        .map(|name| (name.clone(), json!({ "N": "1" })))
        .collect();
    for (filter, values) in [
        (
            "Begins_With(pk, :s)".to_owned(),
            json!({ ":s": { "S": "1" } }),
        ),
        (
            vec!["a = :s"; 151].join(" OR "),
            json!({ ":s": { "N": "1" } }),
        ),
        (format!("a IN ({})", many.join(",")), Value::Object(values)),
        ("a < :l".to_owned(), json!({ ":l": { "L": [] } })),
        (
            "a BETWEEN :x AND :y".to_owned(),
            json!({ ":x": { "S": "1" }, ":y": { "N": "1" } }),
        ),
        (
            "a BETWEEN :x AND :y".to_owned(),
            json!({ ":x": { "N": "2" }, ":y": { "N": "1" } }),
        ),
        (
            "attribute_type(a, :x)".to_owned(),
            json!({ ":x": { "S": "DOG" } }),
        ),
    ] {
        let scan = json!({ "TableName": "Tab", "FilterExpression": filter, "ExpressionAttributeValues": values });
        let (code, message) = refused(&local.aws, "Scan", scan).await;
        assert_eq!(code, INVALID, "{filter:.40}");
        assert!(
            message.starts_with("Invalid FilterExpression: "),
            "{message}"
        );
    }
    let condition = json!({ "TableName": "Tab", "Item": key("2"), "ConditionExpression": "Attribute_Not_Exists(pk)" });
    assert_eq!(refused(&local.aws, "PutItem", condition).await.0, INVALID);
    let underscore = update(
        "1",
        "SET _x = :v",
        json!({ "ExpressionAttributeValues": { ":v": { "N": "1" } } }),
    );
    assert_eq!(
        refused(&local.aws, "UpdateItem", underscore).await.0,
        INVALID
    );
    for member in ["ExpressionAttributeValues", "ExpressionAttributeNames"] {
        let put = json!({ "TableName": "Tab", "Item": key("3"), "ConditionExpression": "attribute_not_exists(pk)", member: {} });
        let (code, message) = refused(
            &local.aws,
            "TransactWriteItems",
            json!({ "TransactItems": [{ "Put": put }] }),
        )
        .await;
        assert_eq!(
            (code.as_str(), message),
            (INVALID, format!("{member} must not be empty"))
        );
    }
}

#[tokio::test]
async fn settings_of_tables_are_checked() {
    let local = stack().await;
    let table = |more: Value| {
        let mut table = json!({
            "TableName": "Other", "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
        });
        table
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        table
    };
    for more in [
        json!({}),
        json!({ "BillingMode": "PAY_PER_REQUEST", "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_IMAGES" } }),
        json!({ "BillingMode": "PAY_PER_REQUEST", "StreamSpecification": { "StreamEnabled": true } }),
    ] {
        assert_eq!(
            refused(&local.aws, "CreateTable", table(more.clone()))
                .await
                .0,
            INVALID,
            "{more}"
        );
    }
    let expire = |on: bool, attribute: &str| json!({ "TableName": "Tab", "TimeToLiveSpecification": { "Enabled": on, "AttributeName": attribute } });
    dynamodb(&local.aws, "UpdateTimeToLive", expire(true, "e")).await;
    assert_eq!(
        refused(&local.aws, "UpdateTimeToLive", expire(false, "other"))
            .await
            .0,
        INVALID
    );
    dynamodb(&local.aws, "UpdateTimeToLive", expire(false, "e")).await;
}

#[tokio::test]
async fn a_new_table_is_not_found_until_it_is_active() {
    let pace = Pace {
        table_creation: Duration::from_secs(3_600),
        ..Pace::default()
    };
    let local = Local::start_with(pace).await;
    let table = json!({
        "TableName": "Tab", "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }], "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
    });
    let made = dynamodb(&local.aws, "CreateTable", table).await;
    assert_eq!(made["TableDescription"]["TableStatus"], "CREATING");
    let put = json!({ "TableName": "Tab", "Item": key("1") });
    let (code, _) = refused(&local.aws, "PutItem", put.clone()).await;
    assert_eq!(code, "ResourceNotFoundException");
    let described = dynamodb(&local.aws, "DescribeTable", json!({ "TableName": "Tab" })).await;
    assert_eq!(described["Table"]["TableStatus"], "ACTIVE");
    dynamodb(&local.aws, "PutItem", put).await;
}

#[tokio::test]
async fn items_expire_by_fractions_and_not_by_times_of_long_ago() {
    let pace = Pace {
        upkeep_every: Duration::from_millis(20),
        ..Pace::default()
    };
    let local = Local::start_with(pace).await;
    make(&local, "Tab", "NEW_AND_OLD_IMAGES").await;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    let years = |count: f64| count * 366.0 * 86_400.0;
    for (pk, time) in [
        ("past", format!("{:.0}", now - 60.0)),
        ("fraction", format!("{:.1}", now - 60.5)),
        ("zero", "0".to_owned()),
        ("6 years", format!("{:.0}", now - years(6.0))),
        ("future", format!("{:.0}", now + 3_600.0)),
    ] {
        put(&local, json!({ "pk": { "S": pk }, "e": { "N": time } })).await;
    }
    put(&local, json!({ "pk": { "S": "text" }, "e": { "S": "1" } })).await;
    let expire = json!({ "TableName": "Tab", "TimeToLiveSpecification": { "Enabled": true, "AttributeName": "e" } });
    dynamodb(&local.aws, "UpdateTimeToLive", expire).await;
    let stream = stream(&local, "Tab").await;
    let records = eventually(async || {
        let records = crate::reading::read_all(&local.streams(), &stream).await;
        let removed = records
            .iter()
            .filter(|record| record.event_name().unwrap().as_str() == "REMOVE");
        (removed.count() == 2).then_some(records)
    });
    let by_service = |record: &aws_sdk_dynamodbstreams::types::Record| {
        record
            .user_identity()
            .is_some_and(|by| by.r#type() == Some("Service"))
    };
    for record in records.await {
        assert_eq!(
            by_service(&record),
            record.event_name().unwrap().as_str() == "REMOVE",
            "{record:?}"
        );
    }
    for (pk, left) in [
        ("past", false),
        ("fraction", false),
        ("zero", true),
        ("6 years", true),
        ("future", true),
        ("text", true),
    ] {
        assert_eq!(item(&local, pk).await.is_some(), left, "{pk}");
    }
}

#[tokio::test]
async fn a_table_can_be_named_by_its_arn() {
    let local = stack().await;
    let described = dynamodb(&local.aws, "DescribeTable", json!({ "TableName": "Tab" })).await;
    let arn = described["Table"]["TableArn"].as_str().unwrap();
    assert_eq!(arn, "arn:aws:dynamodb:eu-west-1:000000000000:table/Tab");
    dynamodb(
        &local.aws,
        "PutItem",
        json!({ "TableName": arn, "Item": key("a") }),
    )
    .await;
    let batch = json!({ "RequestItems": { arn: { "Keys": [key("a")] } } });
    dynamodb(&local.aws, "BatchGetItem", batch).await;
    let transaction =
        json!({ "TransactItems": [{ "Delete": { "TableName": arn, "Key": key("a") } }] });
    dynamodb(&local.aws, "TransactWriteItems", transaction).await;
    assert_eq!(item(&local, "a").await, None);
    dynamodb(&local.aws, "DescribeTable", json!({ "TableName": arn })).await;
    // An ARN in an item is the client's own.
    let insert = format!("INSERT INTO Tab VALUE {{'pk': 'arn', 'arn': '{arn}'}}");
    dynamodb(
        &local.aws,
        "ExecuteStatement",
        json!({ "Statement": insert }),
    )
    .await;
    assert_eq!(item(&local, "arn").await.unwrap()["arn"]["S"], arn);
    let elsewhere = arn.replace("eu-west-1", "us-east-1");
    let put = json!({ "TableName": elsewhere, "Item": key("a") });
    refused(&local.aws, "PutItem", put).await;
}

#[tokio::test]
async fn key_conditions_are_taken_with_an_expression() {
    let local = stack().await;
    put(
        &local,
        json!({ "pk": { "S": "1" }, "a": { "N": "1" }, "b": { "N": "2" } }),
    )
    .await;
    let query = json!({
        "TableName": "Tab", "ProjectionExpression": "a",
        "KeyConditions": { "pk": { "AttributeValueList": [{ "S": "1" }], "ComparisonOperator": "EQ" } },
    });
    let answer = dynamodb(&local.aws, "Query", query).await;
    assert_eq!(answer["Items"], json!([{ "a": { "N": "1" } }]));
}

#[tokio::test]
async fn a_write_without_a_change_has_no_record_whatever_the_view() {
    let local = Local::start().await;
    for view in ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"] {
        let table = view.replace('_', "-");
        make(&local, &table, view).await;
        let described = dynamodb(&local.aws, "DescribeTable", json!({ "TableName": table })).await;
        assert_eq!(
            described["Table"]["StreamSpecification"]["StreamViewType"],
            view
        );
        for number in ["1", "1", "2"] {
            let item = json!({ "pk": { "S": "a" }, "n": { "N": number } });
            dynamodb(
                &local.aws,
                "PutItem",
                json!({ "TableName": table, "Item": item }),
            )
            .await;
        }
        assert_eq!(events(&local, &table).await, ["INSERT", "MODIFY"], "{view}");
        let records =
            crate::reading::read_all(&local.streams(), &stream(&local, &table).await).await;
        let change = records[1].dynamodb().unwrap();
        assert_eq!(
            change.new_image().is_some(),
            view.starts_with("NEW"),
            "{view}"
        );
        assert_eq!(change.old_image().is_some(), view.contains("OLD"), "{view}");
        assert_eq!(change.stream_view_type().unwrap().as_str(), view);
        // The key 3 bytes; each image 3 and the attribute n with 3.
        let images = i64::from(view.starts_with("NEW")) + i64::from(view.contains("OLD"));
        assert_eq!(change.size_bytes(), Some(3 + 6 * images), "{view}");
    }
}

#[tokio::test]
async fn what_has_one_answer_is_answered() {
    let local = stack().await;
    let limits = dynamodb(&local.aws, "DescribeLimits", json!({})).await;
    assert_eq!(limits["TableMaxReadCapacityUnits"], 40_000);
    let endpoints = dynamodb(&local.aws, "DescribeEndpoints", json!({})).await;
    assert_eq!(endpoints["Endpoints"][0]["Address"], "localhost");
    let backups = dynamodb(
        &local.aws,
        "DescribeContinuousBackups",
        json!({ "TableName": "Tab" }),
    )
    .await;
    let recovery = &backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
    assert_eq!(recovery["PointInTimeRecoveryStatus"], "DISABLED");
    let none = refused(
        &local.aws,
        "DescribeContinuousBackups",
        json!({ "TableName": "none" }),
    )
    .await;
    assert_eq!(none.0, "TableNotFoundException");
    let (code, message) = refused(&local.aws, "CreateBackup", json!({ "TableName": "Tab" })).await;
    assert_eq!(code, "UnknownOperationException");
    assert!(message.contains("CreateBackup"), "{message}");
}

#[tokio::test]
async fn a_scan_is_in_no_order_of_keys_and_complete_page_by_page() {
    let local = stack().await;
    let names: Vec<String> = (0..30).map(|number| format!("{number:02}")).collect();
    for name in &names {
        put(&local, key(name)).await;
    }
    for limit in [None, Some(7)] {
        let mut found: Vec<String> = Vec::new();
        let mut start = None;
        loop {
            let mut scan = json!({ "TableName": "Tab" });
            for (member, value) in [
                ("Limit", limit.map(Value::from)),
                ("ExclusiveStartKey", start.take()),
            ] {
                if let Some(value) = value {
                    scan[member] = value;
                }
            }
            let page = dynamodb(&local.aws, "Scan", scan).await;
            let items = page["Items"].as_array().unwrap().iter();
            found.extend(items.map(|item| item["pk"]["S"].as_str().unwrap().to_owned()));
            match page.get("LastEvaluatedKey") {
                Some(key) => start = Some(key.clone()),
                None => break,
            }
        }
        assert_ne!(found, names, "{limit:?}");
        found.sort();
        assert_eq!(found, names, "{limit:?}");
    }
}
