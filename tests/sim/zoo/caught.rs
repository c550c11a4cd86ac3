//! Each bug is found: by the seed or case that is known to find it, and at full depth by a search that knows none.

use arthouse_tests::by_depth;

use super::Bug;
use crate::audit::Finding;
use crate::crew;
use crate::fault::Fault;
use crate::scenario::{Case, Scenario};
use crate::{loss, swarm};

/// The seeds that are tried for each bug, before the cases of [`cases`] are.
const SEEDS: u64 = 30;
/// The seeds of losses that are tried for each bug that shows only there.
const SEEDS_OF_LOSSES: u64 = 30;

/// What finds a bug first: the table of the tests' README.
const KNOWN: [(Bug, Place); 40] = [
    (Bug::ChargeUnconditional, Place::Seed(15)),
    (Bug::ChargeOffByOne, Place::Seed(2)),
    (Bug::SkipCountsAsAttended, Place::Seed(29)),
    (
        Bug::SessionPutUnconditional,
        Place::Case("Sharing/3/40/Delayed"),
    ),
    (Bug::PaymentStatusForgotten, Place::Seed(5)),
    (Bug::VersionUnchecked, Place::Seed(18)),
    (Bug::ApplicationKept, Place::Seed(1)),
    (Bug::ReceiptUnconditional, Place::Seed(2)),
    (Bug::ReceiptForgotten, Place::Seed(1)),
    (Bug::RejectionNotStored, Place::Seed(1)),
    (Bug::DeletedBeforeCommit, Place::Seed(2)),
    (Bug::DuplicateNotTold, Place::Seed(3)),
    (Bug::OutcomeFailureIgnored, Place::Seed(13)),
    (Bug::NotificationFailureIgnored, Place::Seed(1)),
    (Bug::CommandRetryDropped, Place::Seed(2)),
    (Bug::CommandRetryBuried, Place::Seed(2)),
    (Bug::CommandsDedupedWhenBegun, Place::Seed(2)),
    (Bug::RecordRetryDropped, Place::Seed(28)),
    (Bug::RecordRetryParked, Place::Seed(28)),
    (Bug::RecordsDedupedWhenBegun, Place::Seed(28)),
    (Bug::RetryOvertaken, Place::Seed(28)),
    (Bug::CheckpointBeforeWork, Place::Seed(1)),
    (
        Bug::CheckpointUnfenced,
        Place::Case("HandOver/3/61/Delayed"),
    ),
    (
        Bug::CheckpointUnordered,
        Place::Case("TakeOver/4/25/Delayed"),
    ),
    (Bug::LastPageDropped, Place::Seed(4)),
    (Bug::ChildrenAtLatest, Place::Seed(1)),
    (Bug::ReopenedAtLatest, Place::Seed(7)),
    (
        Bug::ChildrenBeforeParents,
        Place::Case("LateStart/1/15/NotSent"),
    ),
    (Bug::NotificationIdRandom, Place::Seed(1)),
    (Bug::ContactTold, Place::Seed(1)),
    (Bug::RefusalPutOff, Place::Seed(2)),
    (Bug::BuriedByReceiveCount, Place::Seed(2)),
    (Bug::PanicEscapes, Place::Seed(1)),
    (Bug::UndecodableBlocks, Place::Seed(1)),
    (Bug::TrimmedPlaceLeft, Place::Loss(27)),
    (Bug::GapNotWritten, Place::Loss(2)),
    (Bug::ShardAgeForgotten, Place::Loss(2)),
    (Bug::RepairSkipsCharges, Place::Loss(1)),
    (Bug::RepairChargesAgain, Place::Loss(12)),
    (Bug::RepairSkipsSessions, Place::Loss(1)),
];

/// Something that can be played.
#[derive(Clone, Copy, Debug)]
enum Place {
    Seed(u64),
    Loss(u64),
    Case(&'static str),
}

impl Place {
    /// Plays it with a bug; returns the first finding.
    fn find(self, bug: Bug) -> Option<(String, Finding)> {
        let (name, report) = match self {
            Self::Seed(seed) => (seed.to_string(), swarm::play(seed, Some(bug), false)),
            Self::Loss(seed) => (format!("loss {seed}"), loss::play(seed, Some(bug), false)),
            Self::Case(name) => {
                let case = Case::named(name).expect("a case's name");
                (name.to_owned(), case.play_with(Some(bug), false))
            }
        };
        Some((name, report.findings.into_iter().next()?))
    }
}

#[test]
fn every_bug_of_the_zoo_is_found() {
    search(&Bug::ALL, find);
}

#[test]
fn every_bug_that_only_losses_show_is_found() {
    search(&Bug::OF_LOSSES, find_loss);
}

/// Looks for each of these bugs; panics if one is not found.
fn search(bugs: &[Bug], find: impl Fn(Bug) -> Option<(String, Finding)> + Sync) {
    println!("| bug | found with seed or case | by |");
    println!("|---|---|---|");
    let wanted = std::env::var("ARTHOUSE_SIM_BUGS").unwrap_or_default();
    let bugs = bugs.iter().copied();
    let bugs = bugs.filter(|bug| wanted.is_empty() || wanted.contains(&format!("{bug:?}")));
    // Many show only since nothing settles for 45 simulated minutes, which takes a while.
    let bugs: Vec<_> = bugs.step_by(by_depth(3, 2, 1)).collect();
    let found = crew::each(&bugs, |bug| {
        let found = find(*bug);
        match &found {
            Some((seed, finding)) => {
                println!(
                    "| {bug:?} | {seed} | {:?}: {} |",
                    finding.check, finding.detail
                );
            }
            None => println!("| {bug:?} | – | **not found** |"),
        }
        found
    });
    let missed: Vec<_> = bugs
        .iter()
        .zip(&found)
        .filter_map(|(bug, found)| found.is_none().then_some(bug))
        .collect();
    assert!(missed.is_empty(), "{missed:?}");
}

/// The first seed or case that shows a bug, and what it shows.
fn find(bug: Bug) -> Option<(String, Finding)> {
    if let Some(known) = known(bug) {
        return known.find(bug);
    }
    let mut seeds = (1..=SEEDS).map(Place::Seed);
    let found = seeds.find_map(|place| place.find(bug));
    found.or_else(|| {
        cases().into_iter().find_map(|case| {
            let report = case.play_with(Some(bug), false);
            Some((case.name(), report.findings.into_iter().next()?))
        })
    })
}

/// The first seed of losses that shows a bug, and what it shows.
fn find_loss(bug: Bug) -> Option<(String, Finding)> {
    if let Some(known) = known(bug) {
        return known.find(bug);
    }
    let mut seeds = (1..=SEEDS_OF_LOSSES).map(Place::Loss);
    seeds.find_map(|place| place.find(bug))
}

/// Where a bug is known to show; nothing at full depth, where it is to be found anew.
fn known(bug: Bug) -> Option<Place> {
    if by_depth(false, false, true) {
        return None;
    }
    let known = KNOWN.iter().find(|(known, _)| *known == bug);
    Some(known.expect("it was found before").1)
}

/// The cases of a lost answer, of a crash after a call, of a long pause before one, of a call that fails, and of one that
/// arrives after its sender's death: where most bugs of this kind live.
fn cases() -> Vec<Case> {
    let pairs = [
        (Scenario::LateStart, Fault::NotSent),
        (Scenario::TakeOver, Fault::Delayed),
        (Scenario::HandOver, Fault::Delayed),
        (Scenario::Sharing, Fault::Delayed),
        (Scenario::Attending, Fault::ResponseLost),
        (Scenario::Attending, Fault::CrashAfter),
        (Scenario::Attending, Fault::FreezeBefore),
        (Scenario::Attending, Fault::NotSent),
        (Scenario::Duplicate, Fault::ResponseLost),
        (Scenario::Duplicate, Fault::CrashAfter),
        (Scenario::Duplicate, Fault::FreezeBefore),
        (Scenario::Sharing, Fault::ResponseLost),
        (Scenario::Sharing, Fault::CrashAfter),
        (Scenario::Sharing, Fault::FreezeBefore),
    ];
    let cases = pairs.into_iter().flat_map(|(scenario, fault)| {
        let all = Case::all(scenario).into_iter();
        all.filter(move |case| case.fault == fault)
    });
    cases.collect()
}
