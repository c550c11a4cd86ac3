//! The binary is killed again and again while commands flow: workers, stream processors, and now and then the services that hold all
//! data. After each restart the audit finds nothing wrong; in the end everything has taken place, once.
//!
//! `kill -9` takes a process's memory and leaves what it gave the operating system to write. What a loss of power takes is not tried here.

#![cfg(unix)]

use std::env;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arthouse_worker::Queue;
use serde_json::{Value, json};

use crate::daemon::{Daemon, until};
use crate::deployment::{Deployment, WAITING};
use crate::depth::by_depth;
use crate::heard::{by_type, check_lives_told, heard};
use crate::load;

/// Students who begin their lives together.
const CLASS: usize = 4;
const WORKER: [&str; 3] = ["worker", "--wait-time", "1s"];
const PROCESSOR: [&str; 3] = ["streams", "--lease-duration", "2s"];
/// How much a worker or a processor at most is waited for to do in a round.
const MOST_DONE: u32 = 12;
/// How many questions are asked in vain until another class begins, so that there is always something to do: about a second's.
const PATIENCE: usize = 20;

/// How it shows what a worker has handled, in whatever way, and what it has in hand.
const HANDLED: Work = Work {
    done: "sqs_consumer_messages_total",
    in_hand: "sqs_consumer_messages_in_flight",
};
/// The same of a processor and the records that it reacts to.
const REACTED: Work = Work {
    done: "dynamo_streams_records_done_total",
    in_hand: "dynamo_streams_unacknowledged",
};

struct Work {
    done: &'static str,
    in_hand: &'static str,
}

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    Worker,
    Processor,
    Services,
}

impl Victim {
    fn any(rng: &mut fastrand::Rng) -> Self {
        match rng.u32(0..100) {
            0..45 => Self::Worker,
            45..85 => Self::Processor,
            _ => Self::Services,
        }
    }
}

/// A deployment under way.
struct Running {
    rig: Deployment,
    workers: Vec<Daemon>,
    processors: Vec<Daemon>,
    rng: fastrand::Rng,
    /// How often each was killed, and how many audits found something that was not settled yet.
    killed: [usize; 3],
    unsettled: usize,
}

impl Running {
    fn start(seed: u64) -> Self {
        let rig = Deployment::new();
        let running = Self {
            workers: vec![rig.start(&WORKER), rig.start(&WORKER)],
            processors: vec![rig.start(&PROCESSOR), rig.start(&PROCESSOR)],
            rng: fastrand::Rng::with_seed(seed),
            killed: [0; 3],
            unsettled: 0,
            rig,
        };
        running.rig.sender(&WAITING)(&load::course()).check(0, &[]);
        running
    }

    /// Has a class begin, kills in the midst of that, starts again what was killed, and audits.
    fn round(&mut self, begin_class: &Sender<()>) {
        let victim = Victim::any(&mut self.rng);
        let at_work = self.wait_for_work(victim, begin_class);
        // At once half of the time, else up to an eighth of a second later.
        thread::sleep(Duration::from_millis((1 << self.rng.u32(0..16)) >> 8));
        match victim {
            Victim::Worker => {
                kill(self.workers.swap_remove(at_work));
                self.workers.push(self.rig.start(&WORKER));
            }
            Victim::Processor => {
                kill(self.processors.swap_remove(at_work));
                self.processors.push(self.rig.start(&PROCESSOR));
            }
            Victim::Services => self.rig.kill_services(),
        }
        self.killed[victim as usize] += 1;
        let audit = self.audit();
        self.unsettled += usize::from(audit["pending"] != json!(0));
    }

    /// Waits until one of the workers or processors has done so much more and is at work on other things; returns which.
    fn wait_for_work(&mut self, victim: Victim, begin_class: &Sender<()>) -> usize {
        let of_workers = match victim {
            Victim::Worker => true,
            Victim::Processor => false,
            Victim::Services => self.rng.bool(),
        };
        if victim == Victim::Services {
            // A daemon finds its queues once, at its start: without them it ends.
            for daemon in self.workers.iter().chain(&self.processors) {
                daemon.until("/readyz", 200);
            }
        }
        let (crew, work) = if of_workers {
            (&self.workers, HANDLED)
        } else {
            (&self.processors, REACTED)
        };
        let more = f64::from(self.rng.u32(1..=MOST_DONE));
        let done = |daemon: &Daemon| daemon.metric(work.done, "");
        let before: Vec<f64> = crew.iter().map(done).collect();
        let mut asked = 0;
        let at_work = || {
            if asked % PATIENCE == 0 {
                begin_class.send(()).unwrap();
            }
            asked += 1;
            let mut both = crew.iter().zip(&before);
            both.position(|(daemon, before)| {
                done(daemon) >= before + more && daemon.metric(work.in_hand, "") > 0.0
            })
        };
        let what = format!("{more} more {} for {victim:?}", work.done);
        until(&what, at_work, Option::is_some).unwrap()
    }

    /// Nothing is violated, whatever is not settled yet.
    fn audit(&self) -> Value {
        let audit = self.rig.call(&["audit", "--json"]);
        audit.check(0, &[]);
        audit.json()
    }
}

fn kill(daemon: Daemon) {
    let ended = daemon.kill();
    assert_eq!(ended.code, None, "it had ended by itself: {ended:?}");
}

/// Sends a class's lives for each word that it gets, again if that fails; returns how many students there were.
fn feed(rig: &Deployment) -> (Sender<()>, JoinHandle<usize>) {
    let send = rig.sender(&[]);
    let (begin_class, begun) = mpsc::channel();
    let feeder = thread::spawn(move || {
        let mut students = 0;
        for () in begun {
            let class = students..students + CLASS;
            let lives: String = class.map(|n| load::life(&format!("u{n}"))).collect();
            until(
                "the commands to be sent",
                || send(&lives).code,
                |code| *code == Some(0),
            );
            students += CLASS;
        }
        students
    });
    (begin_class, feeder)
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn killed_again_and_again_while_commands_flow_it_never_shows_a_violation_and_all_takes_place_once()
{
    let kills = number("ARTHOUSE_KILLS", by_depth(6, 20, 100));
    let seed = number("ARTHOUSE_KILL_SEED", fastrand::u64(..));
    println!("{kills} kills, chosen by ARTHOUSE_KILL_SEED={seed}");
    let began = Instant::now();
    let mut running = Running::start(seed);
    let (begin_class, feeder) = feed(&running.rig);
    for _ in 0..kills {
        running.round(&begin_class);
    }
    drop(begin_class);
    let students = feeder.join().unwrap();
    let killed = began.elapsed();
    check_all_took_place(&running, students);
    let [workers, processors, services] = running.killed;
    println!(
        "killed: {workers} workers, {processors} stream processors, {services} times the services, in {killed:.1?}; {} audits found \
         something not settled yet; {students} students were settled and checked {:.1?} later",
        running.unsettled,
        began.elapsed() - killed,
    );
}

/// Waits until all is settled, then checks that every command has its one outcome, and what follows from it took place.
fn check_all_took_place(running: &Running, students: usize) {
    let (rig, commands) = (&running.rig, 1 + students * 5);
    let is_settled = |audit: &Value| {
        audit["pending"] == json!(0) && audit["checked"]["receipts"] == json!(commands)
    };
    let settled = until("all to be settled", || running.audit(), is_settled);
    let checked = ["applications", "enrollments", "sessions"].map(|name| &settled["checked"][name]);
    assert_eq!(checked, [&json!(0), &json!(students), &json!(students * 3)]);
    let outcomes = heard(rig, Queue::Outcomes, commands);
    let applied = [("command.applied".to_owned(), commands)];
    assert_eq!(by_type(&outcomes), applied.into());
    check_lives_told(rig, students);
    let status = rig.call(&["status", "--json"]).json();
    assert_eq!(
        (&status["parked"], &status["gaps"]),
        (&json!([]), &json!([]))
    );
    for dead in ["x-arthouse-commands-dlq.fifo", "x-arthouse-stream-dlq"] {
        let mut queues = status["queues"].as_array().unwrap().iter();
        let depth = queues.find(|depth| depth["queue"] == dead).unwrap();
        assert_eq!(depth["waiting"], json!(0), "{dead}");
    }
}
