//! `arthouse send`: commands from flags, a file or stdin; checked first, then sent, then, if wished, waited for.

mod check;
mod deliver;
mod flags;
mod schedule;
mod tell;
mod wait;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use arthouse_core::CommandId;
use arthouse_store::Store;
use arthouse_worker::{Clock, Limits, Queue, QueueError, command_message};
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use clap::Args;
use uuid::Uuid;

use super::duration;
use crate::deployment::Deployment;
use crate::exit::Failure;
use crate::{Clients, Exit, Names, output, signals};
use check::{Checked, Defect};
use flags::Flags;
use tell::Teller;
use wait::Wanted;

/// The most input that is read, in bytes: it is held in memory whole, so that nothing is sent of a file with a bad line.
const MAX_INPUT: u64 = 512 * 1024 * 1024;

/// The most defects that are told.
const DEFECTS_TOLD: usize = 20;

/// The most remarks that are made.
const REMARKS_TOLD: usize = 20;

/// The heading of the options that sending has whatever the command.
const SENDING: &str = "Sending";

/// Sends one command from flags, or all commands of a file.
///
/// A file holds one CloudEvent, a JSON array of them, or one a line (NDJSON). Every command is checked before the first is sent: if one is
/// invalid, it is named by its number and nothing is sent (exit code 2). What of a schedule is not used, and a schedule that the school will
/// reject, is told on stderr.
///
/// Money is a decimal number with its currency, such as `--cost 120.00 --currency GBP`; in a CloudEvent it is in minor units (pence, cents).
///
/// Only the commands of one student keep their order; so do those of one course, `course.create` and `course.update`. Wait until a course
/// is created before you send applications for it.
///
/// With --wait, exits with 0 if all were applied, 3 if some were rejected, 4 if some had no outcome in time.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Options {
    /// Send the commands of this file; `-` is stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Only check the commands, and send nothing: exits with 0 if all are valid, else with 2
    #[arg(long, global = true, help_heading = SENDING, conflicts_with = "wait")]
    check: bool,
    /// Wait for the outcomes and show each as it comes
    #[arg(long, global = true, help_heading = SENDING)]
    wait: bool,
    /// How long to wait after all are sent, such as 500ms, 30s, 5m
    #[arg(long, global = true, help_heading = SENDING, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    timeout: Duration,
    #[arg(long, global = true, help_heading = SENDING, help = output::JSON_HELP)]
    json: bool,
    #[command(subcommand)]
    command: Option<Flags>,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let mut teller = Teller::new(options.json, options.file.is_some(), &deployment.prefix);
    let commands = gather(options.command, options.file.as_deref())?;
    schedule::remarks(&commands)
        .take(REMARKS_TOLD)
        .for_each(output::note);
    if options.check {
        let valid: Vec<_> = commands
            .iter()
            .map(|checked| Wanted::of(&checked.command))
            .collect();
        teller.all("valid", &valid)?;
        return Ok(Exit::Success);
    }
    tokio::select! {
        biased;
        // Once it sends, it hears signals itself and knows how far it is.
        exit = send(commands, options.wait.then_some(options.timeout), teller, deployment) => exit,
        () = signals::interrupted()? => bail!(Failure::Interrupted("nothing was sent".to_owned())),
    }
}

/// Sends commands and tells of them; with a time, waits so long for their outcomes.
async fn send(
    commands: Vec<Checked>,
    wait: Option<Duration>,
    mut teller: Teller,
    deployment: &Deployment,
) -> Result<Exit> {
    let names = deployment.names();
    let clients = Clients::from_env(Limits::Operator).await?;
    let queue = commands_queue(&clients, &names).await?;
    let (messages, wanted): (Vec<_>, Vec<_>) = commands
        .into_iter()
        .map(|Checked { command, body, .. }| {
            (command_message(&command, body), Wanted::of(&command))
        })
        .unzip();
    deliver::deliver(&clients.sqs, &queue, messages).await?;
    let Some(timeout) = wait else {
        teller.all("sent", &wanted)?;
        return Ok(Exit::Success);
    };
    let store = Store::new(clients.dynamodb, names.tables);
    let waiting = wait::wait(&store, wanted, timeout, |wanted, answer| {
        teller.answer(wanted, answer)
    });
    let waited = tokio::select! {
        tally = waiting => tally,
        () = signals::interrupted()? => {
            let sent = "everything was sent; outcomes that come later are not shown".to_owned();
            Err(Failure::Interrupted(sent).into())
        }
    };
    let tally = match waited {
        Ok(tally) => tally,
        Err(error) => {
            teller.end_document()?;
            return Err(error);
        }
    };
    teller.end(&tally, timeout)?;
    Ok(match (tally.missing.len(), tally.rejected) {
        (0, 0) => Exit::Success,
        (0, _) => Exit::Rejected,
        (_, _) => Exit::TimedOut,
    })
}

/// Reads and checks what is to be sent.
fn gather(flags: Option<Flags>, file: Option<&Path>) -> Result<Vec<Checked>> {
    let text = match (flags, file) {
        (Some(flags), None) => {
            let id = CommandId::try_from(Uuid::now_v7().to_string())
                .context("a new id is no command id")?;
            let body = flags.into_body(id, Clock::system().now()).map_err(bad)?;
            return check::one(body).map_err(|defect| bad_input(&[defect]));
        }
        (None, Some(file)) => read(file)?,
        (Some(_), Some(_)) => return Err(bad("give either --file or a command, not both")),
        (None, None) => return Err(bad("give a command, or --file with a file of commands")),
    };
    let commands = check::all(&text).map_err(|defects| bad_input(&defects))?;
    if commands.is_empty() {
        Err(bad("there are no commands in the input"))
    } else {
        Ok(commands)
    }
}

fn read(file: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin()
            .lock()
            .take(MAX_INPUT + 1)
            .read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(MAX_INPUT + 1).read_to_end(&mut bytes))
    };
    match read {
        Err(error) => Err(bad(format!("can't read {}: {error}", file.display()))),
        Ok(_) if bytes.len() as u64 > MAX_INPUT => Err(bad(format!(
            "the input has more than {MAX_INPUT} bytes: send it in parts"
        ))),
        Ok(_) => String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = good.iter().filter(|b| **b == b'\n').count() + 1;
            bad(format!("line {line}: not UTF-8; nothing was sent"))
        }),
    }
}

fn bad(text: impl Into<String>) -> anyhow::Error {
    Failure::BadInput(text.into()).into()
}

fn bad_input(defects: &[Defect]) -> anyhow::Error {
    let mut lines: Vec<String> = defects
        .iter()
        .take(DEFECTS_TOLD)
        .map(Defect::to_string)
        .collect();
    if defects.len() > DEFECTS_TOLD {
        lines.push(format!("and {} more", defects.len() - DEFECTS_TOLD));
    }
    lines.push("nothing was sent".to_owned());
    bad(lines.join("\n"))
}

/// Finds the one queue that a sender needs, so that a sender may be allowed that one only.
async fn commands_queue(clients: &Clients, names: &Names) -> Result<String> {
    let name = names.queues.name(Queue::Commands);
    let missing = || QueueError::Missing(name.clone());
    let found = clients.sqs.get_queue_url().queue_name(&name).send().await;
    match found {
        Ok(found) => Ok(found.queue_url.ok_or_else(missing)?),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(GetQueueUrlError::is_queue_does_not_exist) =>
        {
            Err(missing().into())
        }
        Err(error) => Err(error).with_context(|| format!("can't find the queue {name}")),
    }
}
