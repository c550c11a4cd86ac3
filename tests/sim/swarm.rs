//! Random simulations: each seed switches on a random subset of what may go wrong, and lets random students do as they like.

use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::aws::Adversity;
use crate::crew;
use crate::fault::{Fault, Plan};
use crate::node::Role;
use crate::school::Command;
use crate::tally::Tally;
use crate::world::{Report, Setup, World};
use crate::zoo::Bug;

/// The seeds of a CI run.
const SEEDS: u64 = 100;

/// Plays one seed.
pub(crate) fn play(seed: u64, bug: Option<Bug>, traced: bool) -> Report {
    let mut rng = Rng::with_seed(seed);
    let (faults, adversity) = (rng.f64() * 0.03, rng.f64() * 0.2);
    let setup = Setup {
        seed,
        workers: rng.u32(1..=2),
        processors: rng.u32(1..=2),
        plan: Plan::swarm(&mut rng, faults),
        adversity: Adversity::swarm(&mut rng, adversity),
        bug,
        traced,
    };
    let mut world = World::new(setup);
    let mut students = Students::new(&mut rng);
    for _ in 0..rng.u32(6..=24) {
        if let Some(command) = students.next(&mut rng) {
            world.post(&command);
        }
        if rng.u32(0..4) > 0 {
            world.pass(Duration::from_millis(rng.u64(1..4_000)));
        }
        disturb(&mut world, &mut rng);
        if rng.u32(0..12) == 0 {
            world.post(&students.mistake(&mut rng));
        }
        let known = |id: &str| world.network.auditor.has_outcome(id);
        if let Some(command) = students.impostor(&mut rng, known) {
            world.post(&command);
        }
        if rng.u32(0..8) == 0 {
            let (one, other) = students.fight(&mut rng);
            world.post(&one);
            world.post(&other);
        }
    }
    world.pass(Duration::from_secs(rng.u64(0..30)));
    world.settle()
}

/// Now and then a process is killed or deployed anew, or all of a kind are down for a while.
fn disturb(world: &mut World, rng: &mut Rng) {
    let node = rng.u32(1..=4);
    match rng.u32(0..40) {
        0 => world.crash(node),
        1 => world.redeploy(node),
        2 => {
            let role = if rng.bool() {
                Role::Streams
            } else {
                Role::Worker
            };
            world.outage(role, Duration::from_secs(rng.u64(10..=300)));
        }
        _ => {}
    }
}

/// Students who do as they like, in courses of their own choice.
struct Students {
    courses: u32,
    students: u32,
    sent: Vec<Command>,
    /// Commands that must come first: without them there is little to get wrong.
    first: Vec<Command>,
    count: u32,
}

impl Students {
    fn new(rng: &mut Rng) -> Self {
        let (courses, students) = (rng.u32(1..=2), rng.u32(1..=3));
        let mut first = Vec::new();
        for course in 0..courses {
            let (cost, duration) = (rng.i64(1..=10_000), rng.u32(1..=4));
            first.push(Command::course(
                &format!("course-{course}"),
                &name('c', course),
                cost,
                duration,
            ));
        }
        let (user, course) = (name('u', 0), name('c', 0));
        first.push(Command::apply("apply-0", &user, &course));
        first.push(Command::pay("pay-0", &user, &course, "r"));
        first.reverse();
        Self {
            courses,
            students,
            sent: Vec::new(),
            first,
            count: 0,
        }
    }

    /// Two commands about one session at the same time, in groups of their own.
    fn fight(&mut self, rng: &mut Rng) -> (Command, Command) {
        self.count += 1;
        let (one, other) = (
            format!("one-{}", self.count),
            format!("other-{}", self.count),
        );
        let user = name('u', rng.u32(0..self.students));
        let (course, session) = (name('c', rng.u32(0..self.courses)), rng.u32(1..=4));
        let to = format!("2026-04-{:02}T10:00:00Z", rng.u32(1..=28));
        let attends = Command::attend(&one, &user, &course, session).in_group(&one);
        let moves = Command::reschedule(&other, &user, &course, session, &to).in_group(&other);
        (attends, moves)
    }

    /// What nobody can carry out.
    fn mistake(&mut self, rng: &mut Rng) -> Command {
        self.count += 1;
        Command::malformed(&format!("m-{}", self.count), rng.u32(..))
    }

    /// Now and then, another command in the name of one that has its outcome.
    fn impostor(&mut self, rng: &mut Rng, known: impl Fn(&str) -> bool) -> Option<Command> {
        if rng.u32(0..12) > 0 || self.sent.is_empty() {
            return None;
        }
        self.count += 1;
        let command = &self.sent[rng.usize(0..self.sent.len())];
        known(&command.id).then(|| command.in_its_name(self.count))
    }

    fn next(&mut self, rng: &mut Rng) -> Option<Command> {
        self.count += 1;
        let id = format!("k-{}", self.count);
        let user = name('u', rng.u32(0..self.students));
        let course = name('c', rng.u32(0..self.courses));
        let session = rng.u32(1..=4);
        let command = match self.first.pop() {
            Some(first) => first,
            None => match rng.u32(0..14) {
                0 | 1 => Command::apply(&id, &user, &course),
                2 | 3 => Command::pay(&id, &user, &course, "r"),
                4 => Command::pay(&id, &user, &course, &id),
                5..=7 => Command::attend(&id, &user, &course, session),
                8 => Command::skip(&id, &user, &course, session),
                9 | 10 => {
                    let to = format!("2026-03-{:02}T10:00:00Z", rng.u32(1..=28));
                    Command::reschedule(&id, &user, &course, session, &to)
                }
                11 => Command::retitle(&id, &course, &id),
                _ => self
                    .sent
                    .get(rng.usize(0..self.sent.len().max(1)))?
                    .again(self.count),
            },
        };
        self.sent.push(command.clone());
        // Some senders don't know of groups: then nothing but the tables keeps the order.
        if rng.u32(0..8) == 0 {
            return Some(command.in_group(&id));
        }
        Some(command)
    }
}

fn name(kind: char, number: u32) -> String {
    format!("{kind}{number}")
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is not a number")),
    )
}

pub(crate) fn first_seed() -> u64 {
    number("ARTHOUSE_SIM_SEED").unwrap_or(1)
}

/// Seeds that once found a bug of the program: see the tests' README.
const REGRESSIONS: [u64; 1] = [8666];

#[test]
fn seeds_that_once_found_a_bug_find_none() {
    for seed in REGRESSIONS {
        assert_eq!(play(seed, None, false).findings, [], "seed {seed}");
    }
}

#[test]
fn random_faults_and_random_students_do_no_harm() {
    let (first, began) = (first_seed(), Instant::now());
    let seeds: Vec<_> = (first..first + number("ARTHOUSE_SIM_SEEDS").unwrap_or(SEEDS)).collect();
    let played = crew::each(&seeds, |seed| {
        let report = play(*seed, None, false);
        if let Some(finding) = report.findings.first() {
            println!("seed {seed}: {finding}");
            println!(
                "  again: ARTHOUSE_SIM_SEED={seed} cargo test -p arthouse-tests --test sim replay -- --ignored --nocapture"
            );
        }
        report
    });
    let mut tally = Tally::default();
    played.iter().for_each(|report| tally.add(report));
    tally.print(seeds.len(), began.elapsed());
    let failed = played.iter().filter(|it| !it.findings.is_empty()).count();
    assert_eq!(failed, 0, "of {} seeds", seeds.len());
    if seeds.len() as u64 >= SEEDS {
        for fault in Fault::ALL {
            assert!(tally.has_struck(fault), "{fault:?} never struck");
        }
    }
}
