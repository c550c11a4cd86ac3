//! A test in a process of its own, with which it shares nothing: not the log either, whose being there changes the random
//! numbers that the SDK's clients draw.

use std::process::Command;

/// Runs an ignored test of this program by itself, with a seed; returns what it printed.
///
/// # Panics
/// Panics if the test fails, or if there is none of this name.
pub(crate) fn run(test: &str, seed: u64) -> String {
    let this = std::env::current_exe().expect("this program's path");
    let output = Command::new(this)
        .args(["--exact", test])
        .args(["--ignored", "--nocapture", "--test-threads=1"])
        .env("ARTHOUSE_SIM_SEED", seed.to_string())
        .output()
        .expect("this program can be run");
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).expect("text");
    assert!(printed.contains("1 passed"), "there is no test {test}");
    printed
}
