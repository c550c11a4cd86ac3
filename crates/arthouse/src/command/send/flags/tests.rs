use arthouse_core::{Command, CommandType};
use clap::Parser;
use serde_json::{Value, json};

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    flags: Flags,
}

const SCHEDULE: &str = r"DTSTART;TZID=Europe/London:20271001T180000\nRRULE:FREQ=WEEKLY";
const STUDENT: [&str; 4] = ["--user", "ada", "--course", "oils"];

fn body(words: &[&str]) -> String {
    let line = Line::try_parse_from([&["send"], words].concat())
        .unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let new_id = "new-id".parse().unwrap();
    line.flags
        .into_body(new_id, "2026-10-01T18:00:00Z".parse().unwrap())
        .unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

/// Parses the flags, writes the body and reads it as the worker does.
fn command(words: &[&str]) -> Command {
    let body = body(words);
    Command::parse(&body).unwrap_or_else(|error| panic!("{words:?}: {error}: {body}"))
}

fn check(words: &[&str], expected: Value) {
    let command = command(words);
    let mut data = command.action.to_data(&command.actor);
    data.as_object_mut().unwrap().remove("actor");
    assert_eq!(data, expected, "{words:?}");
}

#[test]
fn every_course_command_reads_back_what_its_flags_say() {
    let create = [
        "course.create",
        "--course",
        "oils",
        "--title",
        "Oils",
        "--description",
        "Ten evenings.",
        "--cost",
        "120.00",
        "--currency",
        "GBP",
        "--duration",
        "10",
        "--payment-method",
        "card",
        "--payment-link",
        "https://pay.example.com",
        "--schedule",
        SCHEDULE,
        "--session-minutes",
        "90",
    ];
    let schedule = SCHEDULE.replace("\\n", "\n");
    check(
        &create,
        json!({"course_id": "oils", "title": "Oils", "description": "Ten evenings.", "cost": 12000, "currency": "GBP",
            "duration": 10, "payment_method": "card", "payment_link": "https://pay.example.com", "schedule": schedule,
            "session_minutes": 90}),
    );
    check(
        &[
            "course.update",
            "--course",
            "oils",
            "--expected-version",
            "3",
            "--cost",
            "90",
            "--currency",
            "GBP",
            "--open",
            "false",
        ],
        json!({"course_id": "oils", "expected_version": 3, "cost": 9000, "currency": "GBP", "open": false}),
    );
    check(
        &["course.update", "--course", "oils", "--no-payment-link"],
        json!({"course_id": "oils", "payment_link": null}),
    );
}

#[test]
fn every_students_command_reads_back_what_its_flags_say() {
    let student = json!({"user_id": "ada", "course_id": "oils"});
    let with = |fields: Value| {
        let mut all = student.clone();
        all.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        all
    };
    let words = |name, rest: &[&'static str]| [&[name][..], &STUDENT, rest].concat();
    check(
        &words(
            "course.apply",
            &[
                "--name",
                "Ada",
                "--email",
                "ada@example.com",
                "--phone",
                "+44 20 1",
            ],
        ),
        with(
            json!({"contact_info": {"name": "Ada", "email": "ada@example.com", "phone": "+44 20 1"}}),
        ),
    );
    check(
        &words(
            "payment.confirm",
            &[
                "--amount",
                "120.00",
                "--currency",
                "GBP",
                "--reference",
                "pay-1",
                "--first-session-after",
                "2027-01-10T00:00:00+01:00",
            ],
        ),
        with(
            json!({"amount": 12000, "currency": "GBP", "reference": "pay-1", "first_session_after": "2027-01-09T23:00:00Z"}),
        ),
    );
    check(
        &words("session.attend", &["--session", "3"]),
        with(json!({"session_id": "0003"})),
    );
    check(
        &words("session.skip", &["--session", "3", "--reason", "a cold"]),
        with(json!({"session_id": "0003", "reason": "a cold"})),
    );
    check(
        &words(
            "session.reschedule",
            &["--session", "0003", "--to", "2027-01-10T18:00:00Z"],
        ),
        with(json!({"session_id": "0003", "new_session_date": "2027-01-10T18:00:00Z"})),
    );
}

#[test]
fn what_only_the_school_can_refuse_is_sent() {
    check(
        &[
            "course.update",
            "--course",
            "oils",
            "--cost",
            "-0.01",
            "--currency",
            "GBP",
            "--duration",
            "0",
        ],
        json!({"course_id": "oils", "cost": -1, "currency": "GBP", "duration": 0}),
    );
}

#[test]
fn the_envelope_has_what_was_given_and_defaults_for_the_rest() {
    let attend = [&["session.attend"][..], &STUDENT, &["--session", "1"]].concat();
    let plain = command(&attend);
    assert_eq!(plain.metadata.id.as_str(), "new-id");
    assert_eq!(plain.metadata.source.as_str(), CLI_SOURCE);
    assert_eq!(plain.metadata.correlation_id, None);
    assert_eq!(
        (plain.actor.r#type, plain.actor.id.as_str()),
        (ActorType::Admin, "cli")
    );

    let student = command(&[&attend[..], &["--actor-type", "student"]].concat());
    assert_eq!(
        (student.actor.r#type, student.actor.id.as_str()),
        (ActorType::Student, "ada")
    );

    let given = [
        "--actor-type",
        "instructor",
        "--actor-id",
        "bob",
        "--id",
        "c-1",
        "--source",
        "/desk",
        "--correlation-id",
        "talk",
    ];
    let given = command(&[&attend[..], &given].concat());
    assert_eq!(
        (given.actor.r#type, given.actor.id.as_str()),
        (ActorType::Instructor, "bob")
    );
    assert_eq!(
        (given.metadata.id.as_str(), given.metadata.source.as_str()),
        ("c-1", "/desk")
    );
    assert_eq!(given.metadata.correlation_id.as_deref(), Some("talk"));
}

#[test]
fn a_flag_that_can_not_be_is_refused_at_once() {
    for (flag, value) in [
        ("--user", "a#b"),
        ("--session", ""),
        ("--actor-type", "teacher"),
        ("--source", "a b"),
        ("--id", ""),
    ] {
        let words = [
            &["send", "session.attend"][..],
            &STUDENT,
            &["--session", "1", flag, value],
        ]
        .concat();
        assert!(Line::try_parse_from(words).is_err(), "{flag} {value}");
    }
}

#[test]
fn an_amount_needs_its_currency() {
    for words in [
        &["send", "course.update", "--course", "oils", "--cost", "90"][..],
        &[
            &["send", "payment.confirm"][..],
            &STUDENT,
            &["--amount", "90"],
        ]
        .concat(),
    ] {
        let refused = Line::try_parse_from(words).unwrap_err().to_string();
        assert!(refused.contains("--currency"), "{refused}");
    }
    let yen = ["--amount", "90.50", "--currency", "JPY"];
    let words = [&["send", "payment.confirm"][..], &STUDENT, &yen].concat();
    let body = Line::try_parse_from(words).unwrap().flags.into_body(
        "new-id".parse().unwrap(),
        "2026-10-01T18:00:00Z".parse().unwrap(),
    );
    assert!(body.is_err_and(|error| error.contains("90.50")));
}

#[test]
fn each_command_is_called_as_its_contract_is() {
    use clap::CommandFactory;
    let line = Line::command();
    let mut called: Vec<_> = line
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    let mut named: Vec<_> = CommandType::ALL.map(CommandType::name).to_vec();
    called.sort_unstable();
    named.sort_unstable();
    assert_eq!(called, named);
}

#[test]
fn no_debugging_shows_a_contact() {
    let words = [
        &["send", "course.apply"][..],
        &STUDENT,
        &[
            "--name",
            "zq9",
            "--email",
            "zq9@example.com",
            "--phone",
            "zq9",
        ],
    ]
    .concat();
    let line = Line::try_parse_from(words).unwrap();
    assert!(!format!("{line:?}").contains("zq9"));
}
