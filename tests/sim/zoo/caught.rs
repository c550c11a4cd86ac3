//! Each bug is found, within a number of seeds and cases.

use super::Bug;
use crate::audit::Finding;
use crate::crew;
use crate::fault::Fault;
use crate::scenario::{Case, Scenario};
use crate::swarm;

/// The seeds that are tried for each bug, before the cases of [`cases`] are.
const SEEDS: u64 = 25;

#[test]
fn every_bug_of_the_zoo_is_found() {
    println!("| bug | found with seed or case | by |");
    println!("|---|---|---|");
    let found = crew::each(&Bug::ALL, |bug| {
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
    let missed: Vec<_> = Bug::ALL
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

/// The cases of a crash after a call and of a long pause before one: where most bugs of this kind live.
fn cases() -> Vec<Case> {
    let scenarios = [Scenario::Duplicate, Scenario::Sharing];
    let all = scenarios.into_iter().flat_map(Case::all);
    all.filter(|case| matches!(case.fault, Fault::CrashAfter | Fault::FreezeBefore))
        .collect()
}
