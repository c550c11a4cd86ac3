use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, signal, until};
use crate::relay::Relay;
use crate::rig::{Local, arthouse, run};

/// An endpoint that takes connections and never answers.
fn mute() -> (TcpListener, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    (listener, endpoint)
}

#[test]
fn without_a_region_it_is_told_what_to_set() {
    // A daemon does not wait for it either.
    for command in ["pending", "worker", "streams"] {
        run(&mut arthouse(&[command])).check(
            1,
            &[
                "no AWS region is set",
                "AWS_REGION",
                "arthouse local",
                "AWS_ENDPOINT_URL",
            ],
        );
    }
}

#[test]
#[cfg(not(feature = "sso"))]
fn a_profile_that_this_build_cannot_log_in_with_is_told_with_what_can() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config");
    let login = "sso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = ops\nsso_start_url = https://example.com/start";
    let profiles =
        format!("[profile login]\n{login}\n[profile process]\ncredential_process = /bin/true\n");
    std::fs::write(&config, profiles).unwrap();
    for profile in ["login", "process"] {
        for command in ["pending", "worker", "streams"] {
            let mut program = arthouse(&[command]);
            program
                .env("AWS_REGION", "eu-west-1")
                .env("AWS_PROFILE", profile);
            run(program.env("AWS_CONFIG_FILE", &config)).check(
                1,
                &[
                    "IAM Identity Center",
                    "--features sso",
                    "export-credentials",
                ],
            );
        }
    }
}

#[test]
fn an_endpoint_where_nothing_listens_is_told() {
    // A port that was free a moment ago.
    let port = TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let ended = run(arthouse(&["course", "--course", "oils"]).env("AWS_ENDPOINT_URL", endpoint));
    ended.check(
        1,
        &[
            "error: can't read the course",
            "hint: nothing listens there: is `arthouse local` running",
        ],
    );
}

#[test]
fn what_was_not_provisioned_is_told_with_how_to_make_it() {
    let data = tempfile::tempdir().unwrap();
    let local = Local::start(data.path());
    let send = [
        "--prefix",
        "x-",
        "send",
        "session.attend",
        "--user",
        "ada",
        "--course",
        "oils",
        "--session",
        "1",
    ];
    local
        .call(&send)
        .check(1, &["x-arthouse-commands.fifo", "arthouse provision"]);
    local
        .call(&["--prefix", "x-", "worker", "--start-timeout", "0s"])
        .check(1, &["x-arthouse-", "arthouse provision"]);
    let course = ["--prefix", "x-", "course", "--course", "oils"];
    local.call(&course).check(
        1,
        &[
            "can't read the course",
            "hint: a table is missing: run `arthouse provision`",
        ],
    );

    let first = local
        .call(&["--prefix", "x-", "provision", "--json"])
        .json();
    let second = local
        .call(&["--prefix", "x-", "provision", "--json"])
        .json();
    let made = |provisioned: &serde_json::Value| -> Vec<bool> {
        provisioned
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["made"].as_bool().unwrap())
            .collect()
    };
    assert_eq!(
        (made(&first), made(&second)),
        (vec![true; 10], vec![false; 10])
    );
    local.call(&course).check(5, &["there is no course oils"]);
}

#[test]
fn a_call_to_services_that_never_answer_ends_within_its_limits() {
    let (_listener, endpoint) = mute();
    let attend = ["--user", "ada", "--course", "oils", "--session", "1"];
    let send = [
        &["send", "session.attend", "--wait", "--timeout", "5s"][..],
        &attend,
    ]
    .concat();
    for call in [&["status"][..], &["course", "--course", "oils"], &send] {
        let began = Instant::now();
        let ended = run(arthouse(call).env("AWS_ENDPOINT_URL", &endpoint));
        ended.check(1, &["error: ", "timeout"]);
        // A request has 8 s; the rest is for a busy machine.
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{call:?}: {:?}",
            began.elapsed()
        );
    }
}

#[test]
fn a_daemon_that_waits_for_its_services_hears_a_signal() {
    let (_listener, endpoint) = mute();
    for daemon in ["worker", "streams"] {
        let started = Daemon::start(&[daemon], &endpoint);
        started.until("/readyz", 503);
        let began = Instant::now();
        signal(started.process(), "TERM");
        started.end().check(0, &[]);
        // Far below the limit of a request, of which the start makes several.
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{daemon}: {:?}",
            began.elapsed()
        );
    }
}

#[test]
fn a_daemon_that_is_started_before_its_services_waits_for_them() {
    let nobody = TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let relay = Relay::to(&format!("http://{nobody}"));
    let worker = Daemon::start(&["worker", "--wait-time", "1s"], &relay.endpoint);
    let streams = Daemon::start(&["streams"], &relay.endpoint);
    let daemons = [worker, streams];
    for daemon in &daemons {
        until(
            "a warning",
            || daemon.logged(),
            |log| log.contains("can't start yet"),
        );
        assert_eq!(daemon.get("/readyz").json()["status"], "starting");
    }
    let data = tempfile::tempdir().unwrap();
    let local = Local::start(data.path());
    relay.turn_to(&local.endpoint);
    for daemon in daemons {
        daemon.until("/readyz", 200);
        signal(daemon.process(), "TERM");
        daemon.end().check(0, &[]);
    }
}
