use std::time::Duration;

use anyhow::Result;
use arthouse_core::{Malformed, Outcome};
use serde_json::{Value, json};

use super::wait::{Answer, Tally, Wanted};
use crate::command::{CLI_SOURCE, outcome};
use crate::output::{self, plain};

/// The most commands without an outcome that are named.
const MISSING_TOLD: usize = 20;

/// Tells what has become of commands, on stdout: to people one line each as it comes, to programs one document in the end.
#[derive(Debug)]
pub(super) struct Teller {
    document: Option<Document>,
    /// The prefix of the deployment, for hints.
    prefix: String,
}

/// An object for a command from flags, an array for those of a file.
#[derive(Debug)]
struct Document {
    is_array: bool,
    commands: Vec<Value>,
}

impl Teller {
    pub(super) fn new(json: bool, is_file: bool, prefix: &str) -> Self {
        let document = Document {
            is_array: is_file,
            commands: Vec::new(),
        };
        Self {
            document: json.then_some(document),
            prefix: prefix.to_owned(),
        }
    }

    /// Tells that commands are valid or sent; of many, only how many to people.
    pub(super) fn all(&mut self, what: &str, commands: &[Wanted]) -> Result<()> {
        if let Some(document) = &mut self.document {
            document.commands.extend(commands.iter().map(command));
            return self.end_document();
        }
        match commands {
            [one] => output::print(format!("{what:<9} {}  {}", one.id, one.command_type.name()))?,
            many => output::print(format!("{} commands {what}", many.len()))?,
        }
        Ok(())
    }

    /// Tells what has become of a command.
    pub(super) fn answer(&mut self, wanted: &Wanted, answer: &Answer<'_>) -> Result<()> {
        if let Some(document) = &mut self.document {
            document.commands.push(as_json(wanted, answer));
            return Ok(());
        }
        let (id, what) = (&wanted.id, wanted.command_type.name());
        output::print(match answer {
            Answer::Settled(receipt) => match &receipt.outcome {
                Outcome::Applied => format!("applied   {id}  {what}"),
                Outcome::Rejected { code, message } => {
                    format!("rejected  {id}  {what}  {code}: {}", plain(message))
                }
            },
            Answer::Reused => format!("refused   {id}  {what}  {}", Malformed::command_id_reused()),
        })?;
        Ok(())
    }

    /// Tells how it ended: the missing on stderr, and for people the numbers.
    pub(super) fn end(&mut self, tally: &Tally, timeout: Duration) -> Result<()> {
        self.missing(&tally.missing, timeout);
        if let Some(document) = &mut self.document {
            let missing = tally.missing.iter().map(|wanted| {
                let mut value = command(wanted);
                value["outcome"] = Value::Null;
                value
            });
            document.commands.extend(missing);
            return self.end_document();
        }
        let Tally {
            applied,
            rejected,
            missing,
        } = tally;
        if applied + rejected + missing.len() > 1 {
            output::print(format!(
                "{applied} applied, {rejected} rejected, {} without an outcome",
                missing.len()
            ))?;
        }
        Ok(())
    }

    fn missing(&self, missing: &[Wanted], timeout: Duration) {
        let timeout = output::duration(timeout);
        for wanted in missing.iter().take(MISSING_TOLD) {
            output::note(format!("no outcome of {} after {timeout}", wanted.id));
        }
        if missing.len() > MISSING_TOLD {
            output::note(format!("and of {} more", missing.len() - MISSING_TOLD));
        }
        if let Some(first) = missing.first() {
            output::note(format!(
                "hint: is a worker running? `{}` shows an outcome that comes later",
                self.outcome_command(first)
            ));
        }
    }

    /// Returns the command line that shows a command's outcome.
    fn outcome_command(&self, wanted: &Wanted) -> String {
        let mut line = "arthouse".to_owned();
        if !self.prefix.is_empty() {
            line = format!("{line} --prefix {}", self.prefix);
        }
        line = format!("{line} outcome --id {}", wanted.id);
        if wanted.source.as_str() != CLI_SOURCE {
            line = format!("{line} --source {}", wanted.source);
        }
        line
    }

    /// Prints the document, where one is asked for, with what is known.
    pub(super) fn end_document(&mut self) -> Result<()> {
        let Some(document) = self.document.take() else {
            return Ok(());
        };
        match document.commands.as_slice() {
            [one] if !document.is_array => output::print_json(one),
            many => output::print_json(&many),
        }
    }
}

fn command(wanted: &Wanted) -> Value {
    json!({
        "command_id": wanted.id,
        "command_source": wanted.source,
        "command_type": wanted.command_type.as_str(),
    })
}

fn as_json(wanted: &Wanted, answer: &Answer<'_>) -> Value {
    match answer {
        Answer::Settled(receipt) => outcome::as_json(receipt),
        Answer::Reused => {
            let Malformed { reason, detail } = Malformed::command_id_reused();
            let mut value = command(wanted);
            value["outcome"] = json!("refused");
            value["code"] = json!(reason.code());
            value["message"] = json!(detail);
            value
        }
    }
}
