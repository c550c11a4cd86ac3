use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::copied::{Copied, Item, n, s};

const ADA: (&str, &str, Option<&str>) = ("UsersCourses", "USER#ada", Some("COURSE#oils#PAID"));
const FIRST: (&str, &str, Option<&str>) =
    ("Sessions", "COURSE#oils", Some("SESSION#0001#USER#ada"));
const THIRD: (&str, &str, Option<&str>) =
    ("Sessions", "COURSE#oils", Some("SESSION#0003#USER#ada"));
const RECEIPT: (&str, &str, Option<&str>) = ("Commands", "COMMAND#urn:test#attend", None);

type Place = (&'static str, &'static str, Option<&'static str>);

/// The audit finds these: number, whether it is only not settled, and the key.
#[track_caller]
fn check(school: &Copied, what: &str, code: i32, expected: &[(u8, bool, Place)]) {
    let ended = school.call(&["audit", "--json"]);
    assert_eq!(ended.code, Some(code), "{what}: {ended:?}");
    let report = ended.json();
    let found: Vec<Value> = report["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            json!([
                found["invariant"],
                found["pending"],
                found["table"],
                found["pk"],
                found["sk"]
            ])
        })
        .collect();
    let expected: Vec<Value> = expected
        .iter()
        .map(|(number, pending, (table, pk, sk))| json!([number, pending, table, pk, sk]))
        .collect();
    assert_eq!(found, expected, "{what}: {report:#}");
    let pending = expected
        .iter()
        .filter(|found| found[1] == json!(true))
        .count();
    assert_eq!(report["pending"], json!(pending));
    assert_eq!(report["violated"], json!(expected.len() - pending));
}

/// Writes an item in another way, checks what the audit finds, and puts it back.
#[track_caller]
fn broken(
    school: &Copied,
    what: &str,
    (table, pk, sk): Place,
    change: impl FnOnce(&mut Item),
    code: i32,
    expected: &[(u8, bool, Place)],
) {
    let before = school.rewrite(table, pk, sk, change);
    check(school, what, code, expected);
    school.put(table, before);
}

fn set(name: &'static str, value: AttributeValue) -> impl FnOnce(&mut Item) {
    move |item| drop(item.insert(name.to_owned(), value))
}

fn charges(item: &mut Item) -> &mut std::collections::HashMap<String, AttributeValue> {
    let Some(AttributeValue::M(charges)) = item.get_mut("Charges") else {
        panic!("no charges");
    };
    charges
}

#[test]
fn each_violation_that_tables_can_show_is_named_by_its_number_and_key() {
    let school = Copied::new();
    check(&school, "the healthy school", 0, &[]);
    enrollments(&school);
    statements(&school);
    sessions(&school);
    receipts(&school);
    check(&school, "the school put right", 0, &[]);

    foreign(&school);
    broken(
        &school,
        "both",
        ADA,
        set("Balance", n(1)),
        6,
        &[(1, false, ADA)],
    );
}

/// Another program's items are counted and named once, and no reason to fail.
fn foreign(school: &Copied) {
    for (sk, items) in [("PROFILE", 1), ("COURSE#oils#NOTES", 2)] {
        let foreign = [("PK", "USER#ada"), ("SK", sk)];
        let foreign = foreign.map(|(name, text)| (name.to_owned(), s(text)));
        school.put("UsersCourses", foreign.into());
        let ended = school.call(&["audit"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(
            ended
                .stdout
                .contains(&format!(" {items} items of UsersCourses")),
            "{ended:?}"
        );
        assert_eq!(ended.stdout.matches("USER#ada ").count(), 1, "{ended:?}");
        let ended = school.call(&["reconcile"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.stdout.matches("USER#ada ").count(), 1, "{ended:?}");
        assert!(
            ended.stdout.contains(&format!(" {items} foreign")),
            "{ended:?}"
        );
        school
            .call(&["progress", "--user", "ada", "--course", "oils"])
            .check(0, &[]);
    }
    let note = [("PK", "COURSE#oils"), ("SK", "SESSION#0001#NOTE")];
    let note = note.map(|(name, text)| (name.to_owned(), s(text)));
    school.put("Sessions", note.into());
    school
        .call(&["roster", "--course", "oils", "--session", "1"])
        .check(0, &[]);
}

const COURSE: Place = ("Courses", "COURSE#oils", Some("DETAILS"));

/// No invariant is about a course, but students can't apply for one that can't be read.
#[test]
fn a_course_that_can_not_be_read_and_a_schedule_without_dates_are_listed() {
    let school = Copied::new();
    let (table, pk, sk) = COURSE;
    let before = school.rewrite(table, pk, sk, set("Cost", s("12000")));
    let ended = school.call(&["audit"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let told = "Courses COURSE#oils DETAILS can't be read: course: Cost is a text: must be a whole number; give the course the right \
                value with `course.update`";
    assert!(ended.stdout.contains(told), "{ended:?}");
    school.put(table, before);

    let refused = s("DTSTART;TZID=Europe/London:20300107T180000\nRRULE:FREQ=WEEKLY;BYDAY=1MO");
    for (at, (table, pk, sk)) in [COURSE, ADA].into_iter().enumerate() {
        school.rewrite(table, pk, sk, set("Schedule", refused.clone()));
        let ended = school.call(&["audit", "--json"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let report = ended.json();
        assert_eq!(report["refused"], json!(at + 1), "{report:#}");
        let listed = &report["refused_schedules"][at];
        assert_eq!((&listed["pk"], &listed["sk"]), (&json!(pk), &json!(sk)));
    }
}

/// An attribute of the wrong type shows nothing about an invariant.
#[test]
fn an_item_that_can_not_be_read_is_named_with_its_attribute_and_is_no_violation() {
    let school = Copied::new();
    for ((table, pk, sk), name, value, problem) in [
        (
            ADA,
            "Balance",
            s("12000"),
            "enrolment: Balance is a text: must be a whole number",
        ),
        (
            FIRST,
            "SessionCost",
            s("zq9"),
            "session: SessionCost is a text: must be a whole number",
        ),
        (
            RECEIPT,
            "At",
            n(7),
            "receipt: At is a number: must be a text",
        ),
    ] {
        let before = school.rewrite(table, pk, sk, set(name, value));
        let key = [Some(pk), sk].into_iter().flatten().collect::<Vec<_>>();
        let told = format!("{table} {} can't be read: {problem}", key.join(" "));
        let ended = school.call(&["audit"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        for expected in [
            &*told,
            "correct it in the table",
            " 0 violations",
            " 1 items that can't be read",
        ] {
            assert!(ended.stdout.contains(expected), "{expected}: {ended:?}");
        }
        assert_eq!(ended.stdout.matches(&told).count(), 1, "{ended:?}");
        if table != "Commands" {
            let ended = school.call(&["reconcile"]);
            assert_eq!(ended.code, Some(6), "{ended:?}");
            assert!(ended.stdout.contains(&told), "{ended:?}");
            let mine = ["--user", "ada", "--course", "oils"];
            let ended = school.call(&[&["progress"], &mine[..]].concat());
            assert!(ended.stderr.contains(&told), "{ended:?}");
        }
        school.put(table, before);
    }
}

fn enrollments(school: &Copied) {
    broken(
        school,
        "a balance",
        ADA,
        set("Balance", n(999)),
        6,
        &[(1, false, ADA)],
    );
    broken(
        school,
        "a debt",
        ADA,
        set("Balance", n(-1)),
        6,
        &[(1, false, ADA)],
    );
    let remaining = |count| set("SessionsRemaining", n(count));
    broken(
        school,
        "remaining",
        ADA,
        remaining(3),
        6,
        &[(3, false, ADA)],
    );
    broken(
        school,
        "less than none",
        ADA,
        remaining(-1),
        6,
        &[(3, false, ADA)],
    );
    applied_and_paid(school);
}

fn applied_and_paid(school: &Copied) {
    let (_, pk, _) = ADA;
    let applied = "COURSE#oils#APPLIED";
    let mut application = school
        .get("UsersCourses", "USER#bob", Some(applied))
        .unwrap();
    application.insert("PK".to_owned(), s(pk));
    school.put("UsersCourses", application);
    check(school, "applied and paid", 6, &[(4, false, ADA)]);
    school.delete("UsersCourses", pk, Some(applied));
}

fn statements(school: &Copied) {
    let second_charge = |item: &mut Item| {
        let line = charges(item)["0001#1"].clone();
        charges(item).insert("0001#2".to_owned(), line);
        item.extend([
            ("Balance".to_owned(), n(332)),
            ("SessionsRemaining".to_owned(), n(1)),
        ]);
    };
    broken(
        school,
        "a second charge",
        ADA,
        second_charge,
        6,
        &[(2, false, ADA)],
    );
    let early_charge = |item: &mut Item| {
        let mut line = charges(item)["0001#1"].clone();
        if let AttributeValue::M(line) = &mut line {
            line.insert("Amount".to_owned(), n(333));
        }
        charges(item).insert("0003#1".to_owned(), line);
        item.extend([
            ("Balance".to_owned(), n(333)),
            ("SessionsRemaining".to_owned(), n(1)),
        ]);
    };
    broken(
        school,
        "an early charge",
        ADA,
        early_charge,
        6,
        &[(2, false, THIRD)],
    );
    let uncharged = |item: &mut Item| {
        charges(item).clear();
        item.extend([
            ("Balance".to_owned(), n(1000)),
            ("SessionsRemaining".to_owned(), n(3)),
        ]);
    };
    broken(
        school,
        "no charge yet",
        ADA,
        uncharged,
        0,
        &[(2, true, FIRST)],
    );
}

fn sessions(school: &Copied) {
    let (table, pk, sk) = THIRD;
    let third = school.get(table, pk, sk).unwrap();
    school.delete(table, pk, sk);
    check(school, "a session is gone", 6, &[(5, false, ADA)]);
    let (users, user, paid) = ADA;
    let uninitialised = |item: &mut Item| drop(item.remove("SessionsInitializedAt"));
    let before = school.rewrite(users, user, paid, uninitialised);
    check(school, "sessions to come", 0, &[(5, true, ADA)]);
    school.put(users, before);
    school.put(table, third.clone());
    broken(
        school,
        "a cost",
        THIRD,
        set("SessionCost", n(334)),
        6,
        &[(5, false, THIRD)],
    );

    for (stray, who) in [
        ("SESSION#0001#USER#bob", "of an applicant"),
        ("SESSION#0004#USER#ada", "too many"),
    ] {
        let mut item = third.clone();
        item.insert("SK".to_owned(), s(stray));
        school.put(table, item);
        check(school, who, 6, &[(5, false, ("Sessions", pk, Some(stray)))]);
        school.delete(table, pk, Some(stray));
    }
    broken(
        school,
        "unpaid",
        FIRST,
        set("PaymentStatus", s("Unpaid")),
        6,
        &[(8, false, FIRST)],
    );
    let date = s("2099-11-01T18:00:00Z");
    broken(
        school,
        "half a move",
        THIRD,
        set("RescheduleDate", date),
        6,
        &[(9, false, THIRD)],
    );
}

fn receipts(school: &Copied) {
    let found = &[(6, false, RECEIPT)];
    broken(
        school,
        "two outcomes",
        RECEIPT,
        set("Rejection", s("TOO_LATE")),
        6,
        found,
    );
    broken(
        school,
        "no outcome",
        RECEIPT,
        |item| drop(item.remove("Outcome")),
        6,
        found,
    );
    broken(
        school,
        "a short life",
        RECEIPT,
        set("ExpiresAt", n(1_800_000_000)),
        6,
        found,
    );
    broken(
        school,
        "no digest",
        RECEIPT,
        set("PayloadHash", s("x")),
        6,
        found,
    );
}
