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

    /// How often a fault struck.
    pub(crate) fn struck(&self, fault: Fault) -> u64 {
        let met = self.met.iter().filter(|((which, _), _)| *which == fault);
        met.map(|(_, times)| times).sum()
    }

    /// The faults that an operation has not met, of all operations that met one.
    pub(crate) fn missed(&self) -> Vec<(Fault, String)> {
        let operations: BTreeSet<_> = self.met.keys().map(|(_, operation)| operation).collect();
        let pairs = operations
            .into_iter()
            .flat_map(|operation| Fault::ALL.map(|fault| (fault, operation.clone())));
        pairs.filter(|pair| !self.met.contains_key(pair)).collect()
    }

    /// Prints the sums, and each fault by the operation that it met.
    pub(crate) fn print(&self, simulations: usize, took: Duration) {
        let hour = simulations as f64 * 3_600.0 / took.as_secs_f64();
        println!(
            "{simulations} simulations in {:.0} s ({hour:.0} an hour): {} calls, {:.1} h simulated",
            took.as_secs_f64(),
            self.calls,
            self.simulated.as_secs_f64() / 3_600.0
        );
        let operations: BTreeSet<_> = self.met.keys().map(|(_, operation)| operation).collect();
        println!(
            "| operation | {} |",
            Fault::ALL.map(|it| format!("{it:?}")).join(" | ")
        );
        println!("|---|{}", "---:|".repeat(Fault::ALL.len()));
        for operation in operations {
            let times = Fault::ALL.map(|fault| {
                let met = self.met.get(&(fault, operation.clone()));
                met.copied().unwrap_or(0).to_string()
            });
            println!("| {operation} | {} |", times.join(" | "));
        }
        for (behaviour, times) in &self.struck {
            println!("{behaviour:?}: {times}");
        }
    }
}
