//! Contract and parser take the same bodies: every field of every command with every kind of value, and several at once by chance.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::keeps_a_contract;
use crate::{Command, CommandType, schema};

/// What may stand for a value; none of it is a schedule, which the contract does not judge, nor an instant that is in the year 10000 only in
/// UTC, which no pattern tells.
static VALUES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let numbers = [
        "0",
        "-0",
        "-0.0",
        "1",
        "-1",
        "2",
        "14",
        "15",
        "1440",
        "1441",
        "100",
        "101",
        "1000",
        "1001",
        "32768",
        "65536",
        "1.0",
        "1e2",
        "12000.0",
        "0.5",
        "1e-1",
        "100000000000",
        "100000000001",
        "1000000000000",
        "9007199254740991",
        "9007199254740992",
        "9007199254740993.0",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "1e19",
        "1e300",
    ];
    let dates = [
        "2026-10-01T18:00:00Z",
        "2026-10-01t18:00:00z",
        "2026-10-01 18:00:00Z",
        "2026-10-01T18:00:00+01:00",
        "2026-10-01T18:00:00-00:00",
        "2026-10-01T18:00:00",
        "2026-10-01T18:00Z",
        "2026-10-01",
        "2026-10-01T18:00:00.5Z",
        "2026-10-01T18:00:00.123456789Z",
        "2026-10-01T18:00:00.1234567891Z",
        "2026-10-01T18:00:00,5Z",
        "2026-10-01T24:00:00Z",
        "2026-10-01T18:60:00Z",
        "2026-10-01T18:00:60Z",
        "2016-12-31T23:59:60Z",
        "2026-02-29T18:00:00Z",
        "2028-02-29T18:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "10000-01-01T00:00:00Z",
        "-001-01-01T00:00:00Z",
        "2026-10-01T18:00:00+24:00",
        "2026-10-01T18:00:00+0100",
        "+2026-10-01T18:00:00Z",
        " 2026-10-01T18:00:00Z",
        "20261001T180000Z",
        "1969-12-31T23:59:59Z",
    ];
    let texts = [
        "",
        " ",
        "a",
        "1",
        "0001",
        "1.0",
        "1.1",
        "ada",
        "a b",
        "a/b",
        "a#b",
        "é",
        "日本",
        "student",
        "Student",
        "admin",
        "system",
        "GBP",
        "gbp",
        "JPY",
        "XXX",
        "ZZZ",
        "application/json",
        "Application/JSON; charset=utf-8",
        "text/plain",
        "application/cloudevents+json",
        "json",
        "urn:x",
        "not a uri",
        "http://x/%zz",
        "/relative",
        "#",
        "true",
        "null",
        "a\u{7f}b",
        "\u{ffff}",
        "\t",
        "\u{200b}",
        "\u{a0}",
        "a@example.com",
        "a@",
        "@b",
        "a@b",
        "a@b@c",
        "https://pay.example.com/x",
        "javascript:alert(1)",
        "https://",
        "com.digitalarthouse.session.attend.v1",
        "com.digitalarthouse.session.attend.v2",
        "course.create",
    ];
    let lengths = [
        9, 10, 64, 65, 100, 101, 128, 129, 200, 201, 256, 257, 320, 321, 1_000, 1_001, 2_048,
        2_049, 10_000, 10_001,
    ];
    let parse = |number: &str| serde_json::from_str(number).expect(number);
    let mut values: Vec<Value> = numbers.into_iter().map(parse).collect();
    values.extend(dates.into_iter().chain(texts).map(Value::from));
    values.extend(lengths.map(|length| Value::from("x".repeat(length))));
    // Characters of several bytes.
    values
        .extend([128, 129, 256, 257, 10_000, 10_001].map(|length| Value::from("é".repeat(length))));
    values.extend([
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!([1]),
        json!(["ada"]),
        json!([{}]),
        json!({"a": 1}),
    ]);
    values
});

/// Returns where each field of a command is, those of its objects too.
fn fields(event_schema: &Value) -> Vec<String> {
    fn walk(schema: &Value, place: &str, found: &mut Vec<String>) {
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("{place}/{name}");
            walk(inner, &place, found);
            found.push(place);
        }
    }
    let mut found = Vec::new();
    walk(event_schema, "", &mut found);
    found.retain(|place| !place.ends_with("/schedule"));
    found
}

/// Every command's type with the places of its fields.
static COMMANDS: LazyLock<Vec<(CommandType, Vec<String>)>> = LazyLock::new(|| {
    let fields = |of| (of, fields(&schema::command(of).to_value()));
    CommandType::ALL.map(fields).into()
});

/// Puts a value there, or takes away what is there.
fn change(event: &mut Value, place: &str, value: Option<&Value>) {
    let (parent, name) = place.rsplit_once('/').expect("a place");
    let object: Option<&mut Map<_, _>> = event.pointer_mut(parent).and_then(Value::as_object_mut);
    // Another change may have taken the object away.
    let Some(object) = object else { return };
    match value {
        Some(value) => drop(object.insert(name.to_owned(), value.clone())),
        None => drop(object.remove(name)),
    }
}

/// Returns what is wrong, if one takes the body and the other does not.
fn disagreement(event: &Value) -> Option<String> {
    let body = event.to_string();
    let read = Command::parse(&body);
    let keeps = keeps_a_contract(&body);
    (read.is_ok() != keeps).then(|| match read {
        Ok(_) => format!("only the parser takes {body}"),
        Err(malformed) => format!("only the contract takes {body}: {malformed}"),
    })
}

#[test]
fn every_field_with_every_kind_of_value_is_judged_alike() {
    let mut disagreements = Vec::new();
    let (mut taken, mut tried) = (0, 0);
    for (of, places) in COMMANDS.iter() {
        for place in places {
            for value in VALUES.iter().map(Some).chain([None]) {
                let mut event = schema::example(*of);
                change(&mut event, place, value);
                tried += 1;
                taken += usize::from(Command::parse(&event.to_string()).is_ok());
                let found = disagreement(&event);
                disagreements
                    .extend(found.map(|found| format!("{of} {place}: {value:?}: {found}")));
            }
        }
    }
    println!("{tried} bodies, {taken} of them taken");
    assert!(
        taken > tried / 20 && taken < tried / 2,
        "{taken} of {tried}"
    );
    assert!(
        disagreements.is_empty(),
        "{}:\n{}",
        disagreements.len(),
        disagreements.join("\n")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn several_changes_at_once_are_judged_alike(
        command in select(COMMANDS.clone()),
        changes in prop::collection::vec((any::<Index>(), prop::option::weighted(0.8, select(VALUES.clone()))), 1..5),
    ) {
        let (of, places) = command;
        let mut event = schema::example(of);
        for (at, value) in &changes {
            let place = at.get(places.as_slice());
            change(&mut event, place, value.as_ref());
        }
        let found = disagreement(&event);
        prop_assert!(found.is_none(), "{}", found.unwrap_or_default());
    }
}
