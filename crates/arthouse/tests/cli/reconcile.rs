use std::process::Stdio;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::copied::{Copied, Item, n, s};
use crate::daemon::until;

const PAID: &str = "COURSE#oils#PAID";

/// Takes ada's charge and two of her sessions away, as if the stream had never told of them.
fn lose(school: &Copied) {
    let undone = |item: &mut Item| {
        item.remove("SessionsInitializedAt");
        item.insert("Charges".to_owned(), AttributeValue::M(Item::new()));
        item.extend([
            ("Balance".to_owned(), n(1000)),
            ("SessionsRemaining".to_owned(), n(3)),
        ]);
    };
    school.rewrite("UsersCourses", "USER#ada", Some(PAID), undone);
    school.delete("Sessions", "COURSE#oils", Some("SESSION#0003#USER#ada"));
}

fn reconcile(school: &Copied, arguments: &[&str]) -> Value {
    let ended = school.call(&[&["reconcile", "--json"], arguments].concat());
    ended.check(0, &[]);
    ended.json()
}

#[track_caller]
fn check(report: &Value, initialised: u64, charged: u64, notified: u64) {
    let names = ["students", "initialised", "charged", "notified", "failed"];
    let found = names.map(|name| report[name].as_u64().unwrap());
    assert_eq!(found, [2, initialised, charged, notified, 0], "{report:#}");
    assert_eq!(report["finished"], json!(true));
}

#[test]
fn what_is_missing_is_listed_then_made_once_and_told_again_only_on_demand() {
    let school = Copied::new();
    school
        .call(&["reconcile", "--resume"])
        .check(5, &["no reconciliation to resume"]);
    check(&reconcile(&school, &[]), 0, 0, 0);
    lose(&school);
    let before = school.get("UsersCourses", "USER#ada", Some(PAID));
    let looked = reconcile(&school, &["--dry-run"]);
    check(&looked, 1, 1, 0);
    let steps: Vec<_> = looked["steps"].as_array().unwrap().iter().collect();
    assert_eq!(steps[0]["what"], "sessions");
    assert_eq!(
        (&steps[1]["what"], &steps[1]["charge_id"]),
        (&json!("charge"), &json!("0001#1"))
    );
    assert!(
        steps
            .iter()
            .all(|step| step["state"] == "due" && step["key"] == format!("USER#ada {PAID}"))
    );
    assert_eq!(school.get("UsersCourses", "USER#ada", Some(PAID)), before);

    check(&reconcile(&school, &[]), 1, 1, 0);
    let audit = school.call(&["audit", "--json"]);
    audit.check(0, &[]);
    assert_eq!(audit.json()["pending"], json!(0));
    check(&reconcile(&school, &[]), 0, 0, 0);
    // Bob's application; ada's payment, sessions, attended session and moved session.
    check(
        &reconcile(&school, &["--since", "2020-01-01T00:00:00Z"]),
        0,
        0,
        5,
    );
    check(
        &reconcile(&school, &["--since", "2099-01-01T00:00:00Z"]),
        0,
        0,
        0,
    );
}

#[test]
fn a_note_that_is_null_is_repaired_once() {
    let school = Copied::new();
    let null = |item: &mut Item| {
        let null = AttributeValue::Null(true);
        drop(item.insert("SessionsInitializedAt".to_owned(), null));
    };
    school.rewrite("UsersCourses", "USER#ada", Some(PAID), null);
    check(&reconcile(&school, &[]), 1, 0, 0);
    let item = school.get("UsersCourses", "USER#ada", Some(PAID)).unwrap();
    assert!(item["SessionsInitializedAt"].is_s(), "{item:?}");
    let again = reconcile(&school, &[]);
    check(&again, 0, 0, 0);
    assert_eq!(again["unchanged"], json!(0));
}

#[test]
fn what_the_tables_contradict_is_told_with_a_code_of_its_own() {
    let school = Copied::new();
    let overdrawn = |item: &mut Item| {
        item.insert("Charges".to_owned(), AttributeValue::M(Item::new()));
        item.insert("Balance".to_owned(), n(1));
    };
    school.rewrite("UsersCourses", "USER#ada", Some(PAID), overdrawn);
    let ended = school.call(&["reconcile"]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.stdout.contains("failed charge 0001#1"), "{ended:?}");
}

#[test]
#[cfg(unix)]
fn a_run_that_was_stopped_is_gone_on_with() {
    let school = Copied::new();
    for user in 0..10 {
        let mut item = school
            .get("UsersCourses", "USER#bob", Some("COURSE#oils#APPLIED"))
            .unwrap();
        item.insert("PK".to_owned(), s(&format!("USER#u{user}")));
        school.put("UsersCourses", item);
    }
    let since = ["--since", "2020-01-01T00:00:00Z"];
    let slow = [&["reconcile", "--rate", "1", "--json"], &since[..]].concat();
    let mut command = school.command(&slow);
    let running = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let students = || {
        let sweep = school.get("Leases", "SWEEP#arthouse", Some("RECONCILE"))?;
        let counts = sweep["Counts"].as_m().ok()?.clone();
        counts["Students"].as_n().ok()?.parse::<u64>().ok()
    };
    until("a first page", students, |count| {
        count.is_some_and(|count| count > 0)
    });
    school
        .call(&["reconcile"])
        .check(1, &["another reconciliation is running"]);
    crate::daemon::signal(running.id(), "INT");
    let ended: crate::rig::Ended = running.wait_with_output().unwrap().into();
    ended.check(1, &["reconcile --resume"]);
    let first = ended.json();
    let done = first["students"].as_u64().unwrap();
    assert!((5..12).contains(&done), "{first:#}");

    let rest = reconcile(&school, &["--resume"]);
    assert_eq!(
        (&rest["students"], &rest["notified"]),
        (&json!(12), &json!(15)),
        "{rest:#}"
    );
    assert!(rest["steps"].as_array().unwrap().len() < 15, "{rest:#}");
}
