//! What `arthouse status` shows of a deployment that stands still, runs, or is not there.

use serde_json::{Value, json};

use crate::daemon::until;
use crate::deployment::Deployment;
use crate::load;
use crate::rig::{Local, arthouse, run_with_input};

fn status(rig: &Deployment) -> Value {
    let status = rig.call(&["status", "--json"]);
    status.check(0, &[]);
    status.json()
}

fn waiting(status: &Value, queue: &str) -> Value {
    let mut queues = status["queues"].as_array().unwrap().iter();
    queues.find(|depth| depth["queue"] == queue).unwrap()["waiting"].clone()
}

#[test]
fn where_nothing_runs_commands_wait_and_no_worker_is_shown() {
    let rig = Deployment::new();
    let before = status(&rig);
    assert_eq!(
        (&before["workers"], &before["shards"], &before["parked"]),
        (&json!([]), &json!([]), &json!([]))
    );
    assert_eq!(waiting(&before, "x-arthouse-commands.fifo"), 0);
    let arguments = ["--prefix", "x-", "send", "--file", "-"];
    run_with_input(
        arthouse(&arguments).env("AWS_ENDPOINT_URL", rig.endpoint()),
        &load::life("ada"),
    )
    .check(0, &[]);
    assert_eq!(waiting(&status(&rig), "x-arthouse-commands.fifo"), 5);
    let text = rig.call(&["status"]).stdout;
    let line = text
        .lines()
        .find(|line| line.contains("x-arthouse-commands.fifo"))
        .unwrap();
    assert!(line.contains(" 5 "), "{line}");
}

#[test]
fn while_streams_are_read_it_shows_by_whom_and_how_far() {
    let rig = Deployment::new();
    let streams = rig.start(&["streams"]);
    streams.until("/readyz", 200);
    let read = |status: &Value| {
        let shards = status["shards"].as_array().unwrap();
        !shards.is_empty() && shards.iter().all(|shard| !shard["owner"].is_null())
    };
    let shown = until("both shards to be read", || status(&rig), read);
    let tables: Vec<_> = shown["shards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["table"].clone())
        .collect();
    for table in ["x-UsersCourses", "x-Sessions"] {
        assert!(tables.contains(&json!(table)), "{tables:?}");
    }
    let worker = &shown["workers"][0];
    assert_eq!(shown["shards"][0]["owner"], worker["worker"]);
    // It stands in the worker's next heartbeat.
    let headroom = || status(&rig)["trim_headroom_seconds"].as_f64();
    let headroom = until("the trim headroom", headroom, Option::is_some).unwrap();
    assert!((86_000.0..=86_400.0).contains(&headroom), "{headroom}");
    assert!(status(&rig)["trim_headroom_seconds"].is_u64());
    let checkpoint = shown["shards"][0]["checkpointed_at"].as_str().unwrap();
    assert_eq!(
        checkpoint.len(),
        "2026-10-01T18:00:00Z".len(),
        "{checkpoint}"
    );
    let text = rig.call(&["status"]).stdout;
    for shown in [worker["worker"].as_str().unwrap(), "trim headroom: 23 h 5"] {
        assert!(text.contains(shown), "{text}");
    }
}

#[test]
fn a_deployment_that_is_not_there_is_told_with_what_makes_it() {
    let data = tempfile::tempdir().unwrap();
    let local = Local::start(data.path());
    let absent = local.call(&["--prefix", "nowhere-", "status"]);
    absent.check(1, &["there is no queue nowhere-", "arthouse provision"]);
}
