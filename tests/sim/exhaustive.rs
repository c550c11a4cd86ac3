//! Every single fault at every call of every canonical scenario.

use arthouse_tests::by_depth;

use crate::crew;
use crate::fault::{Fault, Plan};
use crate::scenario::{Case, Scenario};
use crate::swarm;
use crate::world::{Report, Setup};
use crate::zoo::Bug;

/// Each so-manieth case is played, by depth: 114, 227 or all of 6,792 cases.
fn every() -> u64 {
    swarm::number("ARTHOUSE_SIM_EVERY").unwrap_or_else(|| by_depth(60, 30, 1))
}

/// What is in hand when a fault strikes: all commands, and all changes whose reactions make calls.
const HANDLED: [&str; 9] = [
    "change PAID Insert",
    "change Session Modify",
    "command course.apply",
    "command course.create",
    "command course.update",
    "command payment.confirm",
    "command session.attend",
    "command session.reschedule",
    "command session.skip",
];

impl Case {
    /// Every fault at every call of a scenario.
    pub(crate) fn all(scenario: Scenario) -> Vec<Self> {
        let mut cases = Vec::new();
        for (node, calls) in scenario.calls() {
            for call in calls {
                cases.extend(Fault::ALL.map(|fault| Self {
                    scenario,
                    node,
                    call,
                    fault,
                }));
            }
        }
        cases
    }

    pub(crate) fn play(self, traced: bool) -> Report {
        self.play_with(None, traced)
    }

    pub(crate) fn play_with(self, bug: Option<Bug>, traced: bool) -> Report {
        let plan = Plan::Single {
            node: self.node,
            call: self.call,
            fault: self.fault,
        };
        self.scenario.play(Setup {
            plan,
            bug,
            traced,
            ..self.scenario.setup()
        })
    }

    /// As `ARTHOUSE_SIM_CASE` has it.
    pub(crate) fn name(self) -> String {
        let Self {
            scenario,
            node,
            call,
            fault,
        } = self;
        format!("{scenario:?}/{node}/{call}/{fault:?}")
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut parts = name.split('/');
        let scenario = parts.next()?;
        let (node, call) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let fault = parts.next()?;
        Some(Self {
            scenario: Scenario::ALL
                .into_iter()
                .chain([Scenario::Sharing])
                .find(|it| format!("{it:?}") == scenario)?,
            node,
            call,
            fault: Fault::ALL
                .into_iter()
                .find(|it| format!("{it:?}") == fault)?,
        })
    }
}

#[test]
fn nothing_is_found_where_nothing_goes_wrong() {
    for scenario in Scenario::ALL {
        let report = scenario.play(scenario.setup());
        assert_eq!(report.findings, [], "{scenario:?}");
    }
}

#[test]
fn every_single_fault_at_every_call_of_every_scenario_does_no_harm() {
    let every = every();
    let cases: Vec<_> = Scenario::ALL.into_iter().flat_map(Case::all).collect();
    let cases = (0_u64..).zip(cases).filter(|(at, _)| at % every == 0);
    let cases: Vec<_> = cases.map(|(_, case)| case).collect();
    let tally = crew::search(
        "ARTHOUSE_SIM_CASE",
        &cases,
        |case| case.name(),
        |case| case.play(false),
    );
    if every == 1 {
        assert_eq!(tally.missed(), [], "never met");
        let kinds = tally.targets().into_iter();
        let kinds = kinds.filter(|it| it.starts_with("command ") || it.starts_with("change "));
        assert_eq!(kinds.collect::<Vec<_>>(), HANDLED, "met in hand");
    }
}
