//! `arthouse demo`: a whole course's life on a fresh embedded stack, checked at the end.

mod calendar;
mod checks;
mod ledger;
mod listener;
mod load;
mod memory;
mod script;
mod show;
mod story;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::Utc;
use futures::stream::{FuturesUnordered, StreamExt};
use local_aws::{Config, LocalAws};
use sqs_consumer::{BatchSender, OutgoingMessage, SenderSettings};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Failure};
use crate::{Clients, Names, Stack, local_settings, output, signals};
use ledger::Ledger;
use script::Post;

/// How long nothing may be heard before the demonstration gives up: far beyond any retry on one machine.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);

/// Plays a whole course's life on a fresh embedded stack.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// How many students take a ten-session course beside the ones whose story is told; 13 commands each.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    students: u32,
}

/// Plays the story, then the load, then checks the tables.
///
/// # Errors
/// Returns what failed; a broken expectation or invariant is no error but [`Exit::Violations`].
pub(crate) async fn run(options: Options) -> Result<Exit> {
    // Before there is anything to be left behind.
    let interrupted = signals::interrupted()?;
    let data = tempfile::tempdir().context("no temporary folder for the embedded stack")?;
    let config = Config {
        data_dir: data.path().to_owned(),
        port: 0,
    };
    let aws = LocalAws::start(config).await?;
    let mut tasks = JoinSet::new();
    let played = tokio::select! {
        played = Box::pin(play(&options, &aws, data.path(), &mut tasks)) => played,
        () = interrupted => Err(Failure::Interrupted("the demo has left nothing behind".to_owned()).into()),
    };
    tasks.shutdown().await;
    aws.shutdown().await?;
    data.close().context("can't remove the data of the demo")?;
    Ok(if played? {
        Exit::Success
    } else {
        Exit::Violations
    })
}

/// Plays it all on the stack, and lets the worker and the stream processor drain; returns whether everything was as it should be.
async fn play(
    options: &Options,
    aws: &LocalAws,
    data: &Path,
    tasks: &mut JoinSet<Result<()>>,
) -> Result<bool> {
    output::print_live(show::opening(aws.endpoint_url(), data))?;
    let clients = Clients::for_endpoint(aws.endpoint_url());
    let stack = Stack::provision(clients, Names::default()).await?;
    let shutdown = CancellationToken::new();
    tasks.spawn({
        let (stack, shutdown) = (stack.clone(), shutdown.clone());
        async move {
            stack.run(&local_settings(), shutdown).await?;
            Ok(())
        }
    });
    let played = Play::begin(&stack, &shutdown, tasks)?
        .perform(options)
        .await?;
    shutdown.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended.context("a part of the demo panicked")??;
    }
    Ok(played)
}

/// The demonstration under way.
struct Play<'a> {
    stack: &'a Stack,
    sender: BatchSender,
    heard: tokio::sync::mpsc::Receiver<listener::Heard>,
    ledger: Ledger,
}

impl<'a> Play<'a> {
    fn begin(
        stack: &'a Stack,
        shutdown: &CancellationToken,
        tasks: &mut JoinSet<Result<()>>,
    ) -> Result<Self> {
        let sender = BatchSender::new(
            stack.clients.sqs.clone(),
            &stack.queues.commands,
            SenderSettings::default().with_max_concurrent_requests(16),
        )?;
        let heard = listener::listen(&stack.clients.sqs, &stack.queues, shutdown, tasks)?;
        Ok(Self {
            stack,
            sender,
            heard,
            ledger: Ledger::default(),
        })
    }

    /// Returns whether everything was as it should be.
    async fn perform(mut self, options: &Options) -> Result<bool> {
        let now = Utc::now().into();
        for chapter in story::chapters(now)? {
            output::print_live(format_args!("\n{}", chapter.title))?;
            self.post(chapter.posts).await?;
            self.hear_all(&mut show::telling).await?;
        }
        if options.students > 0 {
            self.load(options.students, now).await?;
        }
        let checked = checks::settle(self.stack, &mut self.heard, &mut self.ledger).await?;
        for (user_id, course_id) in story::students()? {
            let records = self.stack.store.student(&user_id, &course_id).await?;
            let (application, enrollment) =
                (records.application.as_ref(), records.enrollment.as_ref());
            let progress = arthouse_core::project(
                application,
                enrollment,
                &records.sessions,
                Utc::now().into(),
            );
            output::print_live(format_args!(
                "\n{}",
                show::progress(&progress.context("a student of the story is missing")?)
            ))?;
        }
        output::print_live(format_args!("\n{}", show::checks(&checked)))?;
        output::print_live(format_args!("peak memory {}", memory::peak()))?;
        Ok(checked.iter().all(|check| check.problems.is_empty()))
    }

    async fn load(&mut self, students: u32, now: arthouse_core::Timestamp) -> Result<()> {
        output::print_live(format_args!(
            "\n{students} more students take a course of {} sessions",
            load::SESSIONS
        ))?;
        let started = Instant::now();
        let before = self.ledger.settled();
        for posts in load::chapters(students, now)? {
            let mut progress = show::Progress::of(posts.len());
            self.post(posts).await?;
            self.hear_all(&mut |heard| {
                progress.count(heard);
                Ok(())
            })
            .await?;
            progress.finish();
        }
        let (commands, seconds) = (
            self.ledger.settled() - before,
            started.elapsed().as_secs_f64(),
        );
        output::print_live(format_args!("{}", show::rate(commands, seconds)))?;
        Ok(())
    }

    /// Sends messages: each student's in their order, students side by side.
    async fn post(&mut self, posts: Vec<Post>) -> Result<()> {
        let mut sending = FuturesUnordered::new();
        for post in posts {
            self.ledger.expect(&post);
            let sender = self.sender.clone();
            sending.push(async move { sender.send(message(post)).await });
            if sending.len() >= 1_000 {
                sending.next().await.transpose()?;
            }
        }
        while let Some(sent) = sending.next().await {
            sent?;
        }
        Ok(())
    }

    /// Listens until every message sent has its outcome or is a dead letter.
    async fn hear_all(
        &mut self,
        tell: &mut impl FnMut(&listener::Heard) -> io::Result<()>,
    ) -> Result<()> {
        while !self.ledger.is_settled() {
            let heard = tokio::time::timeout(SILENCE_LIMIT, self.heard.recv()).await;
            let heard = heard.with_context(|| {
                format!(
                    "nothing heard for {SILENCE_LIMIT:?}; still open: {}",
                    self.ledger
                )
            })?;
            let heard = heard.context("the listeners have stopped")?;
            tell(&heard)?;
            self.ledger.note(heard);
        }
        Ok(())
    }
}

fn message(post: Post) -> OutgoingMessage {
    OutgoingMessage {
        body: post.body,
        group_id: Some(post.group),
        deduplication_id: post.deduplication_id,
        attributes: BTreeMap::new(),
    }
}
