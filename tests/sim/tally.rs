//! Sums over many simulations.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

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
        for (behaviour, times) in &self.struck {
            println!("{behaviour:?}: {times}");
        }
    }
}
