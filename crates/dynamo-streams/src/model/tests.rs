//! The model, explored whole; and with each defect, until it is found.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use super::Protocol;
use super::defect::Defect;
use super::fault::Faults;
use super::properties::{
    ALWAYS, CONTIGUOUS, DELIVERED, FENCED, FORWARD, IN_ORDER, ONE_AT_A_TIME, ONE_HOLDER,
    PARENTS_FIRST, SETTLES, STAYS_FINISHED, STOPS_ON_LOSS,
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

#[test]
fn two_workers_share_two_shards_and_a_split_through_a_crash_and_a_zombie() {
    let faults = Faults {
        crash: 1,
        zombie: 1,
        ..Faults::NONE
    };
    check(faults, 500_000);
}

#[test]
fn a_worker_whose_heartbeats_fail_for_a_while_comes_back() {
    let silence = 1;
    check(
        Faults {
            silence,
            ..Faults::NONE
        },
        150_000,
    );
}

#[test]
fn a_write_that_arrives_twice_and_late_changes_nothing() {
    let echo = 1;
    check(
        Faults {
            echo,
            ..Faults::NONE
        },
        50_000,
    );
}

#[test]
fn a_worker_that_drains_leaves_everything_to_the_other() {
    let drain = 1;
    check(
        Faults {
            drain,
            ..Faults::NONE
        },
        25_000,
    );
}

#[test]
#[ignore = "takes many minutes"]
fn a_crash_a_zombie_and_a_write_that_arrives_twice_at_once() {
    let faults = Faults {
        crash: 1,
        zombie: 1,
        echo: 1,
        ..Faults::NONE
    };
    check(faults, 1_000_000);
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
    let faults = Faults {
        silence: 1,
        ..Faults::NONE
    };
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
    assert!(seen.len() >= 150_000, "{} states", seen.len());
}
