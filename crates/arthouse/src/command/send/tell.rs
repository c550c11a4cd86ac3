use std::time::Duration;

use anyhow::Result;
use arthouse_core::{Malformed, Outcome};
use serde_json::{Value, json};

use super::wait::{Answer, Tally, Wanted};
use crate::command::{name, outcome};
use crate::output::{self, plain};

/// The most commands without an outcome that are named.
const MISSING_TOLD: usize = 20;

/// Tells what has become of commands, on stdout, one line each.
#[derive(Debug)]
pub(super) struct Teller {
    pub(super) json: bool,
}

impl Teller {
    /// Tells what was sent; of many, only how many to people.
    pub(super) fn sent(&self, sent: &[Wanted]) -> Result<()> {
        if self.json {
            return sent
                .iter()
                .try_for_each(|wanted| output::print_json_line(&command(wanted)));
        }
        match sent {
            [one] => output::print(format!("sent      {}  {}", one.id, name(one.command_type)))?,
            many => output::print(format!("{} commands sent", many.len()))?,
        }
        Ok(())
    }

    /// Tells what has become of a command.
    pub(super) fn answer(&self, wanted: &Wanted, answer: &Answer<'_>) -> Result<()> {
        if self.json {
            return output::print_json_line(&as_json(wanted, answer));
        }
        let (id, what) = (&wanted.id, name(wanted.command_type));
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
    pub(super) fn end(&self, tally: &Tally, timeout: Duration) -> Result<()> {
        for missing in tally.missing.iter().take(MISSING_TOLD) {
            output::note(format!("no outcome of {} after {timeout:?}", missing.id));
        }
        if tally.missing.len() > MISSING_TOLD {
            output::note(format!(
                "and of {} more",
                tally.missing.len() - MISSING_TOLD
            ));
        }
        if !tally.missing.is_empty() {
            output::note(
                "hint: is a worker running? `arthouse outcome ID` shows an outcome that comes later",
            );
        }
        let Tally {
            applied,
            rejected,
            missing,
        } = tally;
        if !self.json && applied + rejected + missing.len() > 1 {
            output::print(format!(
                "{applied} applied, {rejected} rejected, {} without an outcome",
                missing.len()
            ))?;
        }
        Ok(())
    }
}

fn command(wanted: &Wanted) -> Value {
    json!({ "command_id": wanted.id, "command_source": wanted.source, "command_type": wanted.command_type.as_str() })
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
