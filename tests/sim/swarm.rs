//! Random simulations: each seed switches on a random subset of what may go wrong, and lets random students do as they like.

use std::time::Duration;

use arthouse_tests::by_depth;
use fastrand::Rng;

use crate::aws::Adversity;
use crate::crew;
use crate::fault::{Fault, Plan};
use crate::node::Role;
use crate::students::Students;
use crate::tally::Tally;
use crate::world::{Report, Setup, World};
use crate::zoo::Bug;

/// So many seeds meet every kind of fault.
const MEET_ALL: u64 = 100;

/// Plays one seed.
pub(crate) fn play(seed: u64, bug: Option<Bug>, traced: bool) -> Report {
    let mut rng = Rng::with_seed(seed);
    let setup = setup(&mut rng, seed, bug, traced);
    let mut world = World::new(setup);
    let mut students = Students::new(&mut rng);
    for _ in 0..rng.u32(6..=24) {
        act(&mut world, &mut students, &mut rng);
    }
    world.pass(Duration::from_secs(rng.u64(0..30)));
    world.settle()
}

/// Processes of each kind, and what goes wrong at random.
pub(crate) fn setup(rng: &mut Rng, seed: u64, bug: Option<Bug>, traced: bool) -> Setup {
    let (faults, adversity) = (rng.f64() * 0.03, rng.f64() * 0.2);
    Setup {
        seed,
        workers: rng.u32(1..=2),
        processors: rng.u32(1..=2),
        plan: Plan::swarm(rng, faults),
        adversity: Adversity::swarm(rng, adversity),
        bug,
        traced,
        ..Setup::default()
    }
}

/// Students do something, and meanwhile something may happen to a process.
pub(crate) fn act(world: &mut World, students: &mut Students, rng: &mut Rng) {
    if let Some(command) = students.next(rng) {
        world.post(&command);
    }
    if rng.u32(0..4) > 0 {
        world.pass(Duration::from_millis(rng.u64(1..4_000)));
    }
    disturb(world, rng);
    if rng.u32(0..12) == 0 {
        world.post(&students.mistake(rng));
    }
    let known = |id: &str| world.network.auditor.has_outcome(id);
    if let Some(command) = students.impostor(rng, known) {
        world.post(&command);
    }
    if rng.u32(0..8) == 0 {
        let (one, other) = students.fight(rng);
        world.post(&one);
        world.post(&other);
    }
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

/// Plays as many seeds as are asked for, or as are usual at this depth, and panics if anything is found; `variable` is the one by which
/// a seed is played again. Returns what was met, and in how many seeds.
pub(crate) fn search(
    usual: u64,
    variable: &str,
    play: impl Fn(u64) -> Report + Sync,
) -> (Tally, u64) {
    let first = first_seed();
    let count = number("ARTHOUSE_SIM_SEEDS").unwrap_or(usual);
    let seeds: Vec<_> = (first..first + count).collect();
    let tally = crew::search(variable, &seeds, |seed| *seed, |seed| play(*seed));
    (tally, count)
}

#[test]
fn random_faults_and_random_students_do_no_harm() {
    let usual = by_depth(20, MEET_ALL, 5_000);
    let (tally, seeds) = search(usual, "ARTHOUSE_SIM_SEED", |seed| play(seed, None, false));
    if seeds >= MEET_ALL {
        for fault in Fault::ALL {
            assert!(tally.has_struck(fault), "{fault:?} never struck");
        }
    }
}
