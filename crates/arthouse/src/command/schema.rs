//! `arthouse schema`: the contracts, generated from the types.

mod asyncapi;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use arthouse_core::{CommandType, schema};
use clap::Args;
use serde_json::Value;

use crate::Exit;
use crate::deployment::Deployment;
use crate::output;

/// What to print, or where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print the JSON Schema of this command only, such as course.create
    #[arg(long, value_name = "TYPE", value_parser = command_type, conflicts_with = "out")]
    command: Option<CommandType>,
    /// Write everything as files into this folder, made if absent: asyncapi.json, openapi.json, commands/*.json, events/*.json; `infra/contracts` is
    /// made so
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(options: &Options, deployment: &Deployment) -> Result<Exit> {
    let names = deployment.names();
    match (options.command, &options.out) {
        (Some(command_type), _) => output::print_json(&schema::command(command_type))?,
        (None, None) => output::print_json(&asyncapi::document(&names.queues))?,
        (None, Some(folder)) => {
            let written = write(folder, &asyncapi::document(&names.queues));
            let files = written.with_context(|| format!("can't write to {}", folder.display()))?;
            output::print(format!("{files} files written to {}", folder.display()))?;
        }
    }
    Ok(Exit::Success)
}

fn write(folder: &Path, asyncapi: &Value) -> Result<usize> {
    let mut files = vec![
        (folder.join("asyncapi.json"), asyncapi.clone()),
        (folder.join("openapi.json"), arthouse_web::openapi()),
    ];
    for command_type in CommandType::ALL {
        let file = format!("{}.json", command_type.name());
        files.push((
            folder.join("commands").join(file),
            schema::command(command_type).into(),
        ));
    }
    for event_type in schema::EventType::all() {
        let file = format!("{}.json", event_type.name());
        files.push((
            folder.join("events").join(file),
            schema::event(event_type).into(),
        ));
    }
    fs::create_dir_all(folder.join("commands"))?;
    fs::create_dir_all(folder.join("events"))?;
    for (path, content) in &mut files {
        // Whether a JSON object keeps its order is a choice that any crate of the build can make for all.
        content.sort_all_objects();
        fs::write(path, format!("{content:#}\n"))?;
    }
    Ok(files.len())
}

/// Reads a command's type: `course.create`, or in full.
fn command_type(text: &str) -> Result<CommandType, String> {
    let found = CommandType::ALL
        .into_iter()
        .find(|known| text == known.name() || text == known.as_str());
    found.ok_or_else(|| {
        format!(
            "must be one of {}",
            CommandType::ALL.map(CommandType::name).join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_named_in_short_or_in_full() {
        assert_eq!(
            command_type("session.attend"),
            Ok(CommandType::AttendSession)
        );
        assert_eq!(
            command_type("com.digitalarthouse.session.attend.v1"),
            Ok(CommandType::AttendSession)
        );
        assert!(
            command_type("session.attend.v2").is_err_and(|error| error.contains("payment.confirm"))
        );
    }

    #[test]
    fn every_contract_is_written_to_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(folder.path(), &Value::Null).unwrap();
        assert_eq!(
            files,
            2 + CommandType::ALL.len() + schema::EventType::all().len()
        );
        let text = fs::read_to_string(folder.path().join("commands/payment.confirm.json")).unwrap();
        let schema: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            schema["properties"]["type"]["const"],
            "com.digitalarthouse.payment.confirm.v1"
        );
    }
}
