//! Each bug is found, within a number of seeds and cases.

use super::Bug;
use crate::audit::Finding;
use crate::crew;
use crate::fault::Fault;
use crate::scenario::{Case, Scenario};
use crate::{loss, swarm};

/// The seeds that are tried for each bug, before the cases of [`cases`] are.
const SEEDS: u64 = 25;
/// The seeds of losses that are tried for each bug that shows only there.
const SEEDS_OF_LOSSES: u64 = 25;

#[test]
fn every_bug_of_the_zoo_is_found() {
    search(&Bug::ALL, find);
}

#[test]
fn every_bug_that_only_losses_show_is_found() {
    search(&Bug::OF_LOSSES, |bug| {
        let mut seeds = 1..=SEEDS_OF_LOSSES;
        seeds.find_map(|seed| {
            let report = loss::play(seed, Some(bug), false);
            let finding = report.findings.into_iter().next()?;
            Some((format!("loss {seed}"), finding))
        })
    });
}

/// Looks for each of these bugs; panics if one is not found.
fn search(bugs: &[Bug], find: impl Fn(Bug) -> Option<(String, Finding)> + Sync) {
    println!("| bug | found with seed or case | by |");
    println!("|---|---|---|");
    let wanted = std::env::var("ARTHOUSE_SIM_BUGS").unwrap_or_default();
    let bugs = bugs.iter().copied();
    let bugs = bugs.filter(|bug| wanted.is_empty() || wanted.contains(&format!("{bug:?}")));
    let bugs: Vec<_> = bugs.collect();
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
    let seeds = (1..=SEEDS).map(|seed| (seed.to_string(), swarm::play(seed, Some(bug), false)));
    let cases = cases()
        .into_iter()
        .map(|case| (case.name(), case.play_with(Some(bug), false)));
    seeds.chain(cases).find_map(|(name, report)| {
        let finding = report.findings.into_iter().next()?;
        Some((name, finding))
    })
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
