//! Sums over many simulations.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::audit::Toll;
use crate::aws::Behaviour;
use crate::fault::Fault;
use crate::network::Met;
use crate::world::Report;

#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    calls: u64,
    simulated: Duration,
    met: Met,
    struck: BTreeMap<Behaviour, u64>,
    toll: Toll,
    /// In how many simulations something was lost.
    with_losses: u64,
    resumed: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, report: &Report) {
        self.calls += report.calls.values().sum::<u64>();
        self.simulated += report.lasted;
        for (met, times) in &report.met {
            *self.met.entry(met.clone()).or_default() += times;
        }
        for (behaviour, times) in &report.struck {
            *self.struck.entry(*behaviour).or_default() += times;
        }
        self.toll.add(report.toll);
        self.with_losses += u64::from(report.toll.lost > 0);
        self.resumed += u64::from(report.resumed);
    }

    /// Panics unless every kind of loss and of repair took place.
    pub(crate) fn demand_losses(&self) {
        let Toll {
            lost,
            untellable,
            gaps,
            made,
        } = self.toll;
        assert!(lost > 0, "nothing was lost");
        assert!(untellable > 0, "all could be told again");
        assert!(gaps > 0, "no gap was found");
        assert!(made.initialisations > 0, "no repair has put sessions");
        assert!(made.charges > 0, "no repair has charged");
        assert!(self.resumed > 0, "no reconciliation was gone on with");
    }

    /// Whether a fault struck.
    pub(crate) fn has_struck(&self, fault: Fault) -> bool {
        self.met.keys().any(|(which, _)| *which == fault)
    }

    /// What met a fault: operations, and kinds of commands and changes.
    pub(crate) fn targets(&self) -> BTreeSet<&str> {
        self.met.keys().map(|(_, target)| target.as_str()).collect()
    }

    /// The faults that a target has not met, of all targets that met one.
    pub(crate) fn missed(&self) -> Vec<(Fault, String)> {
        let pairs = self
            .targets()
            .into_iter()
            .flat_map(|target| Fault::ALL.map(|fault| (fault, target.to_owned())));
        pairs.filter(|pair| !self.met.contains_key(pair)).collect()
    }

    /// Prints the sums, and each fault by what it met.
    pub(crate) fn print(&self, simulations: usize, took: Duration) {
        let hour = simulations as f64 * 3_600.0 / took.as_secs_f64();
        println!(
            "{simulations} simulations in {:.0} s ({hour:.0} an hour): {} calls, {:.1} h simulated",
            took.as_secs_f64(),
            self.calls,
            self.simulated.as_secs_f64() / 3_600.0
        );
        println!(
            "| operation, or command or change in hand | {} |",
            Fault::ALL.map(|it| format!("{it:?}")).join(" | ")
        );
        println!("|---|{}", "---:|".repeat(Fault::ALL.len()));
        for target in self.targets() {
            let times = Fault::ALL.map(|fault| {
                let met = self.met.get(&(fault, target.to_owned()));
                met.copied().unwrap_or(0).to_string()
            });
            println!("| {target} | {} |", times.join(" | "));
        }
        if self.toll.gaps > 0 {
            let Toll {
                lost,
                untellable,
                gaps,
                made,
            } = self.toll;
            println!(
                "{lost} records lost in {} simulations, {gaps} gaps found and repaired; by repairs {} enrolments initialised, {} charges \
                 made; {untellable} notifications could not be told again; {} reconciliations gone on with",
                self.with_losses, made.initialisations, made.charges, self.resumed
            );
        }
        for (behaviour, times) in &self.struck {
            println!("{behaviour:?}: {times}");
        }
    }
}
