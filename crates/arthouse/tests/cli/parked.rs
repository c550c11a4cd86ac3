//! A record whose reaction always fails: what an operator sees of it, and how its item is brought up to date.

use arthouse::Clients;
use arthouse_worker::Queue;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::daemon::until;
use crate::deployment::{Deployment, WAITING};
use crate::heard::{by_type, heard};
use crate::load;

/// Takes a student's balance away, or gives it back, or marks a session: as no program of ours would.
struct Meddler {
    dynamodb: aws_sdk_dynamodb::Client,
    runtime: tokio::runtime::Runtime,
}

impl Meddler {
    fn of(rig: &Deployment) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let dynamodb = Clients::for_endpoint(rig.endpoint()).dynamodb;
        Self { dynamodb, runtime }
    }

    fn set(&self, key: (&str, &str, &str), name: &str, value: u64) {
        self.set_to(key, name, AttributeValue::N(value.to_string()));
    }

    fn set_to(&self, (table, pk, sk): (&str, &str, &str), name: &str, value: AttributeValue) {
        let update = self.dynamodb.update_item().table_name(table);
        let update = update
            .key("PK", AttributeValue::S(pk.to_owned()))
            .key("SK", AttributeValue::S(sk.to_owned()))
            .update_expression("SET #name = :value")
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":value", value);
        self.runtime.block_on(update.send()).unwrap();
    }

    fn has(&self, (table, pk, sk): (&str, &str, &str), name: &str) -> bool {
        let get = self.dynamodb.get_item().table_name(table);
        let get = get
            .key("PK", AttributeValue::S(pk.to_owned()))
            .key("SK", AttributeValue::S(sk.to_owned()));
        let item = self.runtime.block_on(get.send()).unwrap().item;
        item.is_some_and(|item| item.contains_key(name))
    }
}

const ENROLLMENT: (&str, &str, &str) = ("x-UsersCourses", "USER#ada", "COURSE#oils#PAID");
const SESSION: (&str, &str, &str) = ("x-Sessions", "COURSE#oils", "SESSION#0001#USER#ada");

fn enrol(rig: &Deployment, user: &str) {
    let mine = ["--user", user, "--course", "oils"];
    rig.send(
        &[
            &["course.apply"],
            &mine[..],
            &["--name", "N", "--email", "n@example.com"],
        ]
        .concat(),
    );
    rig.send(&[&["payment.confirm"], &mine[..]].concat());
}

fn attend(rig: &Deployment, user: &str, session: &str) {
    rig.send(&[
        "session.attend",
        "--user",
        user,
        "--course",
        "oils",
        "--session",
        session,
    ]);
}

fn charges(rig: &Deployment, user: &str) -> usize {
    let progress = rig.call(&["progress", "--user", user, "--course", "oils", "--json"]);
    progress.json()["statement"].as_array().map_or(0, Vec::len)
}

fn parked(rig: &Deployment) -> Vec<Value> {
    let status = rig.call(&["status", "--json"]);
    status.check(0, &[]);
    status.json()["parked"].as_array().unwrap().clone()
}

/// Another student's item, and another item of the same student.
fn others_go_on(rig: &Deployment) {
    attend(rig, "ben", "0001");
    until(
        "another student's charge",
        || charges(rig, "ben"),
        |n| *n == 1,
    );
    let mine = ["--user", "ada", "--course", "oils", "--session", "0002"];
    rig.send(
        &[
            &["session.reschedule"],
            &mine[..],
            &["--to", "2099-12-01T18:00:00Z"],
        ]
        .concat(),
    );
}

fn check_shown(rig: &Deployment, items: &[Value]) {
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!(items[0]["table"], "x-Sessions");
    let text = rig.call(&["status"]).stdout;
    let (item_id, key) = (&items[0]["item_id"], &items[0]["key"]);
    assert_eq!(key, &json!(format!("{} {}", SESSION.1, SESSION.2)));
    assert!(
        text.contains("parked since") && text.contains(key.as_str().unwrap()),
        "{text}"
    );
    assert!(!text.contains(item_id.as_str().unwrap()), "{text}");
    assert!(!text.contains("n@example.com"), "{text}");
}

#[test]
fn a_reaction_that_always_fails_holds_up_its_own_item_only_until_it_is_mended_and_redriven() {
    let rig = Deployment::new();
    let meddler = Meddler::of(&rig);
    let worker = rig.start(&["worker", "--wait-time", "1s"]);
    let streams = rig.start(&["streams"]);
    rig.sender(&WAITING)(&load::course()).check(0, &[]);
    for user in ["ada", "ben"] {
        enrol(&rig, user);
    }

    // No charge can be made, and what happens to the session later must wait for it.
    meddler.set(ENROLLMENT, "Balance", 0);
    attend(&rig, "ada", "0001");
    until(
        "the record to be parked",
        || parked(&rig),
        |parked| parked.len() == 1,
    );
    meddler.set(SESSION, "Note", 1);
    let parked_in_all = || streams.metric("dynamo_streams_records_parked_total", "");
    until("the later one to be parked behind it", parked_in_all, |n| {
        *n > 1.5
    });

    others_go_on(&rig);
    let items = parked(&rig);
    check_shown(&rig, &items);

    // Not mended: it stays parked, and says so.
    let vain = rig.call(&["redrive", "--json"]);
    vain.check(6, &[]);
    assert_eq!(vain.json()["remaining"][0]["item_id"], items[0]["item_id"]);
    assert_eq!(vain.json()["remaining"][0]["key"], items[0]["key"]);
    assert_eq!((charges(&rig, "ada"), parked(&rig).len()), (0, 1));

    meddler.set(ENROLLMENT, "Balance", load::COST);
    let redriven = rig.call(&[
        "redrive",
        "--item",
        items[0]["item_id"].as_str().unwrap(),
        "--json",
    ]);
    redriven.check(0, &[]);
    assert_eq!(
        redriven.json(),
        json!({"records": 2, "reopened": [items[0]["item_id"]], "remaining": []})
    );
    assert_eq!((charges(&rig, "ada"), parked(&rig).len()), (1, 0));
    rig.call(&["audit"]).check(0, &[]);
    assert_eq!(
        rig.call(&["redrive"]).stdout.trim(),
        "0 records handled, 0 items up to date again"
    );

    // The item is open again: its next change is reacted to as any other's.
    attend(&rig, "ada", "0003");
    until("the next charge", || charges(&rig, "ada"), |n| *n == 2);
    drop((worker, streams));
}

/// Another program may keep items of its own under the same keys.
#[test]
fn changes_of_items_of_no_known_family_are_passed_over() {
    let rig = Deployment::new();
    let meddler = Meddler::of(&rig);
    let _worker = rig.start(&["worker"]);
    let _streams = rig.start(&["streams"]);
    rig.sender(&WAITING)(&load::course()).check(0, &[]);
    for (table, pk, sk) in [
        ("x-UsersCourses", "USER#ada", "PROFILE"),
        ("x-Sessions", "COURSE#oils", "SESSION#0001#NOTE"),
    ] {
        let put = meddler.dynamodb.put_item().table_name(table);
        let put = put.item("PK", AttributeValue::S(pk.to_owned()));
        let put = put.item("SK", AttributeValue::S(sk.to_owned()));
        meddler.runtime.block_on(put.send()).unwrap();
    }
    enrol(&rig, "ada");
    attend(&rig, "ada", "0001");
    until("the charge", || charges(&rig, "ada"), |n| *n == 1);
    assert_eq!(parked(&rig), [] as [Value; 0]);
}

#[test]
fn a_record_that_cannot_be_processed_is_skipped_by_its_number_and_its_student_repaired() {
    let rig = Deployment::new();
    let meddler = Meddler::of(&rig);
    let worker = rig.start(&["worker"]);
    let streams = rig.start(&["streams"]);
    rig.sender(&WAITING)(&load::course()).check(0, &[]);
    enrol(&rig, "ada");
    meddler.set(ENROLLMENT, "Balance", 0);
    attend(&rig, "ada", "0001");
    until(
        "it to be parked",
        || parked(&rig),
        |parked| parked.len() == 1,
    );
    let stuck = rig.call(&["redrive", "--json"]).json()["remaining"][0].clone();
    let (key, number) = (&stuck["key"], &stuck["sequence_number"]);
    let (key, number) = (key.as_str().unwrap(), number.as_str().unwrap());
    let skip = [
        "redrive",
        "--item",
        key,
        "--skip",
        number,
        "--reason",
        "no charge",
        "--json",
    ];

    // Its student can't be repaired either: it stays parked, and nothing is lost.
    let vain = rig.call(&skip);
    vain.check(6, &[]);
    assert_eq!((charges(&rig, "ada"), parked(&rig).len()), (0, 1));

    meddler.set(ENROLLMENT, "Balance", load::COST);
    let skipped = rig.call(&skip);
    skipped.check(0, &[]);
    assert_eq!(skipped.json()["records"], 0);
    assert_eq!(skipped.json()["skipped"][0]["key"], key);
    assert_eq!((charges(&rig, "ada"), parked(&rig).len()), (1, 0));
    let text = rig.call(&["status"]).stdout;
    assert!(
        text.contains("skipped on") && text.contains("no charge"),
        "{text}"
    );
    assert!(!text.contains("parked since"), "{text}");
    rig.call(&skip).check(5, &["has no parked records"]);
    rig.call(&["redrive", "--skip", number, "--reason", "x"])
        .check(2, &["--item"]);
    rig.call(&["audit"]).check(0, &[]);
    drop((worker, streams));
}

#[test]
fn a_record_whose_own_image_cannot_be_read_has_a_way_out() {
    let rig = Deployment::new();
    let meddler = Meddler::of(&rig);
    let worker = rig.start(&["worker"]);
    let streams = rig.start(&["streams"]);
    rig.sender(&WAITING)(&load::course()).check(0, &[]);
    enrol(&rig, "ada");
    let initialised = || meddler.has(ENROLLMENT, "SessionsInitializedAt");
    until("the sessions", initialised, |initialised| *initialised);
    let cost = load::COST.to_string();
    meddler.set_to(ENROLLMENT, "Balance", AttributeValue::S(cost.clone()));
    meddler.set_to(ENROLLMENT, "Balance", AttributeValue::N(cost));
    attend(&rig, "ada", "0001");
    until("the charge", || charges(&rig, "ada"), |n| *n == 1);
    let parked_in_all = || streams.metric("dynamo_streams_records_parked_total", "");
    until("its record to be parked", parked_in_all, |n| *n > 2.5);
    let stuck = rig.call(&["redrive"]);
    stuck.check(6, &[]);
    for shown in ["still parked", ENROLLMENT.1, ENROLLMENT.2, "Balance"] {
        assert!(stuck.stdout.contains(shown), "{}", stuck.stdout);
    }

    let skipped = rig.call(&["redrive", "--skip-unreadable", "--json"]);
    skipped.check(0, &[]);
    let skipped = skipped.json();
    let numbers = skipped["skipped"].as_array().unwrap();
    assert_eq!((numbers.len(), &skipped["records"]), (2, &json!(1)));
    assert_eq!(parked(&rig), Vec::<Value>::new());
    let told = by_type(&heard(&rig, Queue::Notifications, 4));
    assert_eq!(told.get("session.attended"), Some(&1), "{told:?}");
    rig.call(&["audit"]).check(0, &[]);
    let done = || streams.metric("dynamo_streams_records_done_total", "");
    let before = done();
    attend(&rig, "ada", "0002");
    until("the item to go on", done, |n| *n > before + 1.5);
    drop((worker, streams));
}
