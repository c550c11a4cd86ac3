use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::rig::{Local, arthouse, run, run_with_input};

fn attend(id: &str, user: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/desk", "type": "com.digitalarthouse.session.attend.v1",
        "time": "2026-10-01T18:00:00Z",
        "data": {"actor": {"type": "admin", "id": "desk"}, "user_id": user, "course_id": "oils", "session_id": "1"},
    })
}

#[test]
fn a_bad_line_is_named_and_nothing_of_its_file_is_sent() {
    let data = tempfile::tempdir().unwrap();
    let local = Local::start(data.path());
    let input = format!("{}\n{}\n{{\n", attend("good", "ada"), attend("bad", "a#b"));
    let mut send = arthouse(&["send", "--file", "-"]);
    let ended = run_with_input(send.env("AWS_ENDPOINT_URL", &local.endpoint), &input);
    ended.check(
        2,
        &[
            "line 2: INVALID_DATA: data.user_id",
            "line 3: INVALID_JSON",
            "nothing was sent",
        ],
    );

    // Had the good line been sent, it would have been rejected before the command behind it in its group.
    local
        .call(&[
            "send",
            "session.skip",
            "--user",
            "ada",
            "--course",
            "oils",
            "--session",
            "1",
            "--wait",
        ])
        .check(3, &[]);
    local
        .call(&["outcome", "--id", "good", "--source", "/desk"])
        .check(5, &["no outcome of good"]);
}

#[test]
fn a_command_larger_than_the_queue_takes_is_refused_before_it_is_sent() {
    let mut large = attend("large", "ada");
    large["data"]["reason"] = "x".repeat(300_000).into();
    let mut send = arthouse(&["send", "--file", "-"]);
    let ended = run_with_input(
        send.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        &large.to_string(),
    );
    ended.check(2, &["TOO_LARGE", "nothing was sent"]);
}

#[test]
fn neither_a_file_nor_a_command_and_both_are_refused() {
    run(&mut arthouse(&["send", "--wait"])).check(2, &["give a command, or --file"]);
    let both = [
        "send",
        "--file",
        "-",
        "session.attend",
        "--user",
        "u",
        "--course",
        "c",
        "--session",
        "1",
    ];
    run(&mut arthouse(&both)).check(2, &["not both"]);
    run(&mut arthouse(&["send", "--file", "/nonexistent/x"]))
        .check(2, &["can't read /nonexistent/x"]);
    run_with_input(&mut arthouse(&["send", "--file", "-"]), "\n").check(2, &["no commands"]);
}

#[test]
fn flags_that_can_not_be_are_usage_errors() {
    run(&mut arthouse(&[
        "progress", "--user", "a#b", "--course", "oils",
    ]))
    .check(2, &["--user", "must be 1 to 128"]);
    run(&mut arthouse(&["--prefix", "a.b", "provision"])).check(2, &["--prefix"]);
    run(&mut arthouse(&["local", "--port", "70000"])).check(2, &["--port"]);
    run(&mut arthouse(&["teleport"])).check(2, &["teleport"]);
}

#[test]
fn a_port_in_use_and_a_folder_in_use_are_told() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let ended = run(&mut arthouse(&["local", "--port", &port, "--data", folder]));
    ended.check(
        1,
        &[&format!("port {port} is in use"), "choose another port"],
    );

    let _local = Local::start(data.path());
    let ended = run(&mut arthouse(&["local", "--port", "0", "--data", folder]));
    ended.check(1, &["is in use by another running instance"]);
}

#[test]
fn a_data_folder_that_can_not_be_written_is_told() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let below = file.join("data");
    let ended = run(&mut arthouse(&[
        "local",
        "--port",
        "0",
        "--data",
        below.to_str().unwrap(),
    ]));
    ended.check(
        1,
        &["can't write to the data folder", below.to_str().unwrap()],
    );
}

#[test]
fn an_invalid_setting_is_named_with_its_value_and_its_rule() {
    run(&mut arthouse(&["--log", "arthouse=loud=er", "schema"])).check(
        2,
        &[
            "invalid log filter \"arthouse=loud=er\"",
            "arthouse_worker=debug",
        ],
    );
    for value in ["0", "100001", "many"] {
        run(&mut arthouse(&["worker", "--concurrency", value]))
            .check(2, &[&format!("'{value}'"), "--concurrency"]);
    }
    run(arthouse(&["worker"]).env("ARTHOUSE_CONCURRENCY", "100001"))
        .check(2, &["100001 is not in 1..=100000"]);
    for arguments in [
        &["pending", "--limit", "0"][..],
        &["audit", "--segments", "0"],
    ] {
        run(&mut arthouse(arguments)).check(2, &["'0'", arguments[1], "1 or more"]);
    }
}

#[test]
fn an_endpoint_that_is_no_url_is_named_with_what_to_do() {
    for (name, value) in [
        ("AWS_ENDPOINT_URL", "localhost:4566"),
        ("AWS_ENDPOINT_URL", "ftp://x"),
        ("AWS_ENDPOINT_URL", "garbage"),
        ("AWS_ENDPOINT_URL", "http://"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:port"),
        ("AWS_ENDPOINT_URL_SQS", "localhost:4566"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "localhost:4566"),
    ] {
        run(arthouse(&["pending"]).env(name, value)).check(
            2,
            &[
                &format!("invalid endpoint {value:?} in {name}"),
                "http://127.0.0.1:4566",
            ],
        );
    }
}

/// A reader that closes its end at once, as `head` does early.
#[test]
#[cfg(unix)]
fn a_closed_pipe_hides_no_failure() {
    let school = crate::copied::Copied::new();
    let closed = |arguments: &[&str]| {
        let mut command = school.command(arguments);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = command.stdout(writer).stderr(std::process::Stdio::piped());
        crate::rig::Ended::from(child.spawn().unwrap().wait_with_output().unwrap())
    };
    let healthy = closed(&["audit"]);
    assert_eq!((healthy.code, healthy.stderr.as_str()), (Some(0), ""));
    school.rewrite(
        "UsersCourses",
        "USER#ada",
        Some("COURSE#oils#PAID"),
        |item| {
            item.insert("Balance".to_owned(), crate::copied::n(999));
        },
    );
    for arguments in [&["audit"][..], &["audit", "--json"]] {
        let ended = closed(arguments);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(6), ""));
    }
    assert_eq!(closed(&["course", "--course", "absent"]).code, Some(5));
}
