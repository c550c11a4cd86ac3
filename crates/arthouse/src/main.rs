use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    arthouse::run(arthouse::Cli::parse())
}
