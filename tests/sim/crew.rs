//! Simulations side by side: each runs on one thread from its start to its end.

use std::fmt::Display;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::tally::Tally;
use crate::world::Report;

/// How often it is said how far the work has come.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Plays each of these, as many at a time as there are processors; returns what came of them in their order. Says each minute how many
/// are played.
pub(crate) fn each<T: Sync, R: Send>(work: &[T], play: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let hands = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..hands {
            let (sender, next, play) = (sender.clone(), &next, &play);
            scope.spawn(move || {
                while let Some((at, one)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    work.get(at).map(|one| (at, one))
                } {
                    sender.send((at, play(one))).expect("it is waited for");
                }
            });
        }
        drop(sender);
        let mut told = Instant::now();
        let mut played: Vec<(usize, R)> = Vec::with_capacity(work.len());
        for result in results {
            played.push(result);
            if told.elapsed() >= TOLD_EVERY {
                println!("{} of {} played", played.len(), work.len());
                told = Instant::now();
            }
        }
        played.sort_by_key(|(at, _)| *at);
        played.into_iter().map(|(_, result)| result).collect()
    })
}

/// Plays each of these, prints what was found with the command that plays it again, and panics if anything was; returns what was met.
/// It is played again by its name in `variable`.
pub(crate) fn search<T: Sync, N: Display>(
    variable: &str,
    work: &[T],
    name: impl Fn(&T) -> N + Sync,
    play: impl Fn(&T) -> Report + Sync,
) -> Tally {
    let began = Instant::now();
    let played = each(work, |one| {
        let report = play(one);
        if let Some(finding) = report.findings.first() {
            let name = name(one);
            println!("{name}: {finding}");
            println!(
                "  again: {variable}={name} cargo test --workspace --test sim replay -- --ignored --nocapture"
            );
        }
        report
    });
    let mut tally = Tally::default();
    played.iter().for_each(|report| tally.add(report));
    tally.print(work.len(), began.elapsed());
    let failed = played.iter().filter(|it| !it.findings.is_empty()).count();
    assert_eq!(failed, 0, "of {} simulations", work.len());
    tally
}
