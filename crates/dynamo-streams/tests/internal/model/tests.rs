//! The model, explored whole; and with each defect, until it is found.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use super::Protocol;
use super::defect::Defect;
use super::fault::Faults;
use super::properties::{
    ALWAYS, CONTIGUOUS, DELIVERED, FENCED, FORWARD, IN_ORDER, LEAVES_NOTHING, ONE_AT_A_TIME,
    ONE_HOLDER, PARENTS_FIRST, SETTLES, STAYS_FINISHED, STOPS_ON_LOSS,
};
use super::stream::{CHILDREN, Layout, OTHER, PARENT};
use super::world::World;

/// Two records of one item in the parent and a third in a child; one of another item in the other shard.
const LAYOUT: Layout = Layout(&[
    (PARENT, "x"),
    (PARENT, "x"),
    (OTHER, "y"),
    (CHILDREN[0], "x"),
]);

/// Explores everything, and checks that it is at least `floor` states and that every property holds.
fn check(faults: Faults, floor: usize) {
    let began = Instant::now();
    let checker = Protocol::new(LAYOUT, faults).checker();
    let checker = checker.threads(2).spawn_bfs().join();
    let states = checker.unique_state_count();
    let (steps, depth, took) = (checker.state_count(), checker.max_depth(), began.elapsed());
    println!("{faults:?}: {states} states, {steps} steps, {depth} deep, {took:.1?}");
    let is_always = |name| ALWAYS.iter().any(|(always, _)| *always == name);
    for (name, path) in checker.discoveries() {
        assert!(!is_always(name), "{name}: {:#?}", path.into_actions());
    }
    checker.assert_properties();
    assert!(checker.is_done(), "the exploration was cut short");
    assert!(states >= floor, "{states} states are fewer than {floor}");
}

/// What goes wrong, and the fewest states that this comes to. The first are for every run; `TEST_DEPTH` says how many more.
const FAULTS: [(Faults, usize); 5] = [
    // A worker that drains leaves everything to the other.
    (
        Faults {
            drain: 1,
            ..Faults::NONE
        },
        15_000,
    ),
    // A write that arrives twice, the second time late, changes nothing.
    (
        Faults {
            echo: 1,
            ..Faults::NONE
        },
        20_000,
    ),
    // A worker whose heartbeats fail for a while comes back.
    (
        Faults {
            silence: 1,
            ..Faults::NONE
        },
        250_000,
    ),
    // Two workers share two shards and a split through a crash and a zombie.
    (
        Faults {
            crash: 1,
            zombie: 1,
            ..Faults::NONE
        },
        500_000,
    ),
    // All of these at once but the drain; it takes many minutes.
    (
        Faults {
            crash: 1,
            zombie: 1,
            echo: 1,
            ..Faults::NONE
        },
        1_000_000,
    ),
];

/// Returns what is asked for by `TEST_DEPTH`: `quick`, which is what goes without it, `ci` or `deep`.
fn by_depth<T>(quick: T, ci: T, deep: T) -> T {
    match std::env::var("TEST_DEPTH").as_deref() {
        Err(_) | Ok("quick") => quick,
        Ok("ci") => ci,
        Ok("deep") => deep,
        Ok(other) => panic!("TEST_DEPTH={other}: it must be quick, ci or deep"),
    }
}

#[test]
fn every_property_holds_whatever_goes_wrong() {
    for (faults, floor) in FAULTS.into_iter().take(by_depth(2, 2, 5)) {
        check(faults, floor);
    }
}

/// Each property fails of a model with a defect, so it can fail.
#[test]
fn every_defect_breaks_its_property() {
    let quiet = Faults::NONE;
    let zombie = Faults { zombie: 1, ..quiet };
    let silence = Faults {
        silence: 1,
        ..quiet
    };
    let echo = Faults { echo: 1, ..quiet };
    let drain = Faults { drain: 1, ..quiet };
    let cases = [
        (Defect::UnfencedWrites, zombie, FENCED),
        (Defect::UnorderedCheckpoints, echo, FORWARD),
        (Defect::BlindTakes, quiet, ONE_HOLDER),
        (Defect::TakesFinishedShards, quiet, STAYS_FINISHED),
        (Defect::OverwritesLeases, quiet, FORWARD),
        (Defect::ChildrenBeforeParents, quiet, PARENTS_FIRST),
        (Defect::ChildrenAtLatest, quiet, DELIVERED),
        (Defect::CheckpointsWhatIsBegun, quiet, CONTIGUOUS),
        (Defect::FinishesWhatIsRead, quiet, DELIVERED),
        (Defect::IgnoresItems, quiet, IN_ORDER),
        (Defect::ReleasesWithoutDraining, drain, ONE_AT_A_TIME),
        (Defect::NoSelfFence, silence, STOPS_ON_LOSS),
        (Defect::SuspectsTheLiving, quiet, STOPS_ON_LOSS),
        (Defect::ForgetsLateChildren, quiet, SETTLES),
        (Defect::AbandonsAtDrain, drain, LEAVES_NOTHING),
        (Defect::OverdueTooSoon, silence, STOPS_ON_LOSS),
        (Defect::IgnoresHandedOver, silence, SETTLES),
    ];
    let broken: BTreeSet<&str> = cases.iter().map(|(.., property)| *property).collect();
    assert_eq!(broken.len(), ALWAYS.len(), "each property has a defect");
    for (defect, faults, property) in cases {
        let protocol = Protocol::new(LAYOUT, faults).with(defect);
        let found = HasDiscoveries::AnyOf([property].into());
        let checker = protocol.checker().finish_when(found).spawn_bfs().join();
        let states = checker.unique_state_count();
        let path = checker
            .discovery(property)
            .unwrap_or_else(|| panic!("{defect:?} is not found in {states} states"));
        let length = path.into_actions().len();
        println!("{defect:?} orphans \"{property}\" in {length} steps ({states} states)");
    }
}

/// The worlds that follow one, and which of them comes next.
struct Branch {
    identity: u64,
    next: Vec<World>,
}

/// Together with the property that everything is done where nothing more happens, this says that every run ends well.
#[test]
fn no_run_goes_on_for_ever() {
    let (faults, floor) = FAULTS[by_depth(0, 1, 2)];
    let protocol = Protocol::new(LAYOUT, faults);
    let branch = |world: &World| {
        let mut hasher = DefaultHasher::new();
        world.hash(&mut hasher);
        Branch {
            identity: hasher.finish(),
            next: protocol.next_states(world),
        }
    };
    let mut path: Vec<Branch> = protocol.init_states().iter().map(branch).collect();
    let mut on_path: HashSet<u64> = path.iter().map(|branch| branch.identity).collect();
    let mut seen = on_path.clone();
    while let Some(last) = path.last_mut() {
        let Some(world) = last.next.pop() else {
            on_path.remove(&last.identity);
            path.pop();
            continue;
        };
        let next = branch(&world);
        assert!(
            !on_path.contains(&next.identity),
            "a run comes back: {world:#?}"
        );
        if seen.insert(next.identity) {
            on_path.insert(next.identity);
            path.push(next);
        }
    }
    assert!(seen.len() >= floor, "{} states", seen.len());
}
