//! One simulation again, with its trace.

use crate::scenario::Case;
use crate::zoo::Bug;
use crate::{loss, swarm};

#[test]
#[ignore = "plays what ARTHOUSE_SIM_CASE, ARTHOUSE_SIM_LOSS or ARTHOUSE_SIM_SEED names, and prints its trace"]
fn replay() {
    let bug = std::env::var("ARTHOUSE_SIM_BUGS").ok();
    let bug = bug.map(|name| Bug::named(&name).expect("a bug's name"));
    let report = match std::env::var("ARTHOUSE_SIM_CASE") {
        Ok(name) => Case::named(&name)
            .expect("a case's name")
            .play_with(bug, true),
        Err(_) => match swarm::number("ARTHOUSE_SIM_LOSS") {
            Some(seed) => loss::play(seed, bug, true),
            None => swarm::play(swarm::first_seed(), bug, true),
        },
    };
    for line in report.trace.lines() {
        println!("{line}");
    }
    println!("calls: {:?}, lasted {:?}", report.calls, report.lasted);
    for finding in &report.findings {
        println!("{finding}");
    }
    assert_eq!(report.findings, []);
}
