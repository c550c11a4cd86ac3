//! `arthouse web` and the pages of `arthouse local`.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::rig::{Local, arthouse, run};

/// Asks for a page by name.
fn get(address: &str, host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_does_not_start_where_others_reach_it_without_an_identity_provider() {
    let secret = "x".repeat(32);
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&keys, r#"{"keys": []}"#).unwrap();
    let keys = keys.path().to_str().unwrap();
    let open = ["web", "--address", "0.0.0.0:0"];
    let provider = [
        &open[..],
        &[
            "--token-issuer",
            "https://login.example.com",
            "--token-audience",
            "school",
            "--token-keys",
            keys,
        ],
    ]
    .concat();
    for (arguments, told) in [
        (open.to_vec(), "name an identity provider"),
        (provider.clone(), "say by which name it is called"),
        (
            [&provider[..], &["--host", "school.example.com"]].concat(),
            "give a secret",
        ),
        (
            [&provider[..], &["--secret", "short"]].concat(),
            "at least 32 characters",
        ),
        (
            [&open[..], &["--secret", &secret, "--token-issuer", "x"]].concat(),
            "--token-audience",
        ),
        (
            vec!["web", "--revoke-calendar", "ada"],
            "must be a student, = and a text",
        ),
        (
            vec!["web", "--rate-limit", "0"],
            "must be a whole number, 1 or more",
        ),
    ] {
        let ended = run(&mut arthouse(&arguments));
        ended.check(2, &[told]);
        assert!(!ended.stderr.contains(&secret), "{ended:?}");
    }
    let no_set = keys.to_owned() + ".none";
    let missing = [&provider[..provider.len() - 1], &[no_set.as_str()]].concat();
    run(&mut arthouse(&missing)).check(2, &["can't read"]);
}

#[test]
#[cfg(unix)]
fn the_local_stack_serves_pages_under_its_own_names_until_it_is_told_to_stop() {
    let data = tempfile::tempdir().unwrap();
    let local = Local::start(data.path());
    let address = local.web.strip_prefix("http://").unwrap().to_owned();
    let page = get(&address, &address, "/office");
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("Waiting for payment"),
        "{page}"
    );
    let foreign = get(&address, "evil.example.com", "/office");
    assert!(foreign.starts_with("HTTP/1.1 421"), "{foreign}");
    let link = || {
        let mut stream = TcpStream::connect(&address).unwrap();
        let head =
            format!("Host: {address}\r\nCookie: arthouse_role=student:ada\r\nConnection: close");
        write!(stream, "GET /api/me/calendar HTTP/1.1\r\n{head}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.rsplit("\r\n\r\n").next().unwrap().to_owned()
    };
    let first = link();
    assert!(first.contains("/calendar/ada/"), "{first}");
    let ended = local.terminate();
    ended.check(0, &["request", "/office", "all data is on disk"]);
    assert!(!ended.stderr.contains("/calendar/ada"), "{}", ended.stderr);

    // What links are signed with is kept with the data.
    let again = Local::start(data.path());
    let address = again.web.strip_prefix("http://").unwrap();
    let calendar = first
        .split('"')
        .find(|part| part.starts_with("/calendar"))
        .unwrap();
    let feed = get(address, address, calendar);
    assert!(feed.contains("BEGIN:VCALENDAR"), "{feed}");
    let printed = again.call(&["calendar", "--user", "ada"]);
    printed.check(0, &[]);
    assert!(
        printed.stdout.contains("BEGIN:VCALENDAR\r\n"),
        "{printed:?}"
    );
}
