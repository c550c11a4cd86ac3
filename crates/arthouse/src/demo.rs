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
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::Utc;
use futures::stream::{FuturesUnordered, StreamExt};
use local_aws::{Config, LocalAws};
use sqs_consumer::{BatchSender, OutgoingMessage, SenderSettings};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::stack::{Clients, Names, Stack, local_settings};
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
    let data = tempfile::tempdir().context("no temporary folder for the embedded stack")?;
    let config = Config {
        data_dir: data.path().to_owned(),
        port: 0,
    };
    let aws = LocalAws::start(config).await?;
    let stack =
        Stack::provision(Clients::for_endpoint(aws.endpoint_url()), Names::default()).await?;
    println!("{}", show::opening(aws.endpoint_url(), data.path()));

    let shutdown = CancellationToken::new();
    let stack = Arc::new(stack);
    let running = tokio::spawn({
        let (stack, shutdown) = (Arc::clone(&stack), shutdown.clone());
        async move { stack.run(&local_settings(), shutdown).await }
    });
    let played = tokio::select! {
        played = Play::begin(&stack, &shutdown)?.perform(&options) => played,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    };
    shutdown.cancel();
    running.await.context("the worker panicked")??;
    aws.shutdown().await?;
    Ok(if played? {
        Exit::Success
    } else {
        Exit::Violations
    })
}

/// The demonstration under way.
struct Play<'a> {
    stack: &'a Stack,
    sender: BatchSender,
    heard: tokio::sync::mpsc::Receiver<listener::Heard>,
    ledger: Ledger,
}

impl<'a> Play<'a> {
    fn begin(stack: &'a Stack, shutdown: &CancellationToken) -> Result<Self> {
        let sender = BatchSender::new(
            stack.clients.sqs.clone(),
            &stack.queues.commands,
            SenderSettings {
                max_concurrent_requests: 16,
                ..SenderSettings::default()
            },
        );
        let heard = listener::listen(&stack.clients.sqs, &stack.queues, shutdown)?;
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
            println!("\n{}", chapter.title);
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
            println!(
                "\n{}",
                show::progress(&progress.context("a student of the story is missing")?)
            );
        }
        println!("\n{}", show::checks(&checked));
        println!("peak memory {}", memory::peak());
        Ok(checked.iter().all(|check| check.problems.is_empty()))
    }

    async fn load(&mut self, students: u32, now: arthouse_core::Timestamp) -> Result<()> {
        println!(
            "\n{students} more students take a course of {} sessions",
            load::SESSIONS
        );
        let started = Instant::now();
        let before = self.ledger.settled();
        for posts in load::chapters(students, now)? {
            let mut progress = show::Progress::of(posts.len());
            self.post(posts).await?;
            self.hear_all(&mut |heard| progress.count(heard)).await?;
            progress.finish();
        }
        let (commands, seconds) = (
            self.ledger.settled() - before,
            started.elapsed().as_secs_f64(),
        );
        println!("{}", show::rate(commands, seconds));
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
    async fn hear_all(&mut self, tell: &mut impl FnMut(&listener::Heard)) -> Result<()> {
        while !self.ledger.is_settled() {
            let heard = tokio::time::timeout(SILENCE_LIMIT, self.heard.recv()).await;
            let heard = heard.with_context(|| {
                format!(
                    "nothing heard for {SILENCE_LIMIT:?}; still open: {}",
                    self.ledger
                )
            })?;
            let heard = heard.context("the listeners have stopped")?;
            tell(&heard);
            self.ledger.note(heard);
        }
        Ok(())
    }
}

fn message(post: Post) -> OutgoingMessage {
    OutgoingMessage {
        body: post.body,
        group_id: Some(post.group),
        deduplication_id: Some(post.deduplication_id),
        attributes: BTreeMap::new(),
    }
}
