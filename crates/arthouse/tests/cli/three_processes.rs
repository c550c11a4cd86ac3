//! Three stream processors share the streams of one deployment while changes flow: one is killed, one is frozen until it has
//! lost its shard and then thawed, one is told to stop and started again.

#![cfg(unix)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::daemon::{Daemon, signal, until};
use crate::deployment::{Deployment, WAITING};
use crate::depth::by_depth;
use crate::heard::check_lives_told;
use crate::load;

/// The least number of changes that flow.
fn changes() -> usize {
    by_depth(2_000, 4_000, 10_000)
}
/// Students whose commands are sent together.
const CLASS: usize = 25;
/// What the streams of the two tables have here, one each.
const SHARDS: u64 = 2;
/// How soon a killed processor's shard is read by another: its heartbeat stands still for 25 s, the lease table is looked at every 5 s;
/// the rest is for a machine that is busy.
const TAKE_OVER: Duration = Duration::from_secs(45);
/// How soon one is that was given back: at the next look.
const HANDED_BACK: Duration = Duration::from_secs(20);

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of the metrics"
)]
fn count(daemon: &Daemon, name: &str) -> u64 {
    daemon.metric(&format!("dynamo_streams_{name}"), "") as u64
}

fn shards(daemon: &Daemon) -> u64 {
    count(daemon, "shards")
}

fn taken(daemon: &Daemon) -> u64 {
    count(daemon, "leases_taken_total")
}

/// Waits until a processor has taken another shard; returns how long after the instant that was.
#[track_caller]
fn until_taken(what: &str, crew: &[Daemon], before: u64, since: Instant) -> Duration {
    let sum = || crew.iter().map(taken).sum::<u64>();
    until(what, sum, |sum| *sum > before);
    since.elapsed()
}

/// Waits until two of the crew read a shard each: whoever took two hands one over at once if another has none. While that is under way,
/// a shard may change hands for that reason.
#[track_caller]
fn until_even(crew: &[Daemon]) {
    let readers = || crew.iter().filter(|daemon| shards(daemon) == 1).count();
    until(
        "each shard to be read by one of its own",
        readers,
        |readers| *readers as u64 == SHARDS,
    );
}

/// Takes one out of the crew that reads a shard, as soon as no shard is about to change hands.
#[track_caller]
fn reader(crew: &mut Vec<Daemon>) -> Daemon {
    until_even(crew);
    let found = || crew.iter().position(|daemon| shards(daemon) > 0);
    let position = until("one that reads", found, Option::is_some);
    crew.swap_remove(position.unwrap())
}

/// Sends students' lives until there were enough changes and the rest of the test is done with them; returns how many students.
fn feed(rig: &Deployment, enough: &Arc<AtomicBool>) -> thread::JoinHandle<usize> {
    let (send, enough) = (rig.sender(&WAITING), Arc::clone(enough));
    thread::spawn(move || {
        send(&load::course()).check(0, &[]);
        let mut students = 0;
        while students * load::CHANGES_PER_STUDENT < changes() || !enough.load(Ordering::Relaxed) {
            let class = students..students + CLASS;
            let lives: String = class.map(|n| load::life(&format!("u{n}"))).collect();
            send(&lives).check(0, &[]);
            students += CLASS;
        }
        students
    })
}

/// Kills one that reads a shard; returns how long after it another read it.
fn kill_one(crew: &mut Vec<Daemon>) -> Duration {
    let victim = reader(crew);
    let before = crew.iter().map(taken).sum();
    signal(victim.process(), "KILL");
    let killed = Instant::now();
    until_taken("the killed one's shard to be taken", crew, before, killed)
}

/// Freezes one that reads a shard until the other has it, and thaws it; returns how long that took. In the end each reads one.
fn freeze_one(crew: &mut Vec<Daemon>) -> Duration {
    let frozen = reader(crew);
    let before = crew.iter().map(taken).sum();
    signal(frozen.process(), "STOP");
    let stopped = Instant::now();
    let overtaken = until_taken("the frozen one's shard to be taken", crew, before, stopped);
    signal(frozen.process(), "CONT");
    let lost = || count(&frozen, "leases_lost_total");
    until("the thawed one to see its loss", lost, |lost| *lost > 0);
    crew.push(frozen);
    until_even(crew);
    overtaken
}

/// Tells one to stop, and starts it again; returns how long after its end the other read its shard.
fn restart_one(rig: &Deployment, crew: &mut Vec<Daemon>) -> Duration {
    let stopped = crew.pop().unwrap();
    let before = crew.iter().map(taken).sum();
    signal(stopped.process(), "TERM");
    stopped.end().check(0, &["the stream processor has ended"]);
    let ended = Instant::now();
    let handed_back = until_taken("what it gave back to be taken", crew, before, ended);
    let again = rig.start(&["streams"]);
    until(
        "the one that started again to read",
        || shards(&again),
        |held| *held > 0,
    );
    crew.push(again);
    handed_back
}

#[test]
fn killed_frozen_and_restarted_while_changes_flow_three_processors_react_to_all_and_charge_once() {
    let rig = Deployment::new();
    let worker = rig.start(&["worker", "--wait-time", "1s"]);
    let mut crew: Vec<Daemon> = (0..3).map(|_| rig.start(&["streams"])).collect();
    for daemon in crew.iter().chain([&worker]) {
        daemon.until("/readyz", 200);
    }
    until_even(&crew);
    let enough = Arc::new(AtomicBool::new(false));
    let feeder = feed(&rig, &enough);
    let done = || {
        crew.iter()
            .map(|d| count(d, "records_done_total"))
            .sum::<u64>()
    };
    until("the changes to flow", done, |done| *done > 500);

    let take_over = kill_one(&mut crew);
    let overtaken = freeze_one(&mut crew);
    let handed_back = restart_one(&rig, &mut crew);

    enough.store(true, Ordering::Relaxed);
    let students = feeder.join().unwrap();
    check_all_took_place(&rig, students);
    println!(
        "{} changes; a killed processor's shard was taken over after {take_over:.1?}, a frozen one's after {overtaken:.1?}, \
         what one gave back at its end after {handed_back:.1?}",
        students * load::CHANGES_PER_STUDENT
    );
    assert!(
        take_over < TAKE_OVER && overtaken < TAKE_OVER,
        "{take_over:?} {overtaken:?}"
    );
    assert!(handed_back < HANDED_BACK, "{handed_back:?}");
}

/// Waits until all is settled, then checks the tables, the streams' state and what was told.
fn check_all_took_place(rig: &Deployment, students: usize) {
    let settled = until(
        "all charges to be made",
        || rig.call(&["audit", "--json"]),
        |audit| audit.json()["violations"] == serde_json::json!([]),
    );
    settled.check(0, &[]);
    let status = rig.call(&["status", "--json"]).json();
    assert_eq!(
        (&status["parked"], &status["gaps"]),
        (&Value::Array(vec![]), &Value::Array(vec![]))
    );
    check_lives_told(rig, students);
}
