//! Gaps of the streams: who repairs them, when, and what is seen of that.

#![cfg(unix)]

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::copied::{Copied, Item, n, s};
use crate::daemon::{Daemon, until};

/// A shard that no stream has.
const LOST_SHARD: &str = "shardId-00000001764000000000-00000000";
/// The items of the table of leases that the tests look at.
const SWEEP: (&str, Option<&str>) = ("SWEEP#arthouse", Some("RECONCILE"));
/// How often a stream processor looks for gaps that nobody told it of.
const LOOK: Duration = Duration::from_secs(60);

fn lost_shard(school: &Copied) -> String {
    format!("{}#{LOST_SHARD}", school.stream_arn("UsersCourses"))
}

/// Puts a gap record as the streams consumer leaves it.
fn gap(school: &Copied) {
    gap_behind(school, "", "2020-01-02T00:00:00+00:00");
}

/// Puts one that begins behind a record.
fn gap_behind(school: &Copied, from: &str, detected_at: &str) {
    let texts = [
        ("PK", "GAP#arthouse".to_owned()),
        ("SK", format!("{}#{from}", lost_shard(school))),
        ("cause", "TRIMMED".to_owned()),
        ("since", "2020-01-01T00:00:00+00:00".to_owned()),
        ("detected_at", detected_at.to_owned()),
    ];
    let item = texts.map(|(name, text)| (name.to_owned(), s(&text)));
    school.put("Leases", item.into());
}

/// Puts a lease of a shard that is gone, as one that was made while there was such a shard.
fn lease_of_lost_shard(school: &Copied) {
    let texts = [
        ("PK", "LEASE#arthouse".to_owned()),
        ("SK", lost_shard(school)),
        ("checkpoint_kind", "TRIM_HORIZON".to_owned()),
        ("checkpoint", "-".to_owned()),
        ("checkpointed_at", "2020-01-02T00:00:00+00:00".to_owned()),
    ];
    let mut item: Item = texts.map(|(name, text)| (name.to_owned(), s(&text))).into();
    item.extend([
        ("parents".to_owned(), AttributeValue::L(Vec::new())),
        ("epoch".to_owned(), n(0)),
        ("load".to_owned(), n(0)),
    ]);
    school.put("Leases", item);
}

/// Starts a stream processor that takes leases over soon.
fn streams(school: &Copied) -> Daemon {
    let arguments = ["--prefix", "x-", "streams", "--lease-duration", "2s"];
    Daemon::start(&arguments, &school.local.endpoint)
}

fn status(school: &Copied) -> Value {
    let status = school.call(&["status", "--json"]);
    status.check(0, &[]);
    status.json()
}

/// Waits until there is no gap; returns what the status then says of the reconciliation.
#[track_caller]
fn until_repaired(school: &Copied) -> Value {
    let no_gap = |status: &Value| status["gaps"] == json!([]);
    let mut status = until("no gap", || status(school), no_gap);
    status["reconciliation"].take()
}

/// Checks the sweep's state, cause, students and notifications.
#[track_caller]
fn check(reconciliation: &Value, expected: Value) {
    let names = ["state", "cause", "students", "notified", "failed"];
    let found = names.map(|name| reconciliation[name].clone());
    assert_eq!(json!(found), expected, "{reconciliation:#}");
}

#[test]
fn a_gap_is_repaired_by_a_stream_processor_by_itself_and_only_then_forgotten() {
    let school = Copied::new();
    gap(&school);
    let before = status(&school);
    assert_eq!(before["gaps"].as_array().unwrap().len(), 1);
    assert_eq!(before["reconciliation"], Value::Null);
    let told = school.call(&["status"]).stdout;
    assert!(told.contains("not repaired yet"), "{told}");
    let looked = school.call(&["reconcile", "--dry-run", "--json"]).json();
    assert_eq!(looked["notified"], json!(5));
    assert_eq!(status(&school)["gaps"].as_array().unwrap().len(), 1);

    let _streams = streams(&school);
    check(
        &until_repaired(&school),
        json!(["finished", "gap", 2, 5, 0]),
    );
    let told = school.call(&["status"]).stdout;
    assert!(told.contains("the last one repairs gaps"), "{told}");
}

#[test]
fn a_gap_that_is_found_is_repaired_at_once() {
    let school = Copied::new();
    let streams = streams(&school);
    let began = Instant::now();
    streams.until("/readyz", 200);
    let shards = || streams.metric("dynamo_streams_shards", "");
    until("both shards to be read", shards, |shards| *shards > 1.5);
    lease_of_lost_shard(&school);
    let swept = || school.get("Leases", SWEEP.0, SWEEP.1);
    until("a repair", swept, Option::is_some);
    check(
        &until_repaired(&school),
        json!(["finished", "gap", 2, 5, 0]),
    );
    assert!(began.elapsed() < LOOK, "it was found by a look");
    assert!(streams.metric("dynamo_streams_gaps_total", "") > 0.5);
}

/// Adds applications like bob's.
fn apply(school: &Copied, students: u64) {
    let applied = ("USER#bob", Some("COURSE#oils#APPLIED"));
    let mut item = school.get("UsersCourses", applied.0, applied.1).unwrap();
    for user in 0..students {
        item.insert("PK".to_owned(), s(&format!("USER#u{user}")));
        school.put("UsersCourses", item.clone());
    }
}

/// What is written as the beginning of a repair whose process was killed.
const BEGUN: &str = "2020-01-03T00:00:00Z";

/// Has a stream processor begin a repair of a gap among 302 students, and kills it on the way. It is left as if that had been long ago:
/// an owner that has been silent for a minute is taken for dead.
fn killed_repair() -> Copied {
    let school = Copied::new();
    apply(&school, 300);
    gap(&school);
    let first = streams(&school);
    let looked_at = || {
        let sweep = school.get("Leases", SWEEP.0, SWEEP.1)?;
        let counts = sweep["Counts"].as_m().ok()?.clone();
        counts["Students"].as_n().ok()?.parse::<u64>().ok()
    };
    until("a first page", looked_at, |count| {
        count.is_some_and(|count| count > 0)
    });
    first.kill();
    school.rewrite("Leases", SWEEP.0, SWEEP.1, |sweep| {
        sweep.extend(["StartedAt", "SavedAt"].map(|name| (name.to_owned(), s(BEGUN))));
    });
    school
}

#[test]
fn a_repair_whose_process_is_killed_is_gone_on_with_by_the_next() {
    let school = killed_repair();
    let left = status(&school);
    assert_eq!(left["gaps"].as_array().unwrap().len(), 1);
    let left = &left["reconciliation"];
    assert_eq!(
        (&left["state"], &left["cause"]),
        (&json!("running"), &json!("gap"))
    );
    assert!(left["students"].as_u64().unwrap() < 302, "{left:#}");

    let _second = streams(&school);
    let repaired = until_repaired(&school);
    check(&repaired, json!(["finished", "gap", 302, 305, 0]));
    assert_eq!(repaired["started_at"], BEGUN, "it was begun anew");
}

#[test]
fn a_gap_that_was_found_after_a_repair_began_gets_its_own_whatever_the_clock_of_the_finder_says() {
    let school = killed_repair();
    gap_behind(
        &school,
        "000000000000000000001",
        "2020-01-01T00:00:00+00:00",
    );
    let _second = streams(&school);
    let repaired = until_repaired(&school);
    check(&repaired, json!(["finished", "gap", 302, 305, 0]));
    assert_ne!(repaired["started_at"], BEGUN, "it was begun before the gap");
}
