//! Each bug is found, within a number of seeds and cases.

use super::Bug;
use crate::audit::Finding;
use crate::crew;
use crate::fault::Fault;
use crate::scenario::{Case, Scenario};
use crate::swarm;

/// The seeds that are tried for each bug, before the cases of [`cases`] are.
const SEEDS: u64 = 25;

/// The bugs that were found so far. The others are sought by naming them in `ARTHOUSE_SIM_BUGS`.
const FOUND: [Bug; 26] = [
    Bug::ChargeUnconditional,
    Bug::ChargeOffByOne,
    Bug::SkipCountsAsAttended,
    Bug::SessionPutUnconditional,
    Bug::PaymentStatusForgotten,
    Bug::VersionUnchecked,
    Bug::ApplicationKept,
    Bug::ReceiptUnconditional,
    Bug::ReceiptForgotten,
    Bug::RejectionNotStored,
    Bug::DeletedBeforeCommit,
    Bug::DuplicateNotTold,
    Bug::OutcomeFailureIgnored,
    Bug::CommandRetryBuried,
    Bug::RetryOvertaken,
    Bug::CheckpointBeforeWork,
    Bug::LastPageDropped,
    Bug::CommandRetryDropped,
    Bug::CommandsDedupedWhenBegun,
    Bug::RecordRetryDropped,
    Bug::RecordRetryParked,
    Bug::RecordsDedupedWhenBegun,
    Bug::ChildrenAtLatest,
    Bug::ReopenedAtLatest,
    Bug::NotificationIdRandom,
    Bug::ContactTold,
];

#[test]
fn every_bug_of_the_zoo_that_was_ever_found_is_found() {
    println!("| bug | found with seed or case | by |");
    println!("|---|---|---|");
    let wanted = std::env::var("ARTHOUSE_SIM_BUGS").unwrap_or_default();
    let bugs = Bug::ALL.into_iter();
    let bugs = bugs.filter(|bug| match wanted.as_str() {
        "" => FOUND.contains(bug),
        wanted => wanted.contains(&format!("{bug:?}")),
    });
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

/// The cases of a lost answer, of a crash after a call and of a long pause before one: where most bugs of this kind live.
fn cases() -> Vec<Case> {
    let scenarios = [Scenario::Attending, Scenario::Duplicate, Scenario::Sharing];
    let faults = [Fault::ResponseLost, Fault::CrashAfter, Fault::FreezeBefore];
    let all = scenarios.into_iter().flat_map(Case::all);
    all.filter(|case| faults.contains(&case.fault)).collect()
}
