use serde_json::json;

use super::*;

fn transaction(token: &str, actions: &[Value]) -> Value {
    json!({ "TransactItems": actions, "ClientRequestToken": token })
}

#[test]
fn a_table_says_what_was_asked_for_and_nothing_of_the_real_clock() {
    let describe = || {
        let bench = Bench::new(Adversity::none()).with_table();
        bench.db("DescribeTable", json!({ "TableName": "Things" }))
    };
    let table = describe();
    assert_eq!(table["Table"]["StreamSpecification"]["StreamEnabled"], true);
    assert_eq!(table["Table"]["CreationDateTime"], 1_767_603_600);
    assert!(table["Table"]["LatestStreamArn"].is_string());
    assert_eq!(table, describe());
}

#[test]
fn a_failed_condition_shows_the_item_and_changes_nothing() {
    let bench = Bench::new(Adversity::none()).with_table();
    bench.put("a", 1);
    let mut request = put_request("a", 2);
    request["ConditionExpression"] = "attribute_not_exists(PK)".into();
    request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD".into();
    let reply = bench.reply("DynamoDB_20120810.PutItem", request);
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["Item"]["V"]["N"], "1");
    assert_eq!(bench.get("a").as_deref(), Some("1"));
}

#[test]
fn a_stream_is_switched_only_to_where_it_is_not() {
    let bench = Bench::new(Adversity::none()).with_table();
    let switch = |on: bool| {
        let mut specification = json!({ "StreamEnabled": on });
        if on {
            specification["StreamViewType"] = "NEW_AND_OLD_IMAGES".into();
        }
        json!({ "TableName": "Things", "StreamSpecification": specification })
    };
    assert_eq!(
        bench.db_refused("UpdateTable", switch(true)),
        "ValidationException"
    );
    bench.db("UpdateTable", switch(false));
    assert_eq!(
        bench.db_refused("UpdateTable", switch(false)),
        "ValidationException"
    );
    bench.db("UpdateTable", switch(true));
    let streams = bench.streams("ListStreams", json!({ "TableName": "Things" }));
    assert_eq!(streams["Streams"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_request_token_stands_for_its_transaction_for_ten_minutes() {
    let bench = Bench::new(Adversity::none()).with_table();
    let first = transaction("t", &[put_action("a", 1)]);
    bench.db("TransactWriteItems", first.clone());
    bench.put("a", 2);
    bench.db("TransactWriteItems", first.clone());
    assert_eq!(
        bench.get("a").as_deref(),
        Some("2"),
        "it was not carried out again"
    );
    let other = transaction("t", &[put_action("a", 3)]);
    assert_eq!(
        bench.db_refused("TransactWriteItems", other),
        "IdempotentParameterMismatchException"
    );
    bench.pass(600);
    bench.db("TransactWriteItems", first);
    assert_eq!(bench.get("a").as_deref(), Some("1"));
}

#[test]
fn a_cancelled_transaction_keeps_no_token() {
    let bench = Bench::new(Adversity::none()).with_table();
    let mut action = put_action("a", 1);
    action["Put"]["ConditionExpression"] = "attribute_exists(PK)".into();
    let request = transaction("t", &[action]);
    for _ in 0..2 {
        assert_eq!(
            bench.db_refused("TransactWriteItems", request.clone()),
            "TransactionCanceledException"
        );
    }
    bench.put("a", 5);
    bench.db("TransactWriteItems", request);
    assert_eq!(bench.get("a").as_deref(), Some("1"));
}

#[test]
fn what_is_refused_without_cause_leaves_no_trace() {
    let cases = [
        (Behaviour::Throttled, "PutItem", ""),
        (Behaviour::InternalError, "PutItem", "InternalServerError"),
        (
            Behaviour::WriteConflict,
            "PutItem",
            "TransactionConflictException",
        ),
        (
            Behaviour::TransactionConflict,
            "TransactWriteItems",
            "TransactionCanceledException",
        ),
        (
            Behaviour::TransactionInProgress,
            "TransactWriteItems",
            "TransactionInProgressException",
        ),
        (
            Behaviour::TransactionThrottled,
            "TransactWriteItems",
            "TransactionCanceledException",
        ),
    ];
    for (behaviour, operation, kind) in cases {
        let bench = Bench::new(Adversity::none()).with_table();
        bench
            .aws
            .set_adversity(Adversity::none().with(behaviour, 1.0));
        let request = match operation {
            "PutItem" => put_request("a", 1),
            _ => transaction("t", &[put_action("a", 1), put_action("b", 1)]),
        };
        let refused = bench.db_refused(operation, request.clone());
        assert!(
            kind.is_empty() || refused == kind,
            "{behaviour:?}: {refused}"
        );
        assert_eq!(bench.struck(behaviour), 1);
        assert!(bench.aws.take_commits().is_empty());
        bench.aws.heal();
        assert_eq!(bench.get("a"), None, "{behaviour:?}");
        bench.db(operation, request);
        assert_eq!(bench.get("a").as_deref(), Some("1"), "{behaviour:?}");
    }
}

#[test]
fn a_conflict_says_which_actions_it_is_about() {
    let bench = Bench::new(Adversity::none()).with_table();
    bench
        .aws
        .set_adversity(Adversity::none().with(Behaviour::TransactionConflict, 1.0));
    let actions = [put_action("a", 1), put_action("b", 1), put_action("c", 1)];
    let reply = bench.reply(
        "DynamoDB_20120810.TransactWriteItems",
        transaction("t", &actions),
    );
    let reasons = reply.json()["CancellationReasons"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert_eq!(reasons.len(), 3);
    assert!(
        reasons
            .iter()
            .any(|reason| reason["Code"] == "TransactionConflict")
    );
    assert!(
        reasons
            .iter()
            .all(|reason| { reason["Code"] == "TransactionConflict" || reason["Code"] == "None" })
    );
}

#[test]
fn a_batch_read_leaves_keys_for_later_and_loses_none() {
    let bench = Bench::new(Adversity::none()).with_table();
    let mut keys = Vec::new();
    for number in 0..20 {
        let sk = format!("{number:02}");
        bench.put(&sk, number);
        keys.push(key(&sk));
    }
    bench
        .aws
        .set_adversity(Adversity::none().with(Behaviour::UnprocessedKeys, 0.9));
    let mut requested = json!({ "Things": { "Keys": keys, "ConsistentRead": true } });
    let mut read = 0;
    let mut calls = 0;
    while requested
        .as_object()
        .is_some_and(|tables| !tables.is_empty())
    {
        let mut answer = bench.db("BatchGetItem", json!({ "RequestItems": requested }));
        read += answer["Responses"]["Things"].as_array().map_or(0, Vec::len);
        requested = answer["UnprocessedKeys"].take();
        if let Some(of_table) = requested.get("Things") {
            assert_eq!(of_table["ConsistentRead"], true);
        }
        calls += 1;
    }
    assert_eq!(read, 20);
    assert!(calls > 1);
}

#[test]
fn a_batch_of_writes_leaves_some_for_later_and_commits_only_the_others() {
    let bench = Bench::new(Adversity::none()).with_table();
    bench
        .aws
        .set_adversity(Adversity::none().with(Behaviour::UnprocessedItems, 0.9));
    let puts: Vec<Value> = (0..20)
        .map(|number| json!({ "PutRequest": { "Item": item(&format!("{number:02}"), number) } }))
        .collect();
    let mut requested = json!({ "Things": puts });
    let mut committed = 0;
    while requested
        .as_object()
        .is_some_and(|tables| !tables.is_empty())
    {
        let asked = requested["Things"].as_array().map_or(0, Vec::len);
        let mut answer = bench.db("BatchWriteItem", json!({ "RequestItems": requested }));
        requested = answer["UnprocessedItems"].take();
        let left = requested["Things"].as_array().map_or(0, Vec::len);
        let commits = bench.aws.take_commits().len();
        assert_eq!(commits, asked - left);
        committed += commits;
    }
    assert_eq!(committed, 20);
    assert!(bench.struck(Behaviour::UnprocessedItems) > 0);
}

#[test]
fn a_read_that_is_not_consistent_may_be_stale_for_a_second() {
    let bench = Bench::new(Adversity::none()).with_table();
    bench
        .aws
        .set_adversity(Adversity::none().with(Behaviour::StaleRead, 1.0));
    let read = |consistent: bool| {
        let request =
            json!({ "TableName": "Things", "Key": key("a"), "ConsistentRead": consistent });
        bench.db("GetItem", request)["Item"]["V"]["N"]
            .as_str()
            .map(str::to_owned)
    };
    bench.put("a", 1);
    assert_eq!(read(false), None);
    bench.put("a", 2);
    assert_eq!(read(false).as_deref(), Some("1"));
    assert_eq!(read(true).as_deref(), Some("2"));
    bench.pass(1);
    assert_eq!(read(false).as_deref(), Some("2"));
}

#[test]
fn a_query_in_short_pages_finds_all() {
    let bench = Bench::new(Adversity::none()).with_table();
    for number in 0..20 {
        bench.put(&format!("{number:02}"), number);
    }
    bench
        .aws
        .set_adversity(Adversity::none().with(Behaviour::ShortPage, 1.0));
    let mut request = json!({
        "TableName": "Things",
        "KeyConditionExpression": "PK = :p",
        "ExpressionAttributeValues": { ":p": { "S": "p" } },
        "ConsistentRead": true,
    });
    let mut found = 0;
    loop {
        let answer = bench.db("Query", request.clone());
        let count = answer["Items"].as_array().map_or(0, Vec::len);
        assert!(count <= 3);
        found += count;
        match answer.get("LastEvaluatedKey") {
            Some(last) => request["ExclusiveStartKey"] = last.clone(),
            None => break,
        }
    }
    assert_eq!(found, 20);
}
