//! `arthouse local` is killed with all that runs in it, and started again on its data.

use serde_json::{Value, json};

use crate::daemon::until;
use crate::depth::by_depth;
use crate::load;
use crate::rig::{Ended, Local, arthouse, run_with_input};

fn students() -> u32 {
    by_depth(12, 40, 40)
}

fn send(local: &Local, arguments: &[&str], input: &str) -> Ended {
    let arguments = [&["send", "--file", "-"], arguments].concat();
    run_with_input(
        arthouse(&arguments).env("AWS_ENDPOINT_URL", &local.endpoint),
        input,
    )
}

fn progress(local: &Local, user: &str) -> Ended {
    local.call(&["progress", "--user", user, "--course", "oils", "--json"])
}

fn is_settled(local: &Local, user: &str) -> bool {
    let progress = progress(local, user);
    progress.code == Some(0)
        && progress.json()["statement"]
            .as_array()
            .is_some_and(|lines| lines.len() == 3)
}

#[test]
fn killed_twice_in_the_middle_of_a_load_nothing_is_lost_and_nobody_charged_twice() {
    let data = tempfile::tempdir().unwrap();
    let users: Vec<String> = (0..students()).map(|n| format!("u{n}")).collect();
    let lives: String = users.iter().map(|user| load::life(user)).collect();
    let mut local = Local::start(data.path());
    send(&local, &["--wait"], &load::course()).check(0, &[]);
    send(&local, &[], &lives).check(0, &[]);
    for user in ["u0", "u5"] {
        let paid = || progress(&local, user).code;
        until("the load to be under way", paid, |code| *code == Some(0));
    }
    local.restart_killed(data.path());
    let first = || is_settled(&local, "u0");
    until("the first student to be done", first, |settled| *settled);
    local.restart_killed(data.path());

    let all = [load::course(), lives].concat();
    send(&local, &["--wait", "--timeout", "120s"], &all).check(0, &[]);
    for user in &users {
        until(
            "all charges",
            || is_settled(&local, user),
            |settled| *settled,
        );
    }
    let audit = local.call(&["audit", "--json"]);
    audit.check(0, &[]);
    assert_eq!(audit.json()["violations"], json!([]));
    for user in &users {
        let progress: Value = progress(&local, user).json();
        assert_eq!(
            (&progress["balance"], &progress["sessions_remaining"]),
            (&json!(0), &json!(1)),
            "{progress:#}"
        );
    }
}
