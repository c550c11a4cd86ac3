//! Outcomes are read from the receipts, since the outcomes queue belongs to others.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use anyhow::{Context, Result};
use arthouse_core::{Command, CommandId, CommandType, Outcome, PayloadHash, Receipt, Source};
use arthouse_store::Store;
use futures::{StreamExt, TryStreamExt};
use tokio::time::{Instant, sleep_until};

/// Receipts that are asked for in a round; the oldest first, since they are the likeliest to be there.
const ROUND: usize = 256;
/// Reads under way at once.
const READS_IN_FLIGHT: usize = 32;
/// The pause after a round that found nothing; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A command whose outcome is waited for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) source: Source,
    pub(super) id: CommandId,
    pub(super) command_type: CommandType,
    payload_hash: PayloadHash,
}

impl Wanted {
    pub(super) fn of(command: &Command) -> Self {
        Self {
            source: command.metadata.source.clone(),
            id: command.metadata.id.clone(),
            command_type: command.action.command_type(),
            payload_hash: command.payload_hash.clone(),
        }
    }
}

/// What has become of a command.
#[derive(Debug)]
pub(super) enum Answer<'a> {
    /// It has its outcome.
    Settled(&'a Receipt),
    /// Its id had been used before for another command: it is a dead letter.
    Reused,
}

/// How many commands had which end.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) applied: usize,
    /// Rejected, or dead letters.
    pub(super) rejected: usize,
    /// Without an outcome when the time was over.
    pub(super) missing: Vec<Wanted>,
}

/// Waits for the outcomes of commands and shows each as it comes.
///
/// # Errors
/// Returns why receipts can't be read, or what `show` returns.
pub(super) async fn wait(
    store: &Store,
    wanted: Vec<Wanted>,
    timeout: Duration,
    mut show: impl FnMut(&Wanted, &Answer<'_>) -> Result<()>,
) -> Result<Tally> {
    let deadline = Instant::now() + timeout;
    let mut open = once(wanted);
    let mut tally = Tally::default();
    let mut pause = FIRST_PAUSE;
    loop {
        // Before the last look, so that what comes in while it looks is not asked for once more.
        let over = Instant::now() >= deadline;
        let round: Vec<_> = open.drain(..open.len().min(ROUND)).collect();
        pause = (pause * 2).min(LONGEST_PAUSE);
        for (wanted, receipt) in read(store, round).await? {
            match receipt {
                Some(receipt) => {
                    let answer = wanted.answer(&receipt);
                    tally.count(&answer);
                    show(&wanted, &answer)?;
                    pause = FIRST_PAUSE;
                }
                None => open.push_back(wanted),
            }
        }
        if open.is_empty() || over {
            tally.missing = open.into();
            return Ok(tally);
        }
        sleep_until((Instant::now() + pause).min(deadline)).await;
    }
}

/// Leaves out repeats: a command has one outcome.
fn once(wanted: Vec<Wanted>) -> VecDeque<Wanted> {
    let mut seen = HashSet::new();
    wanted
        .into_iter()
        .filter(|wanted| seen.insert((wanted.source.clone(), wanted.id.clone())))
        .collect()
}

async fn read(store: &Store, round: Vec<Wanted>) -> Result<Vec<(Wanted, Option<Receipt>)>> {
    futures::stream::iter(round)
        .map(async |wanted| {
            let receipt = store
                .receipt(&wanted.source, &wanted.id)
                .await
                .context("can't read the outcomes")?;
            anyhow::Ok((wanted, receipt))
        })
        .buffered(READS_IN_FLIGHT)
        .try_collect()
        .await
}

impl Wanted {
    fn answer<'a>(&self, receipt: &'a Receipt) -> Answer<'a> {
        if receipt.payload_hash.matches(&self.payload_hash) {
            Answer::Settled(receipt)
        } else {
            Answer::Reused
        }
    }
}

impl Tally {
    fn count(&mut self, answer: &Answer<'_>) {
        match answer {
            Answer::Settled(Receipt {
                outcome: Outcome::Applied,
                ..
            }) => self.applied += 1,
            Answer::Settled(Receipt {
                outcome: Outcome::Rejected { .. },
                ..
            })
            | Answer::Reused => self.rejected += 1,
        }
    }
}
