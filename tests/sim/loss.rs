//! Random simulations in which the streams lose records before they are read: some because nobody reads for longer than a stream keeps
//! them, some because the service breaks its word. The program must notice, and repair what it can.

use std::num::NonZeroU32;
use std::time::Duration;

use arthouse::Names;
use arthouse_store::Table;
use arthouse_tests::by_depth;
use chrono::{DateTime, Utc};
use fastrand::Rng;

use crate::aws::{Behaviour, EPOCH_MILLIS};
use crate::node::Role;
use crate::operator::Errand;
use crate::students::Students;
use crate::swarm;
use crate::world::{Report, World};
use crate::zoo::Bug;

/// So many seeds meet every kind of loss and repair.
const MEET_ALL: u64 = 60;
/// What the numbers of a seed are made of here, so that they are not those of the swarm.
const SALT: u64 = 0x6c6f_7373;
/// How long the stream processors may take to know where to begin, faults and all.
const BEGINNING: Duration = Duration::from_secs(45 * 60);
/// How long the operator is waited for, to be interrupted.
const AT_WORK: Duration = Duration::from_secs(60);
const HOUR: u64 = 3_600;

/// Plays one seed.
pub(crate) fn play(seed: u64, bug: Option<Bug>, traced: bool) -> Report {
    let mut rng = Rng::with_seed(seed ^ SALT);
    let mut setup = swarm::setup(&mut rng, seed, bug, traced);
    setup.repairs = true;
    setup.errand = (rng.u32(0..3) == 0).then(|| errand(&mut rng));
    let interrupted = setup.errand.is_some() && rng.bool();
    // Either way of losing, or both.
    let ways = rng.u32(1..=3);
    let (early, late) = (ways & 1 > 0, ways & 2 > 0);
    if early {
        let rate = 0.05 + rng.f64() * 0.4;
        setup.adversity = setup.adversity.with(Behaviour::Trimmed, rate);
    }
    let mut world = World::new(setup);
    // What was lost before a first start is nothing that anyone missed.
    world.until(BEGINNING, |world| world.network.auditor.is_seeded());
    let mut students = Students::new(&mut rng);
    let rounds = rng.u32(6..=24);
    let away = late.then(|| rng.u32(0..rounds));
    let interrupt = interrupted.then(|| rng.u32(0..rounds));
    for round in 0..rounds {
        swarm::act(&mut world, &mut students, &mut rng);
        if early && rng.u32(0..6) == 0 {
            slow_reading(&mut world, &mut students, &mut rng);
        }
        if interrupt == Some(round) {
            let after = Duration::from_millis(rng.u64(0..=60));
            world.interrupt_operator(AT_WORK, after);
        }
        if away == Some(round) {
            days_without_reading(&mut world, &mut students, &mut rng);
        }
    }
    world.pass(Duration::from_secs(rng.u64(0..30)));
    world.settle()
}

/// An operator who reconciles twice while everything else goes on.
fn errand(rng: &mut Rng) -> Errand {
    let start = DateTime::<Utc>::from_timestamp_millis(i64::try_from(EPOCH_MILLIS).unwrap_or(0));
    Errand {
        runs: 2,
        pause: Duration::from_secs(rng.u64(1..=40)),
        since: start.filter(|_| rng.bool()).map(Into::into),
        students_per_second: NonZeroU32::new(rng.u32(1..=4)).unwrap_or(NonZeroU32::MIN),
    }
}

/// Nobody reads for minutes, and the students go on.
fn slow_reading(world: &mut World, students: &mut Students, rng: &mut Rng) {
    world.outage(Role::Streams, Duration::from_secs(rng.u64(60..=400)));
    for _ in 0..rng.u32(2..=4) {
        if let Some(command) = students.next(rng) {
            world.post(&command);
        }
        world.pass(Duration::from_secs(rng.u64(20..=120)));
    }
}

/// Nobody reads for a day or more, in which there are hours at which commands are carried out. Shards are rolled over meanwhile.
fn days_without_reading(world: &mut World, students: &mut Students, rng: &mut Rng) {
    let hours = rng.u64(25..=70);
    let end = world.now + Duration::from_secs(hours * HOUR);
    world.outage(Role::Streams, end - world.now);
    while world.now < end {
        for _ in 0..rng.u32(0..=3) {
            if let Some(command) = students.next(rng) {
                world.post(&command);
            }
        }
        world.pass(Duration::from_millis(rng.u64(1..=20_000)));
        roll_over(world, rng);
        let left = end.saturating_sub(world.now);
        world.black_out(Duration::from_secs(rng.u64(HOUR..=24 * HOUR)).min(left));
    }
}

fn roll_over(world: &mut World, rng: &mut Rng) {
    world.network.aws.set_now(world.now);
    let tables = Names::default().tables;
    for table in [Table::UsersCourses, Table::Sessions] {
        if rng.bool() {
            world.network.aws.roll_over_shards(&tables.name(table));
        }
    }
}

/// Seeds that once found a bug of the program: see the tests' README.
const REGRESSIONS: [u64; 3] = [18, 27, 1113];

#[test]
fn seeds_of_losses_that_once_found_a_bug_find_none() {
    for seed in REGRESSIONS {
        assert_eq!(play(seed, None, false).findings, [], "seed {seed}");
    }
}

#[test]
fn what_the_streams_lose_is_noticed_and_repaired() {
    let play = |seed| play(seed, None, false);
    let usual = by_depth(12, MEET_ALL, 1_000);
    let (tally, seeds) = swarm::search(usual, "ARTHOUSE_SIM_LOSS", play);
    if seeds >= MEET_ALL {
        tally.demand_losses();
    }
}
