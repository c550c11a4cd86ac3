//! The same seed gives the same calls and answers, byte for byte, or a failure could not be looked into.

use crate::{alone, loss, swarm};

const SEEDS: [u64; 4] = [3, 7, 11, 12];

fn trace(seed: u64) -> Vec<String> {
    swarm::play(seed, None, true).trace.lines().to_vec()
}

#[test]
fn the_same_seed_twice_gives_the_same_trace() {
    for seed in SEEDS {
        let (first, second) = (trace(seed), trace(seed));
        assert!(first.len() > 100, "{}", first.len());
        let differs = first.iter().zip(&second).position(|(a, b)| a != b);
        let around = differs.map(|at| (at, &first[at], &second[at]));
        assert_eq!(around, None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}

#[test]
fn the_same_seed_of_losses_twice_gives_the_same_trace() {
    for seed in SEEDS {
        let [first, second] = [(); 2].map(|()| {
            let report = loss::play(seed, None, true);
            report.trace.lines().to_vec()
        });
        assert!(first.len() > 100, "{}", first.len());
        let differs = first.iter().zip(&second).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}

#[test]
fn the_same_seed_in_two_processes_gives_the_same_trace() {
    let [first, second] = [(); 2].map(|()| {
        let printed = alone::run("determinism::print_the_trace_of_a_seed", 5);
        let lines = printed.lines().filter(|line| line.contains(" n"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    });
    assert!(first.len() > 100, "{}", first.len());
    let differs = first.iter().zip(&second).find(|(a, b)| a != b);
    assert_eq!(differs, None);
    assert_eq!(first.len(), second.len());
}

#[test]
#[ignore = "for the test above, which runs it in processes of their own"]
fn print_the_trace_of_a_seed() {
    for line in trace(swarm::first_seed()) {
        println!("{line}");
    }
}
