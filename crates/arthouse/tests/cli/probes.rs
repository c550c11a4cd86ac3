//! Probes and metrics, asked over their port while the binary runs against a live endpoint.

#![cfg(unix)]

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::Value;

use crate::daemon::{Daemon, signal, until};
use crate::deployment::Deployment;
use crate::rig::{arthouse, run};

/// Stands in every contact detail and in every id, and may stand in no metric.
const PRIVATE: &str = "zq9";

fn course(id: &str) -> Vec<&str> {
    vec![
        "course.create",
        "--course",
        id,
        "--title",
        PRIVATE,
        "--description",
        PRIVATE,
        "--cost",
        "10",
        "--currency",
        "GBP",
        "--duration",
        "1",
        "--payment-method",
        "card",
        "--schedule",
        r"DTSTART;TZID=Europe/London:20991001T180000\nRRULE:FREQ=WEEKLY",
    ]
}

/// Applies, pays and attends.
fn life(rig: &Deployment) {
    rig.send(&course("zq9c"));
    let mine = ["--user", "zq9u", "--course", "zq9c"];
    let contact = ["--name", PRIVATE, "--email", "zq9@example.com"];
    rig.send(&[&["course.apply"], &mine[..], &contact].concat());
    rig.send(&[&["payment.confirm"], &mine[..]].concat());
    rig.send(&[&["session.attend"], &mine[..], &["--session", "1"]].concat());
}

/// Returns the names of a scrape's metrics, and checks its form: each is described, and no label has an id or a contact detail.
fn check_scrape(text: &str) -> BTreeSet<String> {
    assert!(!text.contains(PRIVATE), "{text}");
    let names = |kind: &str| -> BTreeSet<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix(kind)?.split(' ').next())
            .map(str::to_owned)
            .collect()
    };
    let (described, typed) = (names("# HELP "), names("# TYPE "));
    assert_eq!(described, typed, "a metric is not described");
    typed
}

#[track_caller]
fn check_has(names: &BTreeSet<String>, expected: &[&str]) {
    for name in expected {
        assert!(names.contains(*name), "{name} is not in {names:#?}");
    }
}

/// What a consumer of a queue must expose, and of streams: the numbers that the design asks for.
const OF_A_QUEUE: [&str; 9] = [
    "messaging_client_consumed_messages_total",
    "messaging_client_operation_duration_seconds",
    "messaging_client_sent_messages_total",
    "messaging_process_duration_seconds",
    "sqs_consumer_handlers_running",
    "sqs_consumer_messages_in_flight",
    "sqs_consumer_messages_oldest_age_seconds",
    "sqs_consumer_messages_total",
    "sqs_consumer_requests_total",
];
const OF_STREAMS: [&str; 10] = [
    "dynamo_streams_gaps_total",
    "dynamo_streams_leases_lost_total",
    "dynamo_streams_lease_writes_total",
    "dynamo_streams_oldest_unreacted_age_seconds",
    "dynamo_streams_polls_total",
    "dynamo_streams_records_done_total",
    "dynamo_streams_records_parked_total",
    "dynamo_streams_records_retried_total",
    "dynamo_streams_trim_headroom_seconds",
    "dynamo_streams_unacknowledged",
];

#[test]
fn daemons_are_alive_and_ready_and_count_what_they_do() {
    let rig = Deployment::new();
    let worker = rig.start(&["worker", "--wait-time", "1s"]);
    let streams = rig.start(&["streams"]);
    for daemon in [&worker, &streams] {
        daemon.until("/readyz", 200);
        assert_eq!(daemon.get("/healthz").status, 200);
        for arguments in [&[][..], &["--ready"]] {
            daemon.healthy(arguments).check(0, &[]);
        }
        assert_eq!(daemon.get("/").status, 404);
    }
    let done = || worker.metric("sqs_consumer_messages_total", "outcome=\"done\"");
    assert!(done() < 1.0);

    life(&rig);
    until("four commands", done, |done| (*done - 4.0).abs() < 0.5);
    let reacted = || streams.metric("dynamo_streams_records_done_total", "");
    until("the reactions", reacted, |done| *done >= 5.0);
    assert!(worker.metric("messaging_process_duration_seconds_count", "") >= 4.0);
    for outcome in ["retried", "dead_lettered", "duplicate", "lease_lost"] {
        let label = format!("outcome=\"{outcome}\"");
        assert!(worker.get("/metrics").body.contains(&label), "{label}");
    }

    check_has(&check_scrape(&worker.get("/metrics").body), &OF_A_QUEUE);
    check_has(&check_scrape(&streams.get("/metrics").body), &OF_STREAMS);
    assert!(streams.metric("dynamo_streams_trim_headroom_seconds", "") > 86_000.0);
    for daemon in [worker, streams] {
        signal(daemon.process(), "TERM");
        let ended = daemon.end();
        ended.check(0, &["has ended"]);
        check_log(&ended.stderr);
    }
}

/// Checks that the log is JSON, one object a line, without contact details, and that what is told of a command is told in its span.
fn check_log(log: &str) {
    let contact = ["zq9@example.com", "\"zq9\""];
    assert!(!contact.iter().any(|detail| log.contains(detail)), "{log}");
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        if event["message"] != "command applied" {
            continue;
        }
        let span = &event["span"];
        for field in ["command.id", "command.type", "course.id", "attempt"] {
            assert!(!span[field].is_null(), "{field} is not in {line}");
        }
        let of_a_student = span["command.type"] != "com.digitalarthouse.course.create.v1";
        assert_eq!(of_a_student, span["user.id"] == "zq9u", "{line}");
    }
}

#[test]
fn everything_on_this_machine_answers_for_all_that_it_runs() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let local = Daemon::start(&["local", "--port", "0", "--data", folder], "http://unused");
    let ready = local.until("/readyz", 200).json();
    let checks = ready["checks"].as_array().unwrap().iter();
    let names: Vec<&str> = checks
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["commands", "heartbeat", "lease_table", "shards", "tables"]
    );
    let names = check_scrape(&local.get("/metrics").body);
    // Durations are known from the first request on.
    let of_a_queue = OF_A_QUEUE.iter().filter(|name| !name.contains("duration"));
    check_has(&names, &of_a_queue.copied().collect::<Vec<_>>());
    check_has(&names, &OF_STREAMS);
}

#[test]
fn told_to_stop_it_is_no_longer_ready_and_alive_until_it_has_drained() {
    let rig = Deployment::new();
    let worker = rig.start(&["worker", "--wait-time", "15s"]);
    worker.until("/readyz", 200);
    // Right after an answer the next poll has all its time before it, and the drain waits for it.
    let polls = || worker.metric("sqs_consumer_requests_total", "ReceiveMessage");
    let before = polls();
    until("the next poll", polls, |polls| *polls > before);
    signal(worker.process(), "TERM");
    let answer = worker.until("/readyz", 503);
    assert_eq!(answer.json()["status"], "draining");
    assert_eq!(worker.get("/healthz").status, 200);
    worker.healthy(&["--ready"]).check(1, &[]);
    worker.healthy(&[]).check(0, &[]);
    worker.end().check(0, &["the command worker has ended"]);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let rig = Deployment::new();
    let worker = rig.start(&["worker", "--wait-time", "20s"]);
    worker.until("/readyz", 200);
    let polls = || worker.metric("sqs_consumer_requests_total", "ReceiveMessage");
    until("the first poll", polls, |polls| *polls >= 1.0);
    signal(worker.process(), "TERM");
    worker.until("/readyz", 503);
    let signalled = std::time::Instant::now();
    signal(worker.process(), "TERM");
    worker.end().check(130, &["a second signal stops at once"]);
    assert!(
        signalled.elapsed().as_secs() < 5,
        "{:?}",
        signalled.elapsed()
    );
}

#[test]
fn when_the_endpoint_stands_still_it_is_first_not_ready_and_then_not_alive_until_it_goes_on() {
    let rig = Deployment::new();
    let worker = rig.start(&["worker", "--wait-time", "1s"]);
    let streams = rig.start(&["streams"]);
    let daemons = [&worker, &streams];
    for daemon in daemons {
        daemon.until("/readyz", 200);
    }
    for daemon in daemons {
        daemon.healthy(&["--started"]).check(0, &[]);
    }
    signal(rig.local.process(), "STOP");
    for daemon in daemons {
        let answer = daemon.until("/readyz", 503);
        assert_eq!(answer.json()["status"], "silent");
        assert_eq!(daemon.get("/healthz").status, 200, "{answer:?}");
        assert_eq!(daemon.get("/startupz").status, 200, "{answer:?}");
    }
    for daemon in daemons {
        daemon.until("/healthz", 503);
        daemon.healthy(&[]).check(1, &[]);
    }
    signal(rig.local.process(), "CONT");
    for daemon in daemons {
        daemon.until("/healthz", 200);
        daemon.until("/readyz", 200);
    }
}

#[test]
fn while_it_starts_it_is_not_ready() {
    // Connections are taken and never answered.
    let mute = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = format!("http://{}", mute.local_addr().unwrap());
    let worker = Daemon::start(&["worker"], &endpoint);
    let answer = worker.get("/readyz");
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (503, &"starting".into())
    );
    assert_eq!(worker.get("/healthz").status, 200);
    worker.healthy(&["--started"]).check(1, &[]);
}

#[test]
fn a_port_that_is_taken_is_told_before_any_work_begins() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for daemon in ["worker", "streams"] {
        let ended =
            run(arthouse(&[daemon, "--http", &address])
                .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9"));
        ended.check(
            1,
            &[
                &format!("error: can't listen on {address} for probes"),
                "hint: something listens there already",
                "--http",
            ],
        );
        assert!(!ended.stderr.contains("begins"), "{ended:?}");
    }
}

#[test]
fn a_daemon_that_is_not_there_is_not_healthy() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    run(&mut arthouse(&["healthy", "--http", &address])).check(1, &["can't ask", &address]);
    run(&mut arthouse(&["healthy"])).check(2, &["--http"]);
    run(&mut arthouse(&["worker", "--http", "8080"])).check(2, &["--http"]);
}
