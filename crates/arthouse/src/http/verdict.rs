//! Whether a daemon is alive and ready, judged by how long each of its loops has had no answer.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

/// How a daemon does at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// How long it has been running.
    pub(super) up: Duration,
    /// A sign of each of its loops; none while it is starting.
    pub(super) signs: Vec<Sign>,
}

/// When something last gave a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sign {
    pub(super) name: &'static str,
    /// How long ago that was; none before the first time.
    pub(super) silent: Option<Duration>,
    /// The longest silence of a healthy one.
    pub(super) longest: Duration,
    /// Whether it is a loop of this process, which a restart can help; else it is something that is needed.
    pub(super) is_loop: bool,
}

/// How many of its longest silences a loop may be silent before it counts as dead: one more than for being ready, so that traffic and
/// deployments are held back before anything is restarted.
const PATIENCE: u32 = 2;

/// How long a start may take until its first sign of life.
const START: Duration = Duration::from_secs(60);

/// What a probe is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    status: Status,
    checks: Vec<Check>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Starting,
    Draining,
    Silent,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_seconds: Option<f64>,
    limit_seconds: f64,
}

impl Verdict {
    pub(super) fn is_good(&self) -> bool {
        self.status == Status::Ok
    }

    pub(super) fn as_json(&self) -> Value {
        json!({ "status": self.status, "checks": self.checks })
    }
}

/// Says whether the daemon is alive: each of its loops has had an answer of late. One that drains is.
pub(super) fn health(reading: &Reading) -> Verdict {
    let loops = reading.signs.iter().filter(|sign| sign.is_loop);
    let checks: Vec<Check> = loops
        .map(|sign| {
            let silent = sign.silent.unwrap_or(reading.up);
            check(sign, Some(silent), sign.longest * PATIENCE)
        })
        .collect();
    let stuck_at_start = reading.signs.is_empty() && reading.up > START;
    let status = if stuck_at_start || checks.iter().any(|check| !check.ok) {
        Status::Silent
    } else {
        Status::Ok
    };
    Verdict { status, checks }
}

/// Says whether the daemon does its work: what it needs was reached of late, its loops run, and it has not been told to stop.
pub(super) fn readiness(reading: &Reading, draining: bool) -> Verdict {
    let signs = reading.signs.iter();
    let checks: Vec<Check> = signs
        .map(|sign| check(sign, sign.silent, sign.longest))
        .collect();
    let starting = checks.is_empty() || checks.iter().any(|check| check.silent_seconds.is_none());
    let status = if draining {
        Status::Draining
    } else if starting {
        Status::Starting
    } else if checks.iter().any(|check| !check.ok) {
        Status::Silent
    } else {
        Status::Ok
    };
    Verdict { status, checks }
}

/// Says whether a start has succeeded: the daemon was ready once, and is alive since.
pub(super) fn startup(reading: &Reading, was_ready: bool) -> Verdict {
    if was_ready {
        health(reading)
    } else {
        readiness(reading, false)
    }
}

fn check(sign: &Sign, silent: Option<Duration>, limit: Duration) -> Check {
    Check {
        name: sign.name,
        ok: silent.is_some_and(|silent| silent <= limit),
        silent_seconds: silent.map(|silent| silent.as_secs_f64()),
        limit_seconds: limit.as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Duration = Duration::from_secs(600);
    const LONGEST: u64 = 30;

    /// A loop and a need that were silent for so many seconds.
    fn reading(of_loop: Option<u64>, of_need: Option<u64>) -> Reading {
        let sign = |name, silent: Option<u64>, is_loop| Sign {
            name,
            silent: silent.map(Duration::from_secs),
            longest: Duration::from_secs(LONGEST),
            is_loop,
        };
        let signs = vec![
            sign("commands", of_loop, true),
            sign("tables", of_need, false),
        ];
        Reading { up: UP, signs }
    }

    fn check(reading: &Reading, draining: bool, health_is: Status, readiness_is: Status) {
        assert_eq!(health(reading).status, health_is, "{reading:?}");
        assert_eq!(
            readiness(reading, draining).status,
            readiness_is,
            "{reading:?}"
        );
    }

    #[test]
    fn a_daemon_whose_loops_have_answers_is_alive_and_ready() {
        check(
            &reading(Some(LONGEST), Some(LONGEST)),
            false,
            Status::Ok,
            Status::Ok,
        );
    }

    #[test]
    fn a_silent_loop_is_first_not_ready_and_then_dead() {
        check(
            &reading(Some(LONGEST + 1), Some(1)),
            false,
            Status::Ok,
            Status::Silent,
        );
        check(
            &reading(Some(2 * LONGEST + 1), Some(1)),
            false,
            Status::Silent,
            Status::Silent,
        );
    }

    #[test]
    fn a_restart_does_not_help_a_table_that_can_not_be_reached() {
        check(
            &reading(Some(1), Some(1_000)),
            false,
            Status::Ok,
            Status::Silent,
        );
    }

    #[test]
    fn a_daemon_that_drains_is_alive_and_takes_no_more() {
        check(
            &reading(Some(1), Some(1)),
            true,
            Status::Ok,
            Status::Draining,
        );
    }

    #[test]
    fn nothing_is_ready_before_every_sign_was_seen_once() {
        check(&reading(Some(1), None), false, Status::Ok, Status::Starting);
        check(
            &reading(None, Some(1)),
            false,
            Status::Silent,
            Status::Starting,
        );
        let start = |seconds| Reading {
            up: Duration::from_secs(seconds),
            signs: Vec::new(),
        };
        check(&start(59), false, Status::Ok, Status::Starting);
        check(&start(61), false, Status::Silent, Status::Starting);
    }

    #[test]
    fn a_start_has_succeeded_once_it_was_ready_and_while_it_lives() {
        let silent = reading(Some(LONGEST + 1), Some(1));
        let of = |was_ready| startup(&silent, was_ready).status;
        assert_eq!((of(false), of(true)), (Status::Silent, Status::Ok));
        let dead = reading(Some(2 * LONGEST + 1), Some(1));
        assert_eq!(startup(&dead, true).status, Status::Silent);
    }

    #[test]
    fn a_probe_is_told_which_check_failed_and_by_how_much() {
        let told = readiness(&reading(Some(31), None), false).as_json();
        assert_eq!(
            told,
            json!({
                "status": "starting",
                "checks": [
                    {"name": "commands", "ok": false, "silent_seconds": 31.0, "limit_seconds": 30.0},
                    {"name": "tables", "ok": false, "limit_seconds": 30.0},
                ],
            })
        );
    }
}
