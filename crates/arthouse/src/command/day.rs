use anyhow::{Context, Result};
use arthouse_core::{CourseId, Session, Timestamp};
use arthouse_store::Store;
use arthouse_worker::Limits;
use chrono::{NaiveDate, Utc};
use clap::Args;

use super::roster;
use crate::Exit;
use crate::deployment::Deployment;
use crate::output::{self, Format};

/// Which day of which course.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The course
    #[arg(long)]
    course: CourseId,
    /// The day on the clock of the course, such as 2026-10-01; today if not given
    #[arg(long)]
    date: Option<NaiveDate>,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let store = deployment.store(Limits::Operator).await?;
    let zone = output::zone_of(&store, &options.course).await?;
    let date = options
        .date
        .unwrap_or_else(|| Utc::now().with_timezone(&zone).date_naive());
    let mut sessions = sessions(&store, &options.course, zone.day(date)).await?;
    sessions.sort_by_key(|session| (session.session_date, session.user_id.clone()));
    if options.format.json {
        let lines = sessions.iter().map(roster::line);
        output::print_json(&lines.collect::<Vec<_>>())?;
    } else if sessions.is_empty() {
        output::print(format!("no session of {} on {date}", options.course))?;
    } else {
        output::print(roster::table(&sessions, zone))?;
    }
    Ok(Exit::Success)
}

async fn sessions(
    store: &Store,
    course_id: &CourseId,
    between: (Timestamp, Timestamp),
) -> Result<Vec<Session>> {
    let (mut sessions, mut start) = (Vec::new(), None);
    loop {
        let page = store.sessions_between(course_id, between, start).await;
        let page = page.context("can't read the sessions")?;
        sessions.extend(page.items);
        match page.next {
            Some(next) => start = Some(next),
            None => return Ok(sessions),
        }
    }
}
