//! A signal, or a reader that goes away, ends what a person runs: at once, with at most one line, and with nothing left behind.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::daemon::{signal, until};
use crate::deployment::{Deployment, PREFIX};
use crate::load;
use crate::rig::{Ended, arthouse};

/// "At once", on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(5);

fn start(command: &mut Command) -> Child {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    piped.spawn().unwrap()
}

fn end(child: Child) -> Ended {
    child.wait_with_output().unwrap().into()
}

fn demo(temporary: &Path) -> Command {
    let mut demo = arthouse(&["demo", "--students", "1000"]);
    demo.env("TMPDIR", temporary);
    demo
}

fn assert_nothing_left(temporary: &Path) {
    let left: Vec<_> = temporary.read_dir().unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Reads on until a line has this in it.
fn read_to(child: &mut Child, text: &str) -> BufReader<std::process::ChildStdout> {
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert_ne!(
            stdout.read_line(&mut line).unwrap(),
            0,
            "no line has {text:?}"
        );
    }
    stdout
}

#[track_caller]
fn check_demo(kind: &str, after: &str) {
    let temporary = tempfile::tempdir().unwrap();
    let mut child = start(&mut demo(temporary.path()));
    let _stdout = read_to(&mut child, after);
    let told = Instant::now();
    signal(child.id(), kind);
    let ended = end(child);
    assert!(told.elapsed() < AT_ONCE, "{:?}", told.elapsed());
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_eq!(
        ended.stderr,
        "interrupted: the demo has left nothing behind\n"
    );
    assert_nothing_left(temporary.path());
}

#[test]
fn a_demo_that_is_interrupted_ends_with_one_line_and_leaves_nothing_behind() {
    for kind in ["INT", "TERM"] {
        for after in ["embedded stack", "SESSION_NOT_FOUND", "1000 more students"] {
            check_demo(kind, after);
        }
    }
}

#[test]
fn a_demo_whose_reader_has_seen_enough_ends_quietly() {
    let temporary = tempfile::tempdir().unwrap();
    let mut child = start(&mut demo(temporary.path()));
    drop(read_to(&mut child, "embedded stack"));
    let closed = Instant::now();
    let ended = end(child);
    assert!(closed.elapsed() < 2 * AT_ONCE, "{:?}", closed.elapsed());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(130), ""));
    assert_nothing_left(temporary.path());
}

#[test]
fn a_send_that_is_interrupted_says_how_far_it_was() {
    // It accepts connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = arthouse(&["send", "--file", "infra/samples/ada.ndjson", "--wait"]);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let address = silent.local_addr().unwrap();
    let child = start(command.env("AWS_ENDPOINT_URL", format!("http://{address}")));
    let _connection = silent.accept().unwrap();
    let told = Instant::now();
    signal(child.id(), "INT");
    let ended = end(child);
    assert!(told.elapsed() < AT_ONCE, "{:?}", told.elapsed());
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(130), "interrupted: nothing was sent\n")
    );
}

#[test]
fn a_send_that_waits_for_outcomes_says_when_interrupted_that_all_was_sent() {
    // Nobody carries out what is sent here.
    let rig = Deployment::new();
    let input = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(input.path(), load::course()).unwrap();
    let mut command = arthouse(
        &[
            &PREFIX[..],
            &["send", "--wait", "--timeout", "60s", "--file"],
        ]
        .concat(),
    );
    let child = start(
        command
            .arg(input.path())
            .env("AWS_ENDPOINT_URL", rig.endpoint()),
    );
    let waiting = || rig.call(&["status", "--json"]).json();
    until("the command to be sent", waiting, |status| {
        status.to_string().contains("\"waiting\":1")
    });
    let told = Instant::now();
    signal(child.id(), "TERM");
    let ended = end(child);
    assert!(told.elapsed() < AT_ONCE, "{:?}", told.elapsed());
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (
            Some(130),
            "interrupted: everything was sent; outcomes that come later are not shown\n"
        )
    );
}
