use serde_json::json;

use super::*;

fn values(bench: &Bench) -> Vec<(Option<String>, Option<String>)> {
    let value = |image: Option<std::sync::Arc<Value>>| {
        image.and_then(|image| image["V"]["N"].as_str().map(str::to_owned))
    };
    let commits = bench.aws.take_commits().into_iter();
    commits
        .map(|commit| (value(commit.old), value(commit.new)))
        .collect()
}

fn some(number: u64) -> Option<String> {
    Some(number.to_string())
}

#[test]
fn each_write_is_reported_with_the_images_before_and_after() {
    let bench = Bench::new(Adversity::none()).with_table();
    bench.put("a", 1);
    bench.db(
        "UpdateItem",
        json!({
            "TableName": "Things",
            "Key": key("a"),
            "UpdateExpression": "SET V = V + :one",
            "ExpressionAttributeValues": { ":one": { "N": "1" } },
        }),
    );
    bench.db(
        "DeleteItem",
        json!({ "TableName": "Things", "Key": key("a") }),
    );
    assert_eq!(
        values(&bench),
        [(None, some(1)), (some(1), some(2)), (some(2), None)]
    );
    assert!(bench.aws.items("Things").is_empty());
}

#[test]
fn a_report_says_which_table_and_key_who_and_when() {
    let bench = Bench::new(Adversity::none()).with_table();
    bench.pass(5);
    bench.put("a", 1);
    let commits = bench.aws.take_commits();
    let [commit] = commits.as_slice() else {
        panic!("one commit: {commits:?}");
    };
    assert_eq!((commit.table.as_str(), &*commit.key), ("Things", &key("a")));
    assert_eq!(commit.node, 7);
    assert_eq!(commit.at_millis, crate::aws::clock::EPOCH_MILLIS + 5_000);
    assert_eq!(
        bench.aws.items("Things"),
        [std::sync::Arc::new(item("a", 1))]
    );
}

#[test]
fn writes_of_one_transaction_share_a_commit_and_those_of_a_batch_do_not() {
    let bench = Bench::new(Adversity::none()).with_table();
    let transaction = json!({ "TransactItems": [put_action("a", 1), put_action("b", 1)] });
    bench.db("TransactWriteItems", transaction);
    let commits: Vec<u64> = bench
        .aws
        .take_commits()
        .iter()
        .map(|write| write.commit)
        .collect();
    assert_eq!(commits, [1, 1]);
    let put = |sk| json!({ "PutRequest": { "Item": item(sk, 2) } });
    bench.db(
        "BatchWriteItem",
        json!({ "RequestItems": { "Things": [put("a"), put("b")] } }),
    );
    let commits: Vec<u64> = bench
        .aws
        .take_commits()
        .iter()
        .map(|write| write.commit)
        .collect();
    assert_eq!(commits, [2, 3]);
}

#[test]
fn what_failed_or_found_nothing_to_do_is_not_reported() {
    let bench = Bench::new(Adversity::none()).with_table();
    bench.db(
        "DeleteItem",
        json!({ "TableName": "Things", "Key": key("a") }),
    );
    let mut request = put_request("a", 1);
    request["ConditionExpression"] = "attribute_exists(PK)".into();
    bench.db_refused("PutItem", request);
    let mut doomed = put_action("b", 1);
    doomed["Put"]["ConditionExpression"] = "attribute_exists(PK)".into();
    let transaction = json!({ "TransactItems": [put_action("a", 1), doomed] });
    bench.db_refused("TransactWriteItems", transaction);
    assert!(bench.aws.take_commits().is_empty());
}
