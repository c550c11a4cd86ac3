//! What all commands have in common.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use clap::CommandFactory;
use serde_json::Value;

use crate::copied::Copied;
use crate::deployment::Deployment;
use crate::load;
use crate::rig::{Ended, arthouse, run, run_with_input};

/// The commands that have `--json`, by their first word.
fn with_json() -> BTreeSet<String> {
    let program = arthouse::Cli::command();
    let has_json = |command: &&clap::Command| {
        let mut arguments = command.get_arguments();
        arguments.any(|argument| argument.get_id() == "json")
    };
    let commands = program.get_subcommands().filter(has_json);
    commands
        .map(|command| command.get_name().to_owned())
        .collect()
}

/// One document, and what it is.
#[track_caller]
fn check_document(ended: &Ended, is_array: bool) {
    let document: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| {
        panic!("{error}: {ended:?}");
    });
    assert_eq!(document.is_array(), is_array, "{document:#}");
}

#[test]
fn json_is_one_document_whatever_the_command() {
    let school = Copied::new();
    let ada = ["--user", "ada", "--course", "oils"];
    let session = ["--course", "oils", "--session", "1"];
    let attend = [&["session.attend"][..], &ada, &["--session", "3"]].concat();
    let calls: [(&str, Vec<&str>, bool); 15] = [
        ("catalogue", vec![], true),
        ("courses", vec!["--user", "ada"], true),
        (
            "day",
            vec!["--course", "oils", "--date", "2099-10-01"],
            true,
        ),
        ("provision", vec![], true),
        ("progress", ada.to_vec(), false),
        ("course", vec!["--course", "oils"], false),
        ("pending", vec![], true),
        ("roster", session.to_vec(), true),
        (
            "outcome",
            vec!["--id", "attend", "--source", "urn:test"],
            false,
        ),
        ("audit", vec![], false),
        ("reconcile", vec![], false),
        ("status", vec![], false),
        ("redrive", vec![], false),
        ("send", [&attend[..], &["--check"]].concat(), false),
        ("send", attend, false),
    ];
    // Its document, on one line, is what every test here begins with.
    let mut called = BTreeSet::from(["local".to_owned()]);
    for (command, arguments, is_array) in calls {
        let ended = school.call(&[&[command, "--json"], &arguments[..]].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        check_document(&ended, is_array);
        called.insert(command.to_owned());
    }
    assert_eq!(called, with_json(), "a command with --json is not called");

    for lines in [load::life("eva"), load::course()] {
        let mut send = school.command(&["send", "--file", "-", "--json"]);
        let ended = run_with_input(&mut send, &lines);
        check_document(&ended, true);
        let sent = ended.json().as_array().unwrap().len();
        assert_eq!(sent, lines.lines().count());
    }
}

#[test]
fn the_help_says_what_json_is_and_what_exit_codes_mean() {
    let help = run(&mut arthouse(&["--help"])).stdout;
    for told in ["--json prints one document", "  6  `audit` and `demo`"] {
        assert!(help.contains(told), "{help}");
    }
}

#[test]
fn what_a_program_is_told_people_read_as_people_do() {
    let school = Copied::new();
    let shown = |arguments: &[&str]| {
        let ended = school.call(arguments);
        ended.check(0, &[]);
        ended.stdout
    };
    let progress = shown(&["progress", "--user", "ada", "--course", "oils"]);
    for told in [
        "10.00 GBP",
        "3.34 GBP",
        "Starts (UTC)",
        "Thu 1 Oct 2099 18:00 UTC",
    ] {
        assert!(progress.contains(told), "{told}: {progress}");
    }
    let course = shown(&["course", "--course", "oils"]);
    for told in [
        "10.00 GBP",
        "Thu 1 Oct 2099 18:00 UTC to Thu 15 Oct 2099 18:00 UTC",
    ] {
        assert!(course.contains(told), "{told}: {course}");
    }
    let pending = shown(&["pending"]);
    assert!(
        pending.contains("10.00 GBP") && pending.contains(" UTC"),
        "{pending}"
    );
    let roster = shown(&["roster", "--course", "oils", "--session", "2"]);
    for told in ["Tue 1 Dec 2099 18:00 UTC", "Thu 8 Oct 2099 18:00 UTC"] {
        assert!(roster.contains(told), "{told}: {roster}");
    }
}

#[test]
fn a_command_that_is_only_checked_is_not_sent() {
    // Nothing listens there, and nothing is asked.
    let check = |arguments: &[&str], input: &str| {
        let mut send = arthouse(&[&["send", "--check"], arguments].concat());
        run_with_input(send.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), input)
    };
    let attend = [
        "session.attend",
        "--user",
        "ada",
        "--course",
        "oils",
        "--session",
        "1",
    ];
    let valid = check(&attend, "");
    valid.check(0, &[]);
    assert!(valid.stdout.starts_with("valid "), "{valid:?}");
    let valid = check(&["--file", "-"], &load::life("ada"));
    valid.check(0, &[]);
    assert_eq!(valid.stdout, "5 commands valid\n");
    check(&["--file", "-"], "{\n").check(2, &["INVALID_JSON"]);
    let dear = ["--course", "oils", "--cost", "1.001", "--currency", "GBP"];
    check(&[&["course.update"], &dear[..]].concat(), "")
        .check(2, &["invalid amount 1.001", "GBP has 2 decimals"]);
}

#[test]
fn where_no_outcome_comes_the_hint_is_the_whole_command() {
    let rig = Deployment::new();
    let arguments = [
        "send",
        "--wait",
        "--timeout",
        "1s",
        "session.attend",
        "--user",
        "ada",
    ];
    let session = ["--course", "oils", "--session", "1", "--id", "late"];
    let elsewhere = [&arguments[..], &session, &["--source", "/desk"]].concat();
    rig.call(&elsewhere).check(
        4,
        &[
            "no outcome of late after 1 s",
            "`arthouse --prefix x- outcome --id late --source /desk`",
        ],
    );
    let json = rig.call(&[&arguments[..], &session, &["--json"]].concat());
    json.check(4, &["`arthouse --prefix x- outcome --id late`"]);
    assert_eq!(json.json()["outcome"], Value::Null);
}

#[test]
fn quiet_says_less_and_verbose_more() {
    let school = Copied::new();
    let stderr = |arguments: &[&str]| {
        let ended = school.call(arguments);
        ended.check(0, &[]);
        ended.stderr
    };
    assert!(stderr(&["provision"]).contains("has no point-in-time recovery"));
    assert_eq!(stderr(&["provision", "-q"]), "");
    assert_eq!(stderr(&["reconcile"]), "");
    assert!(stderr(&["--verbose", "reconcile"]).contains("the reconciliation has ended"));
}

#[test]
#[cfg(unix)]
fn a_watched_status_is_shown_anew_until_a_signal_comes() {
    use std::io::{BufRead, BufReader};
    let school = Copied::new();
    let mut command = school.command(&["status", "--watch", "1s"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        let shown = lines.find(|line| line.as_ref().unwrap().starts_with("reconciliation:"));
        assert!(shown.is_some());
    }
    crate::daemon::signal(child.id(), "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    school
        .call(&["status", "--watch", "0"])
        .check(2, &["--watch", "must be 1s or more"]);
}

#[test]
fn every_shell_can_complete_and_every_command_has_a_page() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = run(&mut arthouse(&["completions", shell]));
        ended.check(0, &[]);
        assert!(ended.stdout.contains("session.attend"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man");
    let written = run(&mut arthouse(&["man", "--out", out.to_str().unwrap()]));
    written.check(0, &[]);
    for page in [
        "arthouse.1",
        "arthouse-audit.1",
        "arthouse-send-course.create.1",
    ] {
        let text = fs::read_to_string(out.join(page)).unwrap();
        assert!(text.contains(".SH NAME"), "{page}");
    }
}
