//! Audits and reconciliations beside a live load.

#![cfg(unix)]

use std::thread;

use serde_json::{Value, json};

use crate::daemon::{signal, until};
use crate::deployment::{Deployment, WAITING};
use crate::depth::by_depth;
use crate::heard::check_lives_told;
use crate::load;

/// Students whose commands are sent together.
const CLASS: usize = 25;

/// How often they are.
fn classes() -> usize {
    by_depth(2, 6, 6)
}

/// Sends class after class, each when the commands of the one before it are applied.
fn feed(rig: &Deployment) -> thread::JoinHandle<()> {
    let send = rig.sender(&WAITING);
    thread::spawn(move || {
        send(&load::course()).check(0, &[]);
        for class in 0..classes() {
            let users = class * CLASS..(class + 1) * CLASS;
            let lives: String = users.map(|n| load::life(&format!("u{n}"))).collect();
            send(&lives).check(0, &[]);
        }
    })
}

fn audit(rig: &Deployment) -> Value {
    let audit = rig.call(&["audit", "--json"]);
    audit.check(0, &[]);
    audit.json()
}

/// Returns how many enrolments it initialised and sessions it charged.
fn reconcile(rig: &Deployment) -> u64 {
    let reconciled = rig.call(&["reconcile", "--rate", "10000", "--json"]);
    reconciled.check(0, &[]);
    let counts = ["initialised", "charged"].map(|name| reconciled.json()[name].as_u64().unwrap());
    counts.iter().sum()
}

#[test]
fn beside_live_traffic_an_audit_finds_nothing_wrong_and_a_reconciliation_does_no_harm() {
    let rig = Deployment::new();
    let _worker = rig.start(&["worker", "--wait-time", "1s"]);
    let streams = rig.start(&["streams"]);
    let feeder = feed(&rig);
    let is_settled = |audit: &Value| audit["pending"] == json!(0);
    // At first the stream processor stands still, so that there is something for the others to find and to do.
    signal(streams.process(), "STOP");
    let mut repaired = 0;
    while repaired == 0 {
        until(
            "a reaction that is due",
            || audit(&rig),
            |audit| !is_settled(audit),
        );
        repaired += reconcile(&rig);
    }
    signal(streams.process(), "CONT");
    let mut audits = 0;
    while !feeder.is_finished() {
        audits += 1;
        audit(&rig);
        repaired += reconcile(&rig);
    }
    feeder.join().unwrap();
    println!(
        "{audits} audits; reconciliations were as soon as the streams with {repaired} sessions and charges"
    );
    let settled = until("all to be settled", || audit(&rig), is_settled);
    assert_eq!(settled["checked"]["enrollments"], json!(CLASS * classes()));
    check_lives_told(&rig, CLASS * classes());
}
