use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::{Exit, output};

/// Where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder of the pages, made if absent: arthouse.1, and a page for each command
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(options: &Options, program: clap::Command) -> Result<Exit> {
    let folder = &options.out;
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(program, folder))
        .with_context(|| format!("can't write to {}", folder.display()))?;
    output::print(format!("pages written to {}", folder.display()))?;
    Ok(Exit::Success)
}
