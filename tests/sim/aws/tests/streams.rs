use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::reader::Reader;
use super::*;

const BEHAVIOURS: [(Behaviour, f64); 11] = [
    (Behaviour::ShardSplit, 0.1),
    (Behaviour::ShardRolledOver, 0.1),
    (Behaviour::LateChildren, 0.7),
    (Behaviour::OpenParent, 0.5),
    (Behaviour::EndingNumber, 0.3),
    (Behaviour::RecordDelayed, 0.5),
    (Behaviour::EmptyPage, 0.3),
    (Behaviour::ShortRecordsPage, 0.5),
    (Behaviour::LateShardEnd, 0.5),
    (Behaviour::SmallListing, 0.5),
    (Behaviour::ChildrenFirst, 0.5),
];

fn hostile() -> Adversity {
    let none = Adversity::none();
    BEHAVIOURS
        .iter()
        .fold(none, |all, (behaviour, rate)| all.with(*behaviour, *rate))
}

/// The request for an iterator at the horizon.
fn horizon(reader: &Reader, shard: &Value) -> Value {
    json!({ "StreamArn": reader.arn(), "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON" })
}

#[test]
fn records_tell_of_inserts_changes_and_removals_with_both_images() {
    let bench = Bench::new(Adversity::none()).with_table();
    bench.put("a", 1);
    bench.put("a", 2);
    bench.db(
        "DeleteItem",
        json!({ "TableName": "Things", "Key": key("a") }),
    );
    let mut reader = Reader::new(&bench);
    reader.sweep(&bench);
    let told: Vec<(&str, &Value, &Value)> = reader
        .records
        .iter()
        .map(|(_, record)| {
            let change = &record["dynamodb"];
            assert_eq!(change["Keys"], key("a"));
            let name = record["eventName"].as_str().unwrap_or_default();
            (
                name,
                &change["OldImage"]["V"]["N"],
                &change["NewImage"]["V"]["N"],
            )
        })
        .collect();
    let (none, one, two) = (Value::Null, json!("1"), json!("2"));
    let expected = [
        ("INSERT", &none, &one),
        ("MODIFY", &one, &two),
        ("REMOVE", &two, &none),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_write_that_changes_nothing_is_not_told_of() {
    let bench = Bench::new(Adversity::none()).with_table();
    bench.put("a", 1);
    bench.put("a", 1);
    let mut reader = Reader::new(&bench);
    reader.sweep(&bench);
    assert_eq!(reader.records.len(), 1);
    assert_eq!(bench.aws.take_commits().len(), 2);
}

#[test]
fn whatever_shards_do_each_item_is_told_of_in_order_and_once() {
    for seed in 0..30 {
        let mut adversity = hostile();
        adversity.shards = 1 + u32::try_from(seed % 4).unwrap_or(0);
        let bench = Bench::seeded(seed, adversity).with_table();
        let mut reader = Reader::new(&bench);
        let mut written: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for number in 1..=120 {
            let item = format!("{}", number % 7);
            bench.put(&item, number);
            written.entry(item).or_default().push(number);
            if number % 5 == 0 {
                bench.pass(1);
                reader.sweep(&bench);
            }
        }
        for _ in 0..30 {
            bench.pass(5);
            reader.sweep(&bench);
        }
        // An empty page may have hidden the last records from the last sweep.
        bench.aws.heal();
        reader.sweep(&bench);
        assert_eq!(reader.values(), written, "seed {seed}");
    }
}

#[test]
fn each_behaviour_of_streams_strikes() {
    let mut struck: BTreeSet<Behaviour> = BTreeSet::new();
    for seed in 0..10 {
        let bench = Bench::seeded(seed, hostile()).with_table();
        let mut reader = Reader::new(&bench);
        for number in 1..=60 {
            bench.put(&format!("{}", number % 7), number);
            bench.pass(1);
            reader.sweep(&bench);
        }
        struck.extend(bench.aws.struck().into_keys());
    }
    assert_eq!(
        struck,
        BEHAVIOURS.iter().map(|(behaviour, _)| *behaviour).collect()
    );
}

#[test]
fn records_of_one_transaction_surface_at_different_times() {
    let bench = Bench::with(Behaviour::RecordDelayed, 1.0).with_table();
    let actions: Vec<Value> = (0..6)
        .map(|number| put_action(&format!("{number}"), 1))
        .collect();
    bench.db("TransactWriteItems", json!({ "TransactItems": actions }));
    let mut reader = Reader::new(&bench);
    let mut seen = BTreeSet::new();
    for _ in 0..=10 {
        reader.sweep(&bench);
        seen.insert(reader.records.len());
        bench.pass(1);
    }
    assert!(seen.contains(&0) && seen.contains(&6), "{seen:?}");
    assert!(seen.iter().any(|count| (1..6).contains(count)), "{seen:?}");
}

#[test]
fn only_a_closed_shard_has_an_ending_number_and_an_open_looking_parent_has_none() {
    let bench = Bench::new(Adversity::none()).with_table();
    let reader = Reader::new(&bench);
    bench.put("a", 1);
    let is_open = |shard: &Value| {
        shard["SequenceNumberRange"]
            .get("EndingSequenceNumber")
            .is_none()
    };
    assert!(reader.shards(&bench).iter().all(is_open));
    bench.aws.split_shards("Things");
    let open: Vec<bool> = reader.shards(&bench).iter().map(is_open).collect();
    assert_eq!(open, [false, true, true]);

    let certain = Adversity::none()
        .with(Behaviour::ShardSplit, 1.0)
        .with(Behaviour::OpenParent, 1.0);
    let bench = Bench::new(certain).with_table();
    bench.put("a", 1);
    let mut reader = Reader::new(&bench);
    let shards = reader.shards(&bench);
    assert_eq!(shards.len(), 3);
    assert!(shards.iter().all(is_open));
    reader.sweep(&bench);
    assert_eq!(
        reader.records.len(),
        1,
        "the parent ended all the same, and a child was read"
    );
}

#[test]
fn an_open_shard_with_an_ending_number_goes_on_all_the_same() {
    let bench = Bench::with(Behaviour::EndingNumber, 1.0).with_table();
    let mut reader = Reader::new(&bench);
    let shard = reader.shards(&bench).remove(0);
    let range = &shard["SequenceNumberRange"];
    assert!(range["EndingSequenceNumber"].is_string());
    let iterator = bench.streams("GetShardIterator", horizon(&reader, &shard));
    let page = bench.streams("GetRecords", iterator);
    assert!(page["NextShardIterator"].is_string());
    bench.put("a", 1);
    reader.sweep(&bench);
    assert_eq!(reader.values()["a"], [1]);
}

#[test]
fn late_children_are_listed_within_a_minute() {
    let late = Adversity::none()
        .with(Behaviour::ShardSplit, 1.0)
        .with(Behaviour::LateChildren, 1.0);
    let bench = Bench::new(late).with_table();
    let reader = Reader::new(&bench);
    bench.put("a", 1);
    let shards = reader.shards(&bench);
    assert_eq!(shards.len(), 1);
    let children = json!({
        "StreamArn": reader.arn(),
        "ShardFilter": { "Type": "CHILD_SHARDS", "ShardId": shards[0]["ShardId"] },
    });
    let count = || {
        let answer = bench.streams("DescribeStream", children.clone());
        answer["StreamDescription"]["Shards"]
            .as_array()
            .map_or(0, Vec::len)
    };
    assert_eq!(count(), 0);
    bench.pass(60);
    assert_eq!(count(), 2);
    assert_eq!(reader.shards(&bench).len(), 3);
}

#[test]
fn what_was_trimmed_can_t_be_read_and_the_rest_can() {
    let bench = Bench::new(Adversity::none()).with_table();
    let mut reader = Reader::new(&bench);
    let shard = reader.shards(&bench).remove(0);
    let old = bench.streams("GetShardIterator", horizon(&reader, &shard));
    bench.put("a", 1);
    bench.put("a", 2);
    let records = bench.streams("GetRecords", old.clone());
    let first = &records["Records"][0]["dynamodb"]["SequenceNumber"];
    bench.pass(10);
    bench.put("a", 3);
    // A second call, so that the third record is in its shard before the trimming.
    reader.shards(&bench);
    bench.aws.trim_stream("Things", Duration::from_secs(5));
    assert_eq!(
        bench.streams_refused("GetRecords", old),
        "TrimmedDataAccessException"
    );
    let mut after = horizon(&reader, &shard);
    after["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER".into();
    after["SequenceNumber"] = first.clone();
    assert_eq!(
        bench.streams_refused("GetShardIterator", after),
        "TrimmedDataAccessException"
    );
    reader.sweep(&bench);
    assert_eq!(reader.values()["a"], [3]);
}

#[test]
fn records_and_closed_shards_are_gone_after_a_day() {
    let bench = Bench::new(Adversity::none()).with_table();
    let mut reader = Reader::new(&bench);
    bench.put("a", 1);
    let first = reader.shards(&bench).remove(0);
    bench.aws.roll_over_shards("Things");
    bench.put("a", 2);
    bench.pass(23 * 3_600);
    assert_eq!(reader.shards(&bench).len(), 2);
    bench.put("a", 3);
    bench.pass(3_601);
    assert_eq!(reader.shards(&bench).len(), 1);
    let gone = horizon(&reader, &first);
    assert_eq!(
        bench.streams_refused("GetShardIterator", gone),
        "ResourceNotFoundException"
    );
    reader.sweep(&bench);
    assert_eq!(reader.values()["a"], [3]);
}

#[test]
fn iterators_expire_after_fifteen_minutes_or_when_told_to_or_by_chance() {
    let bench = Bench::new(Adversity::none()).with_table();
    let reader = Reader::new(&bench);
    let shard = reader.shards(&bench).remove(0);
    let iterator = || bench.streams("GetShardIterator", horizon(&reader, &shard));
    let refused = |iterator: Value| bench.streams_refused("GetRecords", iterator);

    let old = iterator();
    bench.pass(900);
    bench.streams("GetRecords", old.clone());
    bench.pass(1);
    assert_eq!(refused(old), "ExpiredIteratorException");

    let fresh = iterator();
    bench.aws.expire_iterators("Things");
    assert_eq!(refused(fresh), "ExpiredIteratorException");
    bench.pass(1);
    bench.streams("GetRecords", iterator());

    let unlucky = iterator();
    bench
        .aws
        .set_adversity(Adversity::none().with(Behaviour::IteratorExpired, 1.0));
    assert_eq!(refused(unlucky), "ExpiredIteratorException");
}

#[test]
fn a_throttled_stream_says_so() {
    let bench = Bench::new(Adversity::none()).with_table();
    bench
        .aws
        .set_adversity(Adversity::none().with(Behaviour::StreamsThrottled, 1.0));
    let kinds: BTreeSet<String> = (0..20)
        .map(|_| bench.streams_refused("ListStreams", json!({})))
        .collect();
    let expected = ["LimitExceededException", "ThrottlingException"];
    assert_eq!(kinds, expected.map(str::to_owned).into());
}

#[test]
fn an_empty_page_is_not_the_end() {
    let bench = Bench::with(Behaviour::EmptyPage, 1.0).with_table();
    bench.put("a", 1);
    let mut reader = Reader::new(&bench);
    let shard = reader.shards(&bench).remove(0);
    let iterator = bench.streams("GetShardIterator", horizon(&reader, &shard));
    let page = bench.streams("GetRecords", iterator);
    assert_eq!(page["Records"], json!([]));
    assert!(page["NextShardIterator"].is_string());
    bench.aws.heal();
    reader.sweep(&bench);
    assert_eq!(reader.values()["a"], [1]);
}

#[test]
fn a_stream_that_was_switched_off_can_be_read_to_its_end_for_a_day() {
    let bench = Bench::with(Behaviour::RecordDelayed, 1.0).with_table();
    let mut reader = Reader::new(&bench);
    bench.put("a", 1);
    let off = json!({ "TableName": "Things", "StreamSpecification": { "StreamEnabled": false } });
    bench.db("UpdateTable", off);
    bench.put("a", 2);
    reader.sweep(&bench);
    assert_eq!(reader.values()["a"], [1]);
    let description = bench.streams("DescribeStream", json!({ "StreamArn": reader.arn() }));
    assert_eq!(description["StreamDescription"]["StreamStatus"], "DISABLED");
    bench.pass(86_401);
    let gone = json!({ "StreamArn": reader.arn() });
    assert_eq!(
        bench.streams_refused("DescribeStream", gone),
        "ResourceNotFoundException"
    );
}

#[test]
fn what_was_never_given_out_is_refused() {
    let bench = Bench::new(Adversity::none()).with_table();
    let reader = Reader::new(&bench);
    let cases = [
        (
            "DescribeStream",
            json!({ "StreamArn": "arn:none" }),
            "ResourceNotFoundException",
        ),
        (
            "GetShardIterator",
            horizon(&reader, &json!({})),
            "ResourceNotFoundException",
        ),
        (
            "GetRecords",
            json!({ "ShardIterator": "x" }),
            "ValidationException",
        ),
    ];
    for (operation, request, kind) in cases {
        assert_eq!(bench.streams_refused(operation, request), kind);
    }
}
