use anyhow::Result;
use clap::Args;
use clap_complete::{Shell, generate};

use crate::{Exit, output};

/// For which shell.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell that is to complete
    shell: Shell,
}

pub(crate) fn run(options: &Options, mut program: clap::Command) -> Result<Exit> {
    let mut script = Vec::new();
    let name = program.get_name().to_owned();
    generate(options.shell, &mut program, name, &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Success)
}
