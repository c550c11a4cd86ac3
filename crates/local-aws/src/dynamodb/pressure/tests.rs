use super::*;
use crate::streams;

const TABLES: &str = "CREATE TABLE _tables (table_name TEXT, key_schema TEXT, stream_enabled, stream_label, stream_view_type);
    CREATE TABLE _stream_records (id INTEGER PRIMARY KEY, table_name TEXT, sequence_number TEXT, created_at);
    INSERT INTO _tables VALUES ('T', '[{\"AttributeName\":\"s\",\"KeyType\":\"RANGE\"},{\"AttributeName\":\"p\",\"KeyType\":\"HASH\"}]', 0, NULL, NULL);";

fn ledger() -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let schema = [TABLES, streams::SCHEMA].concat();
    let ledger = Ledger::open(&folder.path().join("db"), &schema).expect("a database");
    (folder, ledger)
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn item(p: &str) -> Value {
    json!({ "p": { "S": p }, "s": { "N": "1" }, "more": { "S": "x" } })
}

fn put(p: &str) -> Map<String, Value> {
    object(json!({ "TableName": "T", "Item": item(p) }))
}

fn transaction(token: &str, puts: &[&str]) -> Map<String, Value> {
    let actions: Vec<Value> = puts.iter().map(|p| json!({ "Put": put(p) })).collect();
    object(json!({ "TransactItems": actions, "ClientRequestToken": token }))
}

/// Begins until the partition is not throttled.
fn begin(
    pressure: &Pressure,
    ledger: &Ledger,
    operation: &str,
    request: &Map<String, Value>,
) -> Result<Running, String> {
    loop {
        match pressure.begin(ledger, operation, request) {
            Ok(running) => return Ok(running),
            Err(reply) => {
                let text = String::from_utf8_lossy(&reply.body).into_owned();
                if !text.contains("ProvisionedThroughputExceeded") {
                    return Err(text);
                }
            }
        }
    }
}

#[test]
fn overlapping_transactions_and_writes_are_in_each_other_s_way() {
    let (_folder, ledger) = ledger();
    let pressure = Pressure::new(1);
    let running = begin(
        &pressure,
        &ledger,
        "TransactWriteItems",
        &transaction("t", &["a", "b"]),
    );
    assert!(running.is_ok());
    let other = begin(
        &pressure,
        &ledger,
        "TransactWriteItems",
        &transaction("u", &["c", "b"]),
    );
    let other = other.expect_err("they share an item");
    assert!(other.contains("[None, TransactionConflict]"), "{other}");
    let plain =
        begin(&pressure, &ledger, "PutItem", &put("a")).expect_err("it is in a transaction");
    assert!(plain.contains("TransactionConflictException"), "{plain}");
    assert!(begin(&pressure, &ledger, "PutItem", &put("c")).is_ok());
    let same = begin(
        &pressure,
        &ledger,
        "TransactWriteItems",
        &transaction("t", &["d"]),
    );
    let same = same.expect_err("the token is in use");
    assert!(same.contains("TransactionInProgressException"), "{same}");
}

#[test]
fn a_partition_is_throttled_at_times_and_not_for_ever() {
    let (_folder, ledger) = ledger();
    let pressure = Pressure::new(1);
    let throttled = (0..2_000).filter(|number| {
        let put = put(&number.to_string());
        pressure.begin(&ledger, "PutItem", &put).is_err()
    });
    let throttled = throttled.count();
    assert!((1..400).contains(&throttled), "{throttled}");
}

#[test]
fn a_late_read_answers_as_before_the_write_and_a_consistent_one_does_not() {
    let (_folder, ledger) = ledger();
    let pressure = Pressure::new(1);
    let running = begin(&pressure, &ledger, "PutItem", &put("a")).expect("it runs");
    let old = object(json!({ "p": { "S": "a" }, "s": { "N": "1" }, "more": { "S": "old" } }));
    pressure.end(running, vec![Some(old.clone())]);
    let read = |consistent: bool| {
        let key = json!({ "p": { "S": "a" }, "s": { "N": "1" } });
        let request = object(json!({ "TableName": "T", "Key": key, "ConsistentRead": consistent }));
        let new = Reply::json(StatusCode::OK, json!({ "Item": item("a") }).to_string());
        let reply = pressure.late(&ledger, "GetItem", &request, new);
        String::from_utf8_lossy(&reply.body).contains("old")
    };
    let late = (0..50).filter(|_| read(false)).count();
    assert!((1..50).contains(&late), "{late}");
    assert!(!(0..50).any(|_| read(true)));
}

#[test]
fn an_item_is_late_in_a_page() {
    let (_folder, ledger) = ledger();
    let pressure = Pressure::new(1);
    let running = begin(&pressure, &ledger, "PutItem", &put("new")).expect("it runs");
    pressure.end(running, vec![None]);
    let request = object(json!({ "TableName": "T" }));
    let page = json!({ "Items": [item("other"), item("new")], "Count": 2, "ScannedCount": 2 });
    let counts = (0..50).map(|_| {
        let reply = Reply::json(StatusCode::OK, page.to_string());
        let reply = pressure.late(&ledger, "Query", &request, reply);
        let answer: Value = serde_json::from_slice(&reply.body).expect("it is JSON");
        assert_eq!(
            answer["Count"],
            answer["Items"].as_array().map_or(0, Vec::len)
        );
        answer["Count"].as_u64().unwrap_or_default()
    });
    let counts: Vec<u64> = counts.collect();
    assert!(counts.contains(&1) && counts.contains(&2), "{counts:?}");
}

#[test]
fn what_is_taken_off_a_batch_is_told() {
    let pressure = Pressure::new(1);
    let batch =
        object(json!({ "RequestItems": { "T": { "Keys": [1, 2, 3], "ConsistentRead": true } } }));
    let left = (0..100).find_map(|_| {
        let mut request = batch.clone();
        let left = pressure.take_off("BatchGetItem", &mut request)?;
        assert_eq!(request["RequestItems"]["T"]["Keys"], json!([1, 2]));
        Some(left)
    });
    let reply = left
        .expect("one in five")
        .tell(Reply::json(StatusCode::OK, "{}"));
    let answer: Value = serde_json::from_slice(&reply.body).expect("it is JSON");
    assert_eq!(
        answer,
        json!({ "UnprocessedKeys": { "T": { "Keys": [3], "ConsistentRead": true } } })
    );
}
