use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::rig::{Ended, Local, arthouse, run_with_input};

const STUDENTS: u32 = 40;

fn event(id: &str, kind: &str, data: Value) -> Value {
    let mut data = data;
    data["actor"] = json!({"type": "system", "id": "load"});
    json!({
        "specversion": "1.0",
        "id": id,
        "source": "urn:school:load",
        "type": format!("com.digitalarthouse.{kind}.v1"),
        "time": "2026-11-22T12:00:00Z",
        "data": data,
    })
}

/// A course, and students who apply, pay, attend twice and skip once.
fn load() -> String {
    let mut events = vec![event(
        "create",
        "course.create",
        json!({
            "course_id": "oils", "title": "Oils", "description": "Oils", "cost": 1000, "currency": "GBP", "duration": 3,
            "payment_method": "card", "schedule": "DTSTART:20991001T180000Z\nRRULE:FREQ=WEEKLY",
        }),
    )];
    for n in 0..STUDENTS {
        let user = format!("u{n}");
        let mine = |extra: Value| {
            let mut data = json!({"user_id": user, "course_id": "oils"});
            let object = data.as_object_mut().unwrap();
            object.extend(extra.as_object().unwrap().clone());
            data
        };
        let contact = json!({"contact_info": {"name": "N", "email": "n@example.com"}});
        events.push(event(
            &format!("{user}-apply"),
            "course.apply",
            mine(contact),
        ));
        events.push(event(
            &format!("{user}-pay"),
            "payment.confirm",
            mine(json!({})),
        ));
        for (session, kind) in [("0001", "attend"), ("0002", "skip"), ("0003", "attend")] {
            let (id, kind) = (format!("{user}-{session}"), format!("session.{kind}"));
            events.push(event(&id, &kind, mine(json!({"session_id": session}))));
        }
    }
    events.iter().map(|event| format!("{event}\n")).collect()
}

fn send(local: &Local, arguments: &[&str], input: &str) -> Ended {
    let arguments = [&["send", "--file", "-"], arguments].concat();
    run_with_input(
        arthouse(&arguments).env("AWS_ENDPOINT_URL", &local.endpoint),
        input,
    )
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "waited in vain for {what}"
        );
    }
}

fn is_settled(local: &Local, user: &str) -> bool {
    let progress = local.call(&["progress", "--user", user, "--course", "oils", "--json"]);
    progress.code == Some(0)
        && progress.json()["statement"]
            .as_array()
            .is_some_and(|lines| lines.len() == 3)
}

#[test]
fn killed_twice_in_the_middle_of_a_load_nothing_is_lost_and_nobody_charged_twice() {
    let data = tempfile::tempdir().unwrap();
    let (first, load) = (load().lines().next().unwrap().to_owned(), load());
    let local = Local::start(data.path());
    send(&local, &["--wait"], &first).check(0, &[]);
    send(&local, &[], &load).check(0, &[]);
    for user in ["u0", "u5"] {
        let paid = || {
            local
                .call(&["progress", "--user", user, "--course", "oils"])
                .code
                == Some(0)
        };
        wait_until("the load to be under way", paid);
    }
    local.kill();

    let local = Local::start(data.path());
    wait_until("the first student to be done", || is_settled(&local, "u0"));
    local.kill();

    let local = Local::start(data.path());
    send(&local, &["--wait", "--timeout", "120s"], &load).check(0, &[]);
    for n in 0..STUDENTS {
        wait_until("all charges", || is_settled(&local, &format!("u{n}")));
    }
    let audit = local.call(&["audit", "--json"]);
    audit.check(0, &[]);
    assert_eq!(audit.json()["violations"], json!([]));
    for n in 0..STUDENTS {
        let progress = local
            .call(&[
                "progress",
                "--user",
                &format!("u{n}"),
                "--course",
                "oils",
                "--json",
            ])
            .json();
        assert_eq!(
            (&progress["balance"], &progress["sessions_remaining"]),
            (&json!(0), &json!(1)),
            "{progress:#}"
        );
    }
}
