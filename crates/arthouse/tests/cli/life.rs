use serde_json::{Value, json};

use crate::rig::{Ended, Local, arthouse, run};

/// Stands in every contact detail, and may stand in no log.
const PRIVATE: &str = "zq9";

const CREATE: [&str; 17] = [
    "course.create",
    "--course",
    "oils",
    "--title",
    "Oil painting",
    "--description",
    "Evenings at the easel.",
    "--cost",
    "100.01",
    "--currency",
    "GBP",
    "--duration",
    "4",
    "--payment-method",
    "card",
    "--schedule",
    r"DTSTART;TZID=Europe/London:20991001T180000\nRRULE:FREQ=WEEKLY",
];

fn send(local: &Local, arguments: &[&str]) -> Ended {
    local.call(
        &[
            &["send"],
            arguments,
            &["--wait", "--timeout", "60s", "--json"],
        ]
        .concat(),
    )
}

fn apply(local: &Local) -> Ended {
    send(
        local,
        &[
            "course.apply",
            "--user",
            "ada",
            "--course",
            "oils",
            "--name",
            PRIVATE,
            "--email",
            "zq9@example.com",
            "--phone",
            "zq9 020",
            "--actor-type",
            "student",
        ],
    )
}

fn session(local: &Local, command: &str, session: &str, rest: &[&str]) -> Ended {
    send(
        local,
        &[
            &[
                command,
                "--user",
                "ada",
                "--course",
                "oils",
                "--session",
                session,
            ],
            rest,
        ]
        .concat(),
    )
}

fn progress(local: &Local) -> Value {
    local
        .call(&["progress", "--user", "ada", "--course", "oils", "--json"])
        .json()
}

/// Asks until the progress is as wanted; fails if it does not get there.
fn eventually(local: &Local, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let now = progress(local);
        if wanted(&now) {
            return now;
        }
        assert!(std::time::Instant::now() < deadline, "{now:#}");
    }
}

fn enrol(local: &Local) {
    send(local, &CREATE).check(0, &[]);
    apply(local).check(0, &[]);
    assert_eq!(progress(local)["status"], "Applied");
    assert_eq!(
        local.call(&["pending", "--json"]).json()[0]["user_id"],
        "ada"
    );
    send(
        local,
        &[
            "payment.confirm",
            "--user",
            "ada",
            "--course",
            "oils",
            "--amount",
            "100.01",
            "--currency",
            "GBP",
            "--reference",
            "pay-1",
        ],
    )
    .check(0, &[]);
}

#[test]
fn a_course_is_taken_from_application_to_statement() {
    let data = tempfile::tempdir().unwrap();
    let local = Local::start(data.path());
    enrol(&local);
    session(&local, "session.attend", "1", &[]).check(0, &[]);
    session(&local, "session.skip", "2", &["--reason", "a cold"]).check(0, &[]);
    session(
        &local,
        "session.reschedule",
        "3",
        &["--to", "2099-12-01T18:00:00Z"],
    )
    .check(0, &[]);
    let again = session(&local, "session.attend", "1", &["--id", "again"]);
    again.check(3, &[]);
    assert_eq!(again.json()["code"], "SESSION_NOT_SCHEDULED");

    let end = eventually(&local, |progress| {
        progress["statement"]
            .as_array()
            .is_some_and(|lines| lines.len() == 2)
    });
    let figures = [
        "balance",
        "sessions_remaining",
        "attended",
        "skipped",
        "scheduled",
        "percent_complete",
    ];
    assert_eq!(
        figures.map(|name| end[name].as_u64().unwrap()),
        [5_000, 3, 1, 1, 2, 50]
    );
    assert_eq!(end["sessions"][2]["session_date"], "2099-12-01T18:00:00Z");

    assert_eq!(
        local.call(&["outcome", "--id", "again", "--json"]).json()["outcome"],
        "rejected"
    );
    assert_eq!(
        local.call(&["course", "--course", "oils", "--json"]).json()["cost"],
        10_001
    );
    assert_eq!(local.call(&["pending", "--json"]).json(), json!([]));
    let roster = local
        .call(&["roster", "--course", "oils", "--session", "2", "--json"])
        .json();
    assert_eq!(
        (&roster[0]["user_id"], &roster[0]["status"]),
        (&json!("ada"), &json!("Skipped"))
    );
    local
        .call(&["roster", "--course", "oils", "--session", "5"])
        .check(5, &["nobody has a session 0005"]);
    lists(&local);
    let audit = local.call(&["audit", "--json"]);
    audit.check(0, &[]);
    assert_eq!(audit.json()["violations"], json!([]));

    for human in [
        &["progress", "--user", "ada", "--course", "oils"][..],
        &["course", "--course", "oils"],
        &["courses", "--user", "ada"],
        &["catalogue"],
        &["day", "--course", "oils"],
        &["pending"],
        &["roster", "--course", "oils", "--session", "1"],
        &["outcome", "--id", "again"],
        &["audit"],
    ] {
        local.call(human).check(0, &[]);
    }
}

/// The lists of a student's courses, of all courses and of a day's sessions.
fn lists(local: &Local) {
    let json = |arguments: &[&str]| local.call(&[arguments, &["--json"]].concat()).json();
    let whole = progress(local);
    let courses = json(&["courses", "--user", "ada"]);
    for name in [
        "course_id",
        "status",
        "balance",
        "sessions_remaining",
        "next_session",
    ] {
        assert_eq!(courses[0][name], whole[name], "{name}");
    }
    let nobody = local.call(&["courses", "--user", "nobody"]);
    nobody.check(5, &["nobody has not applied for any course"]);
    assert_eq!(json(&["catalogue"])[0]["course_id"], "oils");
    assert_eq!(json(&["catalogue", "--open"])[0]["open"], true);
    let next = &whole["next_session"];
    let date = &next["local_start"].as_str().unwrap()[..10];
    let of_day = json(&["day", "--course", "oils", "--date", date]);
    assert_eq!(of_day[0]["session_id"], next["session_id"]);
    assert_eq!(
        json(&["day", "--course", "oils", "--date", "2000-01-01"]),
        json!([])
    );
}

#[test]
#[cfg(unix)]
fn sigterm_drains_and_a_restart_finds_the_data_again() {
    let data = tempfile::tempdir().unwrap();
    let local = Local::start(data.path());
    enrol(&local);
    let ended = local.terminate();
    ended.check(
        0,
        &[
            "the command worker has ended",
            "the stream processor has ended",
        ],
    );
    assert!(!ended.stderr.contains(PRIVATE), "{}", ended.stderr);

    let local = Local::start(data.path());
    session(&local, "session.attend", "1", &[]).check(0, &[]);
}

#[test]
fn after_a_kill_the_restarted_stack_goes_on_where_it_was() {
    let data = tempfile::tempdir().unwrap();
    let local = Local::start(data.path());
    enrol(&local);
    local.kill();

    let local = Local::start(data.path());
    session(&local, "session.attend", "1", &[]).check(0, &[]);
    eventually(&local, |progress| progress["sessions_remaining"] == 3);
}

/// At `trace` the AWS SDK would log the bodies of requests and answers, were it not cut off.
#[test]
#[cfg(unix)]
fn no_log_at_any_level_has_a_contact() {
    let data = tempfile::tempdir().unwrap();
    let local = Local::start_with(data.path(), "trace");
    enrol(&local);
    let traced = ["--log", "trace", "pending", "--json"];
    let pending = local.call(&traced);
    session(&local, "session.attend", "1", &[]).check(0, &[]);
    let log = local.terminate().stderr;
    assert!(log.contains("command applied"), "{log}");
    assert!(!log.contains(PRIVATE), "{}", lines_with_private(&log));
    assert!(
        !pending.stderr.contains(PRIVATE),
        "{}",
        lines_with_private(&pending.stderr)
    );
}

fn lines_with_private(log: &str) -> String {
    log.lines()
        .filter(|line| line.contains(PRIVATE))
        .take(5)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_contracts_are_printed_without_any_aws() {
    let document = run(&mut arthouse(&["schema"])).json();
    assert_eq!(document["asyncapi"], "3.0.0");
    let schema = run(&mut arthouse(&["schema", "--command", "course.apply"])).json();
    assert_eq!(
        schema["properties"]["type"]["const"],
        "com.digitalarthouse.course.apply.v1"
    );
}
