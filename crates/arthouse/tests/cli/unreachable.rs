use std::net::TcpListener;

use crate::rig::{Local, arthouse, run};

#[test]
fn without_a_region_it_is_told_what_to_set() {
    let ended = run(&mut arthouse(&["pending"]));
    ended.check(
        1,
        &[
            "no AWS region is set",
            "AWS_REGION",
            "arthouse local",
            "AWS_ENDPOINT_URL",
        ],
    );
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
        .call(&["--prefix", "x-", "worker"])
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
